"""What an index says under a rule, at and around the thresholds."""

from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from method.definition import definition_on
from method.figure import figure
from schemas.figure import Figure
from schemas.index import ChangeFigures, IndexUpdated, TrendFigures, WindowFigures
from services.notify.rules.detectors import Reading, answers_a_day, detect
from services.notify.rules.kinds import BelowTarget, Change, Drift, Drop
from tests.builders import NOW

DEFINITION = definition_on(date(2026, 11, 22))


def index(
    now: tuple[int, int],
    before: tuple[int, int] = (0, 0),
    *,
    quarter: int = 0,
    change: ChangeFigures | None = None,
) -> IndexUpdated:
    """An index from (satisfied, all) of 7 days and of the 7 before; so many answers in 90 days."""
    current, previous = (figure((0, 0, n - k, k, 0), DEFINITION) for k, n in (now, before))
    long = figure((0, 0, 0, quarter, 0), DEFINITION)

    def window(days: int, current: Figure, previous: Figure) -> WindowFigures:
        start = NOW - timedelta(days=days)
        return WindowFigures(start=start, end=NOW, current=current, previous=previous)

    return IndexUpdated(
        scope="unit:000.00.19.H26",
        item="overall",
        basis="management_information",
        method=DEFINITION.version,
        as_of=NOW,
        version=1,
        windows={"7d": window(7, current, previous), "90d": window(90, long, long)},
        change=change,
    )


def below(**changes: Any) -> BelowTarget:
    return BelowTarget.model_validate(
        {
            "id": "b",
            "kind": "below_target",
            "scopes": ["unit"],
            "window": "7d",
            "target": 80,
            "for": "0s",
            "keep_firing_for": "1h",
            "severity": "warning",
            **changes,
        }
    )


def drop(**changes: Any) -> Drop:
    return Drop.model_validate(
        {
            "id": "d",
            "kind": "drop",
            "scopes": ["unit"],
            "window": "7d",
            "for": "0s",
            "keep_firing_for": "1h",
            "severity": "critical",
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ((20, 29), None),  # fewer than 30 answers say nothing
        ((0, 29), None),
        ((24, 30), Reading(raised=False, recovered=True)),  # exactly 80 %
        ((23, 30), Reading(raised=False, recovered=False)),  # 76.7 %: may be chance
        ((18, 30), Reading(raised=True, recovered=False)),  # 60 %: upper bound 73 %
        ((730, 1000), Reading(raised=True, recovered=False)),
        ((790, 1000), Reading(raised=False, recovered=False)),  # 79 %, upper bound 81 %
        ((850, 1000), Reading(raised=False, recovered=True)),
    ],
)
def test_below_target_needs_certainty(now: tuple[int, int], expected: Reading | None) -> None:
    assert detect(below(), index(now), None, DEFINITION) == expected


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        ((60, 100), (90, 100), True),
        ((60, 100), (29, 29), None),  # nothing to compare with
        ((20, 29), (90, 100), None),  # too few now
        ((86, 100), (90, 100), False),  # 4 points are not enough, however many answers
        ((8600, 10000), (9000, 10000), False),
        ((26, 30), (29, 30), False),  # 10 points, but may be chance
        ((90, 100), (60, 100), False),  # a rise
        ((840, 1000), (900, 1000), True),  # 6 points on many answers
    ],
)
def test_a_drop_is_large_and_beyond_chance(
    now: tuple[int, int], before: tuple[int, int], expected: bool | None
) -> None:
    reading = detect(drop(), index(now, before), None, DEFINITION)
    assert (reading.raised if reading else None) is expected


def test_a_low_level_that_becomes_usual_is_no_recovery() -> None:
    # A window later the window before is as low as this one; the baseline is still 90 %.
    reading = detect(drop(), index((60, 100), (60, 100)), 90.0, DEFINITION)
    assert reading == Reading(raised=True, recovered=False)


def test_recovery_is_measured_to_where_it_fell_from() -> None:
    assert detect(drop(), index((86, 100), (60, 100)), 90.0, DEFINITION) == Reading(False, True)
    assert detect(drop(), index((85, 100), (60, 100)), 90.0, DEFINITION) == Reading(True, False)


def change(**changes: Any) -> Change:
    return Change.model_validate(
        {
            "id": "c",
            "kind": "change",
            "window": "7d",
            "for": "0s",
            "keep_firing_for": "12h",
            "severity": "critical",
            **changes,
        }
    )


def read_chart(
    statistic: float, *, a_day: int, usual: float = 85.0, **changes: Any
) -> Reading | None:
    chart = ChangeFigures(statistic=statistic, usual=usual)
    seen = index((6 * a_day, 7 * a_day), quarter=90 * a_day, change=chart)
    return detect(change(**changes), seen, None, DEFINITION)


def test_the_threshold_of_a_change_follows_the_volume_and_the_level_of_the_office() -> None:
    assert read_chart(5.3, a_day=3) == Reading(raised=True, recovered=False)
    assert read_chart(5.3, a_day=30) == Reading(raised=False, recovered=False)
    assert read_chart(7.6, a_day=30) == Reading(raised=True, recovered=False)
    assert read_chart(7.6, a_day=300) == Reading(raised=False, recovered=False)
    assert read_chart(5.3, a_day=3, usual=99.0) == Reading(raised=True, recovered=False)
    assert read_chart(5.0, a_day=3, usual=99.0) == Reading(raised=True, recovered=False)
    assert read_chart(5.0, a_day=3, usual=80.0) == Reading(raised=False, recovered=False)


def test_the_longest_time_between_false_alarms_is_no_overflow_at_the_busiest_office() -> None:
    longest: dict[str, Any] = {"false_alarm_every": "999999d"}
    assert read_chart(12.0, a_day=100_000, **longest) == Reading(raised=False, recovered=False)
    assert read_chart(15.0, a_day=100_000, **longest) == Reading(raised=True, recovered=False)


def test_a_change_is_over_when_the_chart_is_quiet() -> None:
    assert read_chart(1.0, a_day=30) == Reading(raised=False, recovered=False)
    assert read_chart(0.9, a_day=30) == Reading(raised=False, recovered=True)


def read_trend(deviation: float, n: int = 30, **changes: Any) -> Reading | None:
    drift = Drift.model_validate(
        {
            "id": "d",
            "kind": "drift",
            "window": "7d",
            "for": "0s",
            "keep_firing_for": "2d",
            "severity": "warning",
            **changes,
        }
    )
    trend = TrendFigures(index=80, usual=85, n=n, deviation=deviation, end=NOW)
    seen = index((70, 100)).model_copy(update={"trend": trend})
    return detect(drift, seen, None, DEFINITION)


def test_a_drift_is_raised_at_its_limit_and_over_at_half_of_it() -> None:
    assert read_trend(3.25) == Reading(raised=True, recovered=False)
    assert read_trend(3.24) == Reading(raised=False, recovered=False)
    assert read_trend(1.63) == Reading(raised=False, recovered=False)
    assert read_trend(1.62) == Reading(raised=False, recovered=True)
    assert read_trend(2, limit=2) == Reading(raised=True, recovered=False)
    assert read_trend(-9) == Reading(raised=False, recovered=True), "better is no trouble"


def test_a_trend_of_few_answers_says_nothing() -> None:
    assert read_trend(9, n=29) is None
    assert read_trend(0, n=29) is None
    assert read_trend(9, n=29, min_n=29) is not None


def test_without_a_chart_nothing_is_said_of_a_change() -> None:
    assert detect(change(), index((0, 100)), None, DEFINITION) is None


def test_without_a_trend_nothing_is_said_of_a_drift() -> None:
    drift = Drift.model_validate(
        change().model_dump(by_alias=True, exclude={"false_alarm_every"}) | {"kind": "drift"}
    )
    assert detect(drift, index((0, 100)), None, DEFINITION) is None


def test_the_volume_of_an_office_is_that_of_its_busiest_window() -> None:
    assert answers_a_day(index((0, 70), quarter=70)) == 10
    assert answers_a_day(index((0, 7), quarter=900)) == 10
    assert answers_a_day(index((0, 1))) == 1


def test_a_change_is_for_offices_alone() -> None:
    with pytest.raises(ValidationError):
        change(scopes=["province"])
