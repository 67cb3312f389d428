"""The table of states, walked through with a clock of the test's own."""

from dataclasses import replace
from datetime import timedelta

import pytest

from method.definition import definitions
from method.figure import figure
from schemas.alert import AlertState, Evidence
from services.notify.alerts.lifecycle import Alert, advance, open_alert
from services.notify.rules.detectors import Reading
from services.notify.rules.kinds import Drop, Rule
from tests.builders import NOW, UNIT

RAISED = Reading(raised=True, recovered=False)
BETWEEN = Reading(raised=False, recovered=False)
RECOVERED = Reading(raised=False, recovered=True)
FIGURE = figure((10, 10, 10, 10, 10), definitions()[0])
EVIDENCE = Evidence(window="7d", as_of=NOW, current=FIGURE, previous=FIGURE)


def rule(for_: str = "10m", keep: str = "1h") -> Rule:
    return Drop.model_validate(
        {
            "id": "d",
            "kind": "drop",
            "scopes": ["unit"],
            "window": "7d",
            "for": for_,
            "keep_firing_for": keep,
            "severity": "critical",
        }
    )


def opened(by: Rule) -> Alert:
    return open_alert(by, f"unit:{UNIT}", 1, EVIDENCE, NOW)


def walk(alert: Alert, by: Rule, steps: list[tuple[int, Reading]]) -> list[AlertState]:
    """The states after each step (minutes since opening, reading)."""
    states: list[AlertState] = []
    for minutes, reading in steps:
        alert = advance(replace(alert, reading=reading), by, NOW + timedelta(minutes=minutes))
        states.append(alert.state)
    return states


P, F, R, L = AlertState.PENDING, AlertState.FIRING, AlertState.RESOLVED, AlertState.LAPSED


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([(5, RAISED), (9, RAISED), (10, RAISED)], [P, P, F]),
        ([(5, BETWEEN)], [L]),
        ([(5, RECOVERED)], [L]),
        ([(10, RAISED), (20, BETWEEN), (300, BETWEEN)], [F, F, F]),
        ([(10, RAISED), (20, RECOVERED), (79, RECOVERED), (80, RECOVERED)], [F, F, F, R]),
        # Recovery must hold without a break.
        ([(10, RAISED), (20, RECOVERED), (70, RAISED), (90, RECOVERED), (149, RECOVERED)], [F] * 5),
        ([(10, RAISED), (20, RECOVERED), (70, BETWEEN), (130, RECOVERED)], [F] * 4),
    ],
)
def test_the_table(steps: list[tuple[int, Reading]], expected: list[AlertState]) -> None:
    by = rule()
    assert walk(opened(by), by, steps) == expected


def test_without_for_it_fires_at_once() -> None:
    alert = opened(rule(for_="0s"))
    assert (alert.state, alert.revision) == (F, 1)


def test_without_keep_firing_for_it_resolves_at_once() -> None:
    by = rule(for_="0s", keep="0s")
    assert walk(opened(by), by, [(0, RECOVERED)]) == [R]


def test_only_changes_of_state_make_a_revision() -> None:
    by = rule()
    alert = opened(by)
    assert alert.revision == 1
    alert = advance(alert, by, NOW + timedelta(minutes=5))
    assert alert.revision == 1
    alert = advance(alert, by, NOW + timedelta(minutes=10))
    assert (alert.revision, alert.changed_at) == (2, NOW + timedelta(minutes=10))


def test_it_says_when_time_alone_would_move_it() -> None:
    by = rule()
    alert = opened(by)
    assert alert.due(by) == NOW + timedelta(minutes=10)
    firing = advance(alert, by, NOW + timedelta(minutes=10))
    assert firing.due(by) is None
    recovering = advance(replace(firing, reading=RECOVERED), by, NOW + timedelta(minutes=20))
    assert recovering.due(by) == NOW + timedelta(minutes=80)
    resolved = advance(recovering, by, NOW + timedelta(minutes=80))
    assert not resolved.open
    assert advance(resolved, by, NOW + timedelta(days=1)) == resolved
