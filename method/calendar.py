"""Office hours: how much time lies between two moments during which an office is open. Pure.

Hours are in `calendar.yaml`, by the day from which they hold. Days off are the public holidays of
Viet Nam (Labour Code 2019, Art. 112), with days in lieu and the days that the government exchanged,
as the package `holidays` knows them. Times are those of Asia/Ho_Chi_Minh.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import Annotated, NamedTuple, Self

from holidays import HolidayBase, country_holidays
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    model_validator,
)

from method.dated import Dated, in_force, read_versions
from method.period import LOCAL_ZONE, local_day

_NOTHING = timedelta(0)
_DAY = timedelta(days=1)


class Shift(NamedTuple):
    """From when until when an office is open, without a break."""

    opens: time
    closes: time


def _shift(value: object) -> object:
    if isinstance(value, str) and (match := re.fullmatch(r"(\d\d:\d\d)-(\d\d:\d\d)", value)):
        shift = Shift(time.fromisoformat(match[1]), time.fromisoformat(match[2]))
        if shift.opens < shift.closes:
            return shift
    msg = "must be two times of a day with - between them, as in 07:30-11:30"
    raise ValueError(msg)


def _in_order(shifts: tuple[Shift, ...]) -> tuple[Shift, ...]:
    if any(later.opens < earlier.closes for earlier, later in pairwise(shifts)):
        msg = "must be in order, none beginning before the one before it ends"
        raise ValueError(msg)
    return shifts


Shifts = Annotated[tuple[Annotated[Shift, BeforeValidator(_shift)], ...], AfterValidator(_in_order)]


class Week(BaseModel):
    """The shifts of each weekday."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mon: Shifts
    tue: Shifts
    wed: Shifts
    thu: Shifts
    fri: Shifts
    sat: Shifts
    sun: Shifts

    @model_validator(mode="after")
    def _is_open(self) -> Self:
        if not any(self.days):
            msg = "must have an open day"
            raise ValueError(msg)
        return self

    @property
    def days(self) -> tuple[tuple[Shift, ...], ...]:
        """From Monday to Sunday."""
        return self.mon, self.tue, self.wed, self.thu, self.fri, self.sat, self.sun


class OfficeHours(Dated):
    """One version of when offices are open.

    Attributes:
        week: the usual one.
        exchanged: shifts of a weekend day that is worked in exchange for a day off.
    """

    week: Week
    exchanged: Shifts


@cache
def _versions() -> tuple[OfficeHours, ...]:
    return read_versions("calendar.yaml", OfficeHours)


@cache
def _public_holidays() -> HolidayBase:
    """Those of Viet Nam; it works out a year when it is first asked about one of its days."""
    return country_holidays("VN")


def shifts_on(day: date) -> tuple[Shift, ...]:
    """When offices are open on a local day; nothing on a day off."""
    version = in_force(_versions(), day)
    holidays = _public_holidays()
    if day in holidays:
        return ()
    if day in holidays.weekend_workdays:
        return version.exchanged
    return version.week.days[day.weekday()]


def _open_on(day: date) -> Iterator[tuple[datetime, datetime]]:
    for shift in shifts_on(day):
        yield (
            datetime.combine(day, shift.opens, LOCAL_ZONE),
            datetime.combine(day, shift.closes, LOCAL_ZONE),
        )


def office_time(start: datetime, end: datetime) -> timedelta:
    """How long offices are open between two moments; nothing if the second is not later."""
    total, day = _NOTHING, local_day(start)
    while day <= local_day(end):
        for opens, closes in _open_on(day):
            total += max(_NOTHING, min(closes, end) - max(opens, start))
        day += _DAY
    return total


def office_time_before(moment: datetime, length: timedelta) -> datetime:
    """The latest moment from which so much office time passes until a later one.

    So that many beginnings can be compared with one moment, however long ago they are:
    `office_time(beginning, moment) >= length` where `beginning <= office_time_before(…)`.

    Args:
        moment: the end, in any zone.
        length: more than nothing.
    """
    day, left = local_day(moment), length
    while True:
        for opens, closes in reversed(list(_open_on(day))):
            end = min(closes, moment)
            if opens < end:
                if end - opens >= left:
                    return end - left
                left -= end - opens
        day -= _DAY


def is_open(moment: datetime) -> bool:
    """Whether offices are open at a moment, given in any zone."""
    return any(opens <= moment < closes for opens, closes in _hours_of(local_day(moment)))


@cache
def _hours_of(day: date) -> tuple[tuple[datetime, datetime], ...]:
    """What is asked of each answer of a day is worked out once."""
    return tuple(_open_on(day))
