"""The invented country: its charts are the real ones, and its figures are not out of thin air."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from rich.progress import Progress

from langnghe.rules.country import Country, Trends, levels, move
from langnghe.rules.evaluate import quiet, recovering, sliding, troubled
from method.change import Chart, design, follow, steps
from method.trend import deviation, trend, trend_design
from services.notify.rules.file import RuleFile
from services.notify.rules.kinds import BelowTarget, Change, Drift, Drop, IndexRule

NOW = datetime(2026, 11, 22, tzinfo=UTC)
FILE = RuleFile.model_validate(
    {
        "version": 1,
        "rules": [
            {
                "id": "change",
                "kind": "change",
                "window": "7d",
                "false_alarm_every": "100d",
                "for": "0s",
                "keep_firing_for": "12h",
                "severity": "critical",
            },
            {
                "id": "below",
                "kind": "below_target",
                "scopes": ["unit"],
                "window": "7d",
                "target": 80,
                "for": "1h",
                "keep_firing_for": "12h",
                "severity": "warning",
            },
            {
                "id": "drop",
                "kind": "drop",
                "scopes": ["unit"],
                "window": "7d",
                "for": "1h",
                "keep_firing_for": "12h",
                "severity": "warning",
            },
        ],
    }
)
RULES = [rule for rule in FILE.rules if isinstance(rule, IndexRule)]


DRIFT = Drift.model_validate(
    {
        "id": "drift",
        "kind": "drift",
        "window": "30d",
        "for": "0s",
        "keep_firing_for": "2d",
        "severity": "warning",
    }
)


@pytest.fixture
def progress() -> Progress:
    return Progress(disable=True)


def test_many_charts_move_as_one_does() -> None:
    rng = np.random.default_rng(1)
    offices, answers = 40, 300
    references = rng.uniform(0.02, 0.4, offices)
    how = design()
    up, down = np.array([steps(share, how.odds_ratio) for share in references]).T
    unsatisfied = rng.random((answers, offices)) < references * 2
    taken = rng.random((answers, offices)) < 0.7
    statistic = np.zeros(offices)
    for row, there in zip(unsatisfied, taken, strict=True):
        statistic = move(statistic, row, there, up, down, how.ceiling)
    for office in range(offices):
        came = [NOW if bad else None for bad in unsatisfied[taken[:, office], office]]
        chart = follow(Chart(), came, float(references[office]), how)
        assert statistic[office] == pytest.approx(chart.statistic)
    assert statistic.max() > 0


def test_many_trends_are_as_one_is() -> None:
    rng = np.random.default_rng(2)
    offices, days, today = 30, trend_design().days + 5, NOW.date()
    n = rng.poisson(rng.choice([0.1, 2, 40], offices), (days, offices))
    n[:, 0] = 0
    bad = rng.binomial(n, rng.uniform(0, 0.5, offices))
    usual, behind = rng.uniform(0.05, 0.4, offices), rng.uniform(100, 5000, offices)
    many = Trends.of_days(n, bad, usual, behind)
    deviations = many.deviations()
    seen = 0
    for office in range(offices):
        counts = {
            today - timedelta(days=days - row): (int(bad[row, office]), 0, 0, 0, int(good))
            for row, good in enumerate((n - bad)[:, office])
        }
        one = trend(counts, today, trend_design())
        if one is not None:
            seen += 1
            expected = deviation(one, float(usual[office]), float(behind[office]))
            assert deviations[office] == pytest.approx(expected)
            figures = many.figures(office, NOW)
            assert figures.deviation == pytest.approx(expected)
            assert figures.n == round(one.answers)
        else:
            assert many.answers[office] == pytest.approx(0, abs=1e-6), "nobody answered"
    assert seen == offices - 1


def test_offices_where_nothing_changes_seldom_drift_and_those_that_slide_do(
    progress: Progress,
) -> None:
    fired = quiet([DRIFT], 10, 200, 2.0, 1, progress)
    assert 0 < len(fired) / 200 < 0.15, "once in more than thirteen years"
    country = Country([DRIFT], 30, np.full(50, 0.1), np.random.default_rng(1))
    country.live(90, lambda day: np.full(50, 0.1 + 0.001 * day), lambda: None)
    assert len({fired.unit for fired in country.fired}) > 45


def test_offices_where_nothing_changes_are_alarmed_as_often_as_the_rule_says(
    progress: Progress,
) -> None:
    change = [rule for rule in RULES if isinstance(rule, Change)]
    fired = quiet(change, 20, 200, 1.0, 1, progress)
    once_in = 200 * 365 / len(fired)
    # The threshold is on the safe side, and a past of a year is not known for certain.
    assert 80 < once_in < 200


def test_the_more_an_office_falls_the_sooner_it_is_found(progress: Progress) -> None:
    found = [troubled(RULES, 30, 100, points, 1, progress) for points in (5, 15)]
    assert all(one.mean is not None for one in found)
    assert (found[0].mean or 0) > 2 * (found[1].mean or 0)
    assert found[1].share == 1
    assert (found[1].within or 0) > (found[1].mean or 0)


def test_a_slow_slide_is_found_by_a_drift_and_a_recovery_ends_every_alert(
    progress: Progress,
) -> None:
    watching = [*RULES, DRIFT]
    slide = sliding(watching, 30, 40, 1, progress)
    assert set(slide) == {"change", "below", "drop", "drift"}
    assert slide["drift"].share == 1
    assert 20 < (slide["drift"].mean or 0) < 90
    recovery = recovering(watching, 30, 40, 1, progress)
    for rule, ended in recovery.items():
        assert 0.5 < ended.firing <= 1, rule
        assert 0 < (ended.mean or 0) <= 60, rule
    assert (recovery["change"].mean or 0) < (recovery["drift"].mean or 0), "it has a longer memory"
    assert recovery["drift"].again == 0


def test_a_change_ends_when_it_has_been_quiet_for_as_long_as_its_rule_says() -> None:
    ends = {}
    for keep in ("1h", "12h", "3d"):
        rule = Change.model_validate(RULES[0].model_dump(by_alias=True) | {"keep_firing_for": keep})
        country = Country([rule], 50, np.full(10, 0.1), np.random.default_rng(1))
        country.live(40, lambda day: np.full(10, 0.4 if 5 <= day < 10 else 0.0), lambda: None)
        assert len(country.fired) == len(country.resolved) == 10
        ends[keep] = {one.unit: one.day for one in country.resolved}
    for unit, hour in ends["1h"].items():
        assert 10 < hour < 30
        assert ends["12h"][unit] - hour == pytest.approx(11 / 24)
        assert ends["3d"][unit] - hour == pytest.approx(71 / 24)


def test_a_fall_makes_the_rules_of_windows_fire_and_a_recovery_ends_them() -> None:
    rng = np.random.default_rng(1)
    windows = [rule for rule in RULES if isinstance(rule, BelowTarget | Drop)]
    usual = np.full(20, 0.1)
    country = Country(windows, 50, usual, rng)
    country.live(40, lambda day: usual + (0.3 if 5 <= day < 20 else 0), lambda: None)
    for rule in windows:
        units = [fired.unit for fired in country.fired if fired.rule is rule and fired.day > 5]
        assert set(units) == set(range(20)), rule.id
        assert len(units) < 30, "one alert each, but for chance"


def test_an_invented_country_has_the_targets_that_are_for_all() -> None:
    low = RULES[1].model_dump(by_alias=True) | {"target": 99}
    dated = [{"target": 50, "to": "2026-01-20"}, {"target": 99, "level": "commune"}]
    found = RuleFile.model_validate({"version": 1, "targets": dated, "rules": [low]}).rules
    rules = [rule for rule in found if isinstance(rule, IndexRule)]
    country = Country(rules, 50, np.full(20, 0.15), np.random.default_rng(1))
    country.live(30, lambda _: np.full(20, 0.15), lambda: None)
    assert {fired.unit for fired in country.fired} == set(range(20))
    assert {fired.day for fired in country.fired} == {16.0}, "from the day that it ends"


def test_the_same_seed_gives_the_same_country() -> None:
    one, other = (levels(10, np.random.default_rng(7)) for _ in range(2))
    assert (one == other).all()
    assert 0.05 < levels(1000, np.random.default_rng(7)).mean() < 0.25
