"""Quarters of the local calendar."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from method.quarter import Quarter

DAYS = st.dates(date(2000, 1, 1), date(2100, 12, 31))


def test_a_quarter_is_three_months() -> None:
    quarter = Quarter.parse("2026-Q3")
    assert (quarter.first, quarter.last) == (date(2026, 7, 1), date(2026, 9, 30))
    assert quarter.months == ("2026-07", "2026-08", "2026-09")
    assert str(quarter) == "2026-Q3"
    assert Quarter(2026, 4).last == date(2026, 12, 31)


@given(DAYS)
def test_quarters_follow_one_another(day: date) -> None:
    quarter = Quarter.of(day)
    assert quarter.first <= day <= quarter.last
    assert day.isoformat()[:7] in quarter.months
    assert Quarter.parse(str(quarter)) == quarter
    assert quarter.before.last + timedelta(days=1) == quarter.first
    assert quarter.before < quarter


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-Q5", "2026-Q0", "26-Q1", "2026-q1", "2026-Q1 ", "0000-Q1", "٢٠٢٦-Q1"]
)
def test_what_names_no_quarter_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^quarter: must be a year and a quarter, as in 2026-Q3$"):
        Quarter.parse(text)
