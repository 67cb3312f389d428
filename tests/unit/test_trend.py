"""The exponentially weighted mean of days: by hand, and by the likelihood that it stands for."""

from datetime import date, timedelta
from math import log, sqrt

import pytest

from method.trend import Trend, TrendDesign, deviation, trend, trend_design
from schemas.figure import Counts

TODAY = date(2026, 11, 22)
HOW = TrendDesign(weight=0.5, days=7)


def days(*counts: Counts | None) -> dict[date, Counts]:
    """Of yesterday first; None where nobody answered."""
    return {
        TODAY - timedelta(days=age): n for age, n in enumerate(counts, start=1) if n is not None
    }


def test_a_day_weighs_by_its_answers_and_its_age() -> None:
    found = trend(days((0, 0, 1, 0, 3), None, (2, 0, 0, 0, 6)), TODAY, HOW)
    # Weights 1 and 1/4: unsatisfied 1 + 2/4 of 4 + 8/4; squares 4 + 8/16.
    assert found == Trend(share=1.5 / 6, answers=36 / 4.5)


def test_one_day_is_itself_however_old() -> None:
    for age in range(7):
        one = trend(days(*age * (None,), (3, 0, 0, 0, 7)), TODAY, HOW)
        assert one is not None
        assert (one.share, one.answers) == pytest.approx((0.3, 10))


def test_today_and_what_is_too_old_are_not_in_it() -> None:
    known = days((0, 0, 0, 0, 5))
    beyond = {TODAY: (9, 0, 0, 0, 0), TODAY - timedelta(days=8): (9, 0, 0, 0, 0)}
    assert trend(known | beyond, TODAY, HOW) == trend(known, TODAY, HOW) == Trend(0, 5)
    assert trend(beyond, TODAY, HOW) is None
    assert HOW.past(TODAY) == (TODAY - timedelta(days=7), TODAY - timedelta(days=1))


def test_days_without_answers_change_nothing() -> None:
    counts = ((2, 0, 0, 0, 6), (1, 0, 0, 0, 9))
    early, late = (trend(days(*age * (None,), *counts), TODAY, HOW) for age in (0, 3))
    assert early is not None
    assert late is not None
    assert (late.share, late.answers) == pytest.approx((early.share, early.answers))


def test_many_equal_days_know_as_much_as_theory_says() -> None:
    how = trend_design()
    found = trend(days(*how.days * [(3, 0, 0, 0, 17)]), TODAY, how)
    assert found is not None
    assert found.share == pytest.approx(0.15)
    # The variance of an EWMA tends to weight / (2 - weight) of a day's: Roberts 1959.
    assert found.answers == pytest.approx(20 * (2 - how.weight) / how.weight, rel=0.03)


def test_a_deviation_is_the_root_of_the_likelihood_ratio() -> None:
    certain = 1e12
    ratio = 30 * log(0.3 / 0.2) + 70 * log(0.7 / 0.8)
    assert deviation(Trend(0.3, 100), 0.2, certain) == pytest.approx(sqrt(2 * ratio))
    # Near to the usual it is the distance in standard deviations.
    near = 0.01 / sqrt(0.2 * 0.8 / 10_000)
    assert deviation(Trend(0.21, 10_000), 0.2, certain) == pytest.approx(near, rel=0.02)
    assert deviation(Trend(0.19, 10_000), 0.2, certain) == pytest.approx(-near, rel=0.02)
    assert deviation(Trend(0.2, 100), 0.2, certain) == 0


def test_what_is_usual_is_not_certain_either() -> None:
    of_both = deviation(Trend(0.3, 100), 0.2, 100)
    assert of_both == pytest.approx(deviation(Trend(0.3, 50), 0.2, 1e12))


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_extremes_have_a_deviation(share: float) -> None:
    expected = sqrt(2 * 10 * log(1 / (0.8 if share == 0 else 0.2)))
    found = deviation(Trend(share, 10), 0.2, 1e12)
    assert found == pytest.approx(expected if share else -expected)
