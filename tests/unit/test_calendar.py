"""Office hours: which days are worked, and how much of the time between two moments is open."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from method.calendar import OfficeHours, Shift, office_time, office_time_before, shifts_on
from method.period import LOCAL_ZONE

DAY = [Shift(time(7, 30), time(11, 30)), Shift(time(13, 30), time(17))]
HOUR = timedelta(hours=1)

START = datetime(2026, 1, 1, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=729)).map(START.__add__)
LENGTHS = st.timedeltas(timedelta(microseconds=1), timedelta(days=20))


def at(text: str) -> datetime:
    """A moment in Viet Nam."""
    return datetime.fromisoformat(text).replace(tzinfo=LOCAL_ZONE)


@pytest.mark.parametrize(
    ("day", "why"),
    [
        ("2026-01-01", "New Year"),
        ("2026-02-16", "the eve of Tết"),
        ("2026-02-20", "the fourth day of Tết"),
        ("2026-04-27", "in lieu of the Hùng Kings' day, a Sunday"),
        ("2026-08-31", "exchanged for Saturday 22 August"),
        ("2026-09-01", "the day beside National Day"),
        ("2026-11-21", "a Saturday"),
        ("2026-11-22", "a Sunday"),
        ("2026-11-24", "Culture Day, from 2026 on"),
        ("2027-02-04", "in lieu of the first day of Tết, a Saturday"),
        ("2027-02-10", "in lieu of the second day of Tết, a Sunday"),
        ("2027-05-03", "in lieu of Labour Day, a Saturday"),
    ],
)
def test_days_off(day: str, why: str) -> None:
    assert shifts_on(date.fromisoformat(day)) == (), why


@pytest.mark.parametrize(
    ("day", "why"),
    [
        ("2026-11-23", "a Monday"),
        ("2026-11-25", "the day after a holiday"),
        ("2026-08-22", "a Saturday that is worked in exchange"),
        ("2027-02-11", "the first day after Tết"),
        ("2024-03-04", "before the oldest version, which holds then too"),
    ],
)
def test_days_that_are_worked(day: str, why: str) -> None:
    assert list(shifts_on(date.fromisoformat(day))) == DAY, why


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-11-23T07:30", "2026-11-23T17:00", 7.5),
        ("2026-11-23T00:00", "2026-11-24T00:00", 7.5),
        ("2026-11-23T11:00", "2026-11-23T14:00", 1.0),
        ("2026-11-23T12:00", "2026-11-23T13:00", 0.0),
        ("2026-11-20T16:00", "2026-11-23T08:30", 2.0),  # over a weekend
        ("2026-11-23T16:00", "2026-11-25T08:30", 2.0),  # over a holiday
        ("2026-02-13T16:00", "2026-02-23T08:30", 2.0),  # over Tết
        ("2026-11-23T10:00", "2026-11-23T09:00", 0.0),
    ],
)
def test_office_time(start: str, end: str, hours: float) -> None:
    assert office_time(at(start), at(end)) == hours * HOUR
    assert office_time(at(start).astimezone(UTC), at(end).astimezone(UTC)) == hours * HOUR


def test_a_day_is_a_day_in_vietnam() -> None:
    # 22:00 UTC on Sunday is 05:00 on Monday there.
    assert office_time(datetime(2026, 11, 22, 22, tzinfo=UTC), at("2026-11-23T08:30")) == HOUR


def test_two_hours_before_monday_morning_are_on_friday() -> None:
    assert office_time_before(at("2026-11-23T08:30"), 2 * HOUR) == at("2026-11-20T16:00")
    assert office_time_before(at("2026-11-22T12:00"), HOUR / 60) == at("2026-11-20T16:59")


@given(MOMENTS, MOMENTS, MOMENTS)
def test_office_time_adds_up_and_is_never_more_than_time(
    one: datetime, other: datetime, third: datetime
) -> None:
    first, middle, last = sorted((one, other, third))
    whole = office_time(first, last)
    assert whole == office_time(first, middle) + office_time(middle, last)
    assert timedelta(0) <= whole <= last - first


@given(MOMENTS, LENGTHS)
def test_from_the_moment_before_just_so_much_passes_and_from_no_later_one(
    moment: datetime, length: timedelta
) -> None:
    beginning = office_time_before(moment, length)
    assert office_time(beginning, moment) == length
    assert office_time(beginning + timedelta(microseconds=1), moment) < length


@given(MOMENTS, MOMENTS, LENGTHS)
def test_it_decides_as_office_time_does(
    beginning: datetime, moment: datetime, length: timedelta
) -> None:
    long_enough = office_time(beginning, moment) >= length
    assert (beginning <= office_time_before(moment, length)) == long_enough


def test_the_version_in_force_on_the_day_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    later = version("2027-01-01", mon=["08:00-09:00"])
    monkeypatch.setattr("method.calendar._versions", lambda: (version(), later))
    assert list(shifts_on(date(2026, 12, 28))) == DAY
    assert shifts_on(date(2027, 1, 4)) == (Shift(time(8), time(9)),)


def version(since: str = "2026-01-01", **week: list[str]) -> OfficeHours:
    usual = ["07:30-11:30", "13:30-17:00"]
    days = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), usual)
    whole = {**days, "sat": [], "sun": [], **week}
    value = {"effective_from": since, "week": whole, "exchanged": usual}
    return OfficeHours.model_validate(value)


@pytest.mark.parametrize(
    ("monday", "rule"),
    [
        (["7:30-11:30"], "as in 07:30-11:30"),
        (["11:30-07:30"], "as in 07:30-11:30"),
        (["25:00-26:00"], "hour must be in"),
        (["13:30-17:00", "07:30-11:30"], "must be in order"),
        (["07:30-11:30", "11:00-17:00"], "must be in order"),
    ],
)
def test_hours_that_cannot_be_are_refused_by_place(monday: list[str], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule) as caught:
        version(mon=monday)
    assert caught.value.errors()[0]["loc"][:2] == ("week", "mon")


def test_offices_that_never_open_are_refused() -> None:
    with pytest.raises(ValidationError, match="must have an open day"):
        version(mon=[], tue=[], wed=[], thu=[], fri=[])
