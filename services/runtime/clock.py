"""The clock, injected wherever time matters so that tests can set it."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the present moment, with a zone."""


def system_clock() -> datetime:
    """The real present, in UTC."""
    return datetime.now(UTC)
