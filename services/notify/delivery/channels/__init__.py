"""How a message goes out, one way a file: it returns when the receiver has taken it, or raises."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from services.notify.delivery.outbox import Entry
from services.notify.wording.message import Message


class NotDeliveredError(Exception):
    """The receiver did not take the message; another attempt may help.

    The text is for operators: it never holds an address or what a receiver wrote.
    """

    def __init__(self, reason: str, wait: timedelta = timedelta(0)) -> None:
        """Keep the reason, and how long the receiver wants to be left alone."""
        super().__init__(reason)
        self.wait = wait


class GoneError(NotDeliveredError):
    """The receiver said that it is gone for good."""


Deliver = Callable[[Entry, str, Message], Awaitable[None]]
"""Delivers one message to an address, as worded.

Raises:
    NotDeliveredError: when the receiver did not take it.
"""
