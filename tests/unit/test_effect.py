"""Known answers of the comparison, and how often its interval holds the truth."""

from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from method.change import Chart, design, follow
from method.effect import ENOUGH_OFFICES, Effect, Pair, Sample, _student, effect
from method.episode import after, before, while_low
from tests.builders import NOW

SAME = Pair(Sample(80, 100), Sample(80, 100))


def test_a_difference_in_differences_by_hand() -> None:
    """60 → 80 % here, 80 → 85 % at all others: 20 less 5 is 15 points."""
    others = [Pair(Sample(80, 100), Sample(85, 100))] * 12
    found = effect(Pair(Sample(60, 100), Sample(80, 100)), others)
    assert found is not None
    # (61/102)(41/102)/102 + (81/102)(21/102)/102 = 0.0039590; t with 11 degrees is 2.201.
    half = 100 * 2.20099 * 0.0039590**0.5
    assert (found.points, found.offices, found.others) == (15.0, 12, 5.0)
    assert found.low == pytest.approx(15 - half, abs=0.02)
    assert found.high == pytest.approx(15 + half, abs=0.02)


def test_where_the_others_change_each_in_its_own_way_less_can_be_said() -> None:
    steady = effect(SAME, [SAME] * 12)
    restless = [
        Pair(Sample(800, 1000), Sample(800 + (80 if number % 2 else -80), 1000))
        for number in range(12)
    ]
    drifting = effect(SAME, restless)
    assert steady is not None
    assert drifting is not None
    assert drifting.high - drifting.low > 1.5 * (steady.high - steady.low)


def test_too_few_answers_or_offices_say_nothing() -> None:
    few = Pair(Sample(20, 29), Sample(80, 100))
    assert effect(few, [SAME] * 12) is None
    assert effect(Pair(Sample(20, 100), Sample(20, 29)), [SAME] * 12) is None
    assert effect(SAME, [SAME] * (ENOUGH_OFFICES - 1)) is None
    assert effect(SAME, [SAME] * (ENOUGH_OFFICES - 1) + [few]) is None, "few are left out"
    assert effect(SAME, [SAME] * ENOUGH_OFFICES) is not None


@pytest.mark.parametrize(("degrees", "quantile"), [(9, 2.26216), (19, 2.09302), (100, 1.98397)])
def test_students_t(degrees: int, quantile: float) -> None:
    assert _student(degrees) == pytest.approx(quantile, abs=5e-4)


def _sample(random: Random, share: float, n: int) -> Sample:
    return Sample(sum(random.random() < share for _ in range(n)), n)


def _simulated(random: Random, truth: float, drift: float) -> Effect:
    """An office that its plan moves by `truth`, among others; all drift, and all lose 3 points."""

    def pair(level: float, n: int, moved: float) -> Pair:
        later = level - 0.03 + random.gauss(0, drift) + moved
        return Pair(_sample(random, level, n), _sample(random, min(later, 0.99), n))

    others = [pair(random.uniform(0.78, 0.9), 80, 0.0) for _ in range(15)]
    found = effect(pair(0.7, 100, truth), others)
    assert found is not None
    return found


@pytest.mark.parametrize("drift", [0.0, 0.04])
def test_the_interval_holds_the_truth_in_95_of_100(drift: float) -> None:
    random = Random(11)
    rounds = 800
    found = [_simulated(random, 0.1, drift) for _ in range(rounds)]
    covered = sum(one.low <= 10 <= one.high for one in found) / rounds
    assert 0.935 < covered < 0.985
    assert sum(one.points for one in found) / rounds == pytest.approx(10, abs=0.7)


def test_days_that_raised_an_alert_would_show_a_gain_where_there_is_none() -> None:
    """Offices where nothing changes: by chance they are alarmed, nobody does anything.

    Against the run that raised the alert, all seem to recover; against the days after it, none.
    """
    random, how = Random(13), design()
    against_run, against_later = [], []
    for _ in range(250):
        chart = Chart()
        while chart.statistic < 3:
            chart = follow(chart, [NOW if random.random() < 0.15 else None], 0.15, how)
        run = 1 - chart.unsatisfied / chart.n
        later, end = _sample(random, 0.85, 100), _sample(random, 0.85, 100)
        against_run.append(end.satisfied / end.n - run)
        against_later.append(end.satisfied / end.n - later.satisfied / later.n)
    assert sum(against_run) / len(against_run) > 0.1, "ten points of nothing"
    assert abs(sum(against_later) / len(against_later)) < 0.01


def test_no_day_that_raised_the_alert_is_a_measure() -> None:
    began = datetime(2026, 10, 1, 3, tzinfo=UTC)
    fired, result = began + timedelta(days=4), began + timedelta(days=50)
    past, low = before(began), while_low(fired, result)
    assert (past.first, past.last) == (date(2026, 9, 3), date(2026, 9, 30))
    assert low is not None
    assert (low.first, low.last) == (date(2026, 10, 6), date(2026, 11, 2)), "the first four weeks"
    assert while_low(fired, fired + timedelta(days=1)) is None, "no whole day between"
    short = while_low(fired, fired + timedelta(days=3))
    assert short is not None
    assert short.days == 2


def test_the_days_after_a_result_grow_to_four_weeks() -> None:
    result = datetime(2026, 10, 1, 3, tzinfo=UTC)
    assert after(result, result + timedelta(days=1)) is None, "today is not over"
    lengths = [after(result, result + timedelta(days=days)) for days in (2, 15, 29, 90)]
    assert [one.days for one in lengths if one] == [1, 14, 28, 28]
