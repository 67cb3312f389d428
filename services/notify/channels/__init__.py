"""How a message goes out, one way a file: it returns when the receiver has taken it, or raises."""

from collections.abc import Awaitable, Callable

from services.notify.message import Message
from services.notify.outbox import Entry


class NotDeliveredError(Exception):
    """The receiver did not take the message; another attempt may help."""


Deliver = Callable[[Entry, Message], Awaitable[None]]
"""Delivers one message.

Raises:
    NotDeliveredError: when the receiver did not take it.
"""
