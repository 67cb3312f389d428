"""When a message that was not taken is tried again. Pure: clock and jitter are given.

Source: Standard Webhooks 1.0, "Deliverability and reliability". E-mail follows it too.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

Jitter = Callable[[], float]
"""Returns a number from 0 to 1, another each time, so that many do not come back at once."""

PAUSES: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
)
"""Between ten attempts, the first of which is at once: about 75 hours in all."""

LONGEST: Final = PAUSES[-1]
"""No receiver can put us off for longer than this at a time."""

_NONE: Final = timedelta(0)


def next_attempt(attempts: int, asked: timedelta, now: datetime, jitter: Jitter) -> datetime | None:
    """When to try again; None when it is enough.

    Args:
        attempts: how many failed, this one included; 1 or more.
        asked: how long the receiver wants to be left alone; 0 when it did not say.
        now: the moment of the last attempt.
        jitter: moves a pause by up to a tenth either way, what a receiver asked for only up.
    """
    if attempts > len(PAUSES):
        return None
    shift = jitter()
    pause = PAUSES[attempts - 1] * (0.9 + 0.2 * shift)
    return now + max(pause, min(asked, LONGEST) * (1 + 0.1 * shift))


def wait_asked(header: str | None, now: datetime) -> timedelta:
    """What a Retry-After header asks for (RFC 9110, 10.2.3): seconds, or a date of HTTP.

    0 where there is none, where it lies in the past, or where it cannot be read; `LONGEST` at most.
    """
    value = (header or "").strip()
    if value.isascii() and value.isdigit():
        digits = value.lstrip("0") or "0"
        return min(timedelta(seconds=int(digits)), LONGEST) if len(digits) < 10 else LONGEST
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return _NONE
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(moment - now, _NONE), LONGEST)
