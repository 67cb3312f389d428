"""What an index says under a rule, at and around the thresholds."""

from datetime import date, timedelta
from typing import Any

import pytest

from method.definition import definition_on
from method.figure import figure
from schemas.index import WindowFigures
from services.notify.detectors import Reading, detect
from services.notify.rules import BelowTarget, Drop
from tests.builders import NOW

DEFINITION = definition_on(date(2026, 11, 22))


def window(now: tuple[int, int], before: tuple[int, int] = (0, 0)) -> WindowFigures:
    """A window from (satisfied, all) now and one window ago."""
    current, previous = (figure((0, 0, n - k, k, 0), DEFINITION) for k, n in (now, before))
    return WindowFigures(start=NOW - timedelta(days=7), end=NOW, current=current, previous=previous)


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
    assert detect(below(), window(now), None, DEFINITION) == expected


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
    reading = detect(drop(), window(now, before), None, DEFINITION)
    assert (reading.raised if reading else None) is expected


def test_a_low_level_that_becomes_usual_is_no_recovery() -> None:
    # A window later the window before is as low as this one; the baseline is still 90 %.
    reading = detect(drop(), window((60, 100), (60, 100)), 90.0, DEFINITION)
    assert reading == Reading(raised=True, recovered=False)


def test_recovery_is_measured_to_where_it_fell_from() -> None:
    assert detect(drop(), window((86, 100), (60, 100)), 90.0, DEFINITION) == Reading(False, True)
    assert detect(drop(), window((85, 100), (60, 100)), 90.0, DEFINITION) == Reading(True, False)
