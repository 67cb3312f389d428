"""When a message is tried again, and what a receiver may ask for."""

from datetime import datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.delivery.schedule import LONGEST, PAUSES, next_attempt, wait_asked
from tests.builders import NOW

NOTHING = timedelta(0)
SHIFTS = st.floats(0, 1)


def middle() -> float:
    return 0.5


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def test_ten_attempts_after_standard_webhooks() -> None:
    moments = [NOW]
    while (moment := next_attempt(len(moments), NOTHING, moments[-1], middle)) is not None:
        moments.append(moment)
    pauses = [later - before for before, later in pairwise(moments)]
    first = [seconds(5), seconds(300), seconds(1800)]
    assert pauses == [*first, *map(hours, (2, 5, 10, 14, 20, 24))]
    assert len(moments) == 10
    assert hours(75) < moments[-1] - moments[0] < hours(76)


@pytest.mark.parametrize("asked", [NOTHING, hours(1), hours(1000)])
@pytest.mark.parametrize("attempts", [10, 11, 500])
def test_after_the_tenth_it_is_enough_whatever_was_asked(attempts: int, asked: timedelta) -> None:
    assert next_attempt(attempts, asked, NOW, middle) is None


@given(attempts=st.integers(1, 9), shift=SHIFTS)
def test_jitter_moves_a_pause_by_a_tenth_at_most(attempts: int, shift: float) -> None:
    moment = next_attempt(attempts, NOTHING, NOW, lambda: shift)
    assert moment is not None
    assert 0.9 <= (moment - NOW) / PAUSES[attempts - 1] <= 1.1


def test_jitter_tells_many_apart() -> None:
    shifts = iter(number / 100 for number in range(100))
    moments = {next_attempt(4, NOTHING, NOW, lambda: next(shifts)) for _ in range(100)}
    assert len(moments) == 100


@given(attempts=st.integers(1, 9), asked=st.timedeltas(NOTHING, hours(10**6)), shift=SHIFTS)
def test_a_receiver_can_only_put_us_off_and_not_for_longer_than_a_day(
    attempts: int, asked: timedelta, shift: float
) -> None:
    moment = next_attempt(attempts, asked, NOW, lambda: shift)
    alone = next_attempt(attempts, NOTHING, NOW, lambda: shift)
    assert moment is not None
    assert alone is not None
    assert moment >= alone
    assert moment >= NOW + min(asked, LONGEST)
    assert moment <= max(alone, NOW + LONGEST * 1.1)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        (None, NOTHING),
        ("", NOTHING),
        ("0", NOTHING),
        ("120", seconds(120)),
        (" 7 ", seconds(7)),
        ("0000000000120", seconds(120)),
        ("86400", LONGEST),
        ("86401", LONGEST),
        ("9" * 8000, LONGEST),
        ("Sun, 22 Nov 2026 05:02:00 GMT", seconds(120)),
        ("Sunday, 22-Nov-26 05:02:00 GMT", seconds(120)),
        ("Sun Nov 22 05:02:00 2026", seconds(120)),
        ("Sun, 22 Nov 2026 04:59:59 GMT", NOTHING),
        ("Sun, 22 Nov 2099 05:00:00 GMT", LONGEST),
        ("-5", NOTHING),
        ("1.5", NOTHING),
        ("soon", NOTHING),
        ("٣", NOTHING),
        ("Sun, 99 Nov 2026 05:02:00 GMT", NOTHING),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, wait: timedelta) -> None:
    assert wait_asked(header, NOW) == wait


@given(st.text())
def test_no_retry_after_breaks_anything(header: str) -> None:
    assert NOTHING <= wait_asked(header, NOW) <= LONGEST


@given(st.datetimes(datetime(1970, 1, 1), datetime(9000, 1, 1)))  # noqa: DTZ001  # given a zone below
def test_every_date_is_read_as_the_moment_that_it_is(naive: datetime) -> None:
    moment = naive.replace(tzinfo=NOW.tzinfo, microsecond=0)
    wait = wait_asked(format_datetime(moment, usegmt=True), NOW)
    assert wait == min(max(moment - NOW, NOTHING), LONGEST)
