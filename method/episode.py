"""The days that an alert is about, and those that it is compared with. Pure."""

from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from method.period import local_day

LOOK_BACK: Final = 28
"""Days before an alert began that it is compared with: four whole weeks, so each weekday alike."""


class Period(NamedTuple):
    """Local days, the first and the last included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many; none if it ends before it begins."""
        return max(0, (self.last - self.first).days + 1)


def since(began_at: datetime, until: datetime) -> Period:
    """The days from that on which an alert's trouble began."""
    return Period(local_day(began_at), max(local_day(began_at), local_day(until)))


def before(began_at: datetime) -> Period:
    """The days before that: none of them had a part in the alert."""
    last = local_day(began_at) - timedelta(days=1)
    return Period(last - timedelta(days=LOOK_BACK - 1), last)
