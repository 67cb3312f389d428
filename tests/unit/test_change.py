"""The change chart: arithmetic, and the error rates that it is chosen by."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import isclose, log

from hypothesis import given
from hypothesis import strategies as st

from method.change import (
    Chart,
    Said,
    answers_between_false_alarms,
    design,
    follow,
    steps,
    threshold,
)

START = datetime(2026, 11, 2, 1, tzinfo=UTC)
SHARES = st.floats(0.01, 0.6)


def answers(pattern: str) -> list[Said]:
    """One answer a minute; `x` is unsatisfied, anything else satisfied."""
    return [START + timedelta(minutes=i) if mark == "x" else None for i, mark in enumerate(pattern)]


@given(SHARES, st.floats(1.1, 5))
def test_a_step_is_the_logarithm_of_a_likelihood_ratio(share: float, odds_ratio: float) -> None:
    odds = share / (1 - share) * odds_ratio
    risen = odds / (1 + odds)
    up, down = steps(share, odds_ratio)
    assert isclose(up, log(risen / share), abs_tol=1e-9)
    assert isclose(down, log((1 - risen) / (1 - share)), abs_tol=1e-9)


def test_a_run_begins_with_the_first_unsatisfied_answer_and_ends_at_nothing() -> None:
    chart = follow(Chart(), answers("..x.x"), 0.15, design())
    up, down = steps(0.15, design().odds_ratio)
    assert isclose(chart.statistic, 2 * up + down)
    assert (chart.answers, chart.n, chart.unsatisfied) == (5, 3, 2)
    assert chart.since == START + timedelta(minutes=2)
    assert follow(chart, answers("." * 50), 0.15, design()) == Chart(answers=55)


def test_a_chart_stops_at_the_ceiling_so_that_the_way_back_is_bounded() -> None:
    how = design()
    chart = follow(Chart(), answers("x" * 500), 0.15, how)
    assert chart.statistic == how.ceiling
    _, down = steps(0.15, how.odds_ratio)
    back = follow(chart, answers("." * (int(how.ceiling / -down) + 1)), 0.15, how)
    assert back.statistic == 0


@given(st.text("x.", max_size=60), st.integers(0, 60), SHARES)
def test_where_a_batch_is_cut_does_not_matter(pattern: str, cut: int, share: float) -> None:
    everything = answers(pattern)
    whole = follow(Chart(), everything, share, design())
    first = follow(Chart(), everything[:cut], share, design())
    assert follow(first, everything[cut:], share, design()) == whole
    assert 0 <= whole.statistic <= design().ceiling
    assert (whole.since is None) == (whole.statistic == 0)


@given(SHARES, st.floats(50, 1e6))
def test_a_threshold_is_crossed_by_chance_once_in_so_many_answers(
    share: float, wanted: float
) -> None:
    found = answers_between_false_alarms(threshold(wanted, share, 2.2), share, 2.2)
    assert wanted <= found <= wanted * 1.01 or wanted < 60


def test_the_error_rates_of_the_textbook_case() -> None:
    """15 % against 28 %, threshold 7: 31,000 answers between false alarms, 92 to find 30 %."""
    assert 25_000 < answers_between_false_alarms(7, 0.15, 2.2) < 31_000
    rng = random.Random(1)
    up, down = steps(0.15, 2.2)

    def crossing(share: float, high: float) -> int:
        statistic, n = 0.0, 0
        while statistic < high:
            statistic = max(0.0, statistic + (up if rng.random() < share else down))
            n += 1
        return n

    delays = [crossing(0.30, 7) for _ in range(2000)]
    assert 85 < sum(delays) / len(delays) < 100
    calm = [crossing(0.15, 3) for _ in range(2000)]
    expected = answers_between_false_alarms(3, 0.15, 2.2)
    assert 0.9 * expected < sum(calm) / len(calm) < 1.4 * expected


def test_thresholds_follow_volume_and_level() -> None:
    by_volume = [threshold(4 * 365 * votes, 0.15, 2.2) for votes in (3, 30, 300)]
    assert all(low < high for low, high in pairwise(by_volume))
    assert by_volume[-1] < design().ceiling


def test_a_unit_is_measured_against_its_own_past_and_at_first_against_the_target() -> None:
    how = design()
    assert isclose(how.reference(0, 0), 0.2)
    assert isclose(how.reference(10_000, 1_000), 0.101, abs_tol=0.001)
    assert how.reference(10**6, 0) == 0.01
    assert how.reference(1000, 1000) == 0.6


def test_an_import_of_the_past_is_no_news() -> None:
    assert not timedelta(days=7) > design().late_after
    assert timedelta(days=7, seconds=1) > design().late_after
