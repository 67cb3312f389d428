"""When an office owes an answer, as a table."""

from datetime import timedelta
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from method.definition import definitions
from method.figure import figure
from method.overdue import overdue
from schemas.alert import (
    AgencyReplied,
    AlertChanged,
    AlertState,
    Evidence,
    Handling,
    ReplyKind,
    Severity,
)
from schemas.history import Moment
from tests.builders import NOW, UNIT

FIGURE = figure((20, 10, 9, 40, 21), definitions()[0])
DAY = timedelta(days=1)


def alert(**changes: Any) -> AlertChanged:
    values: dict[str, Any] = {
        "alert": "a",
        "revision": 2,
        "rule": "change",
        "kind": "change",
        "severity": Severity.CRITICAL,
        "scope": f"unit:{UNIT}",
        "state": AlertState.FIRING,
        "opened_at": NOW,
        "changed_at": NOW,
        "evidence": Evidence(window="7d", as_of=NOW, current=FIGURE, previous=FIGURE),
        **changes,
    }
    return AlertChanged(**values)


def reply(kind: ReplyKind, days: float) -> AgencyReplied:
    due = (NOW + 30 * DAY).date() if kind is ReplyKind.PLAN else None
    return AgencyReplied(
        id=uuid7(), alert="a", agency=UNIT, kind=kind, replied_at=NOW + days * DAY, due=due
    )


def went_up(days: float) -> Moment:
    return Moment(at=NOW + days * DAY, state=AlertState.FIRING, escalated=1)


ACKNOWLEDGED, CAUSE, PLAN = ReplyKind.ACKNOWLEDGED, ReplyKind.CAUSE, ReplyKind.PLAN


@pytest.mark.parametrize(
    ("handling", "due", "replies", "history", "expected"),
    [
        (Handling.WAITING, 5, [], [], False),
        (Handling.WAITING, 2, [], [], True),
        (Handling.WAITING, None, [], [], False),
        # The level above has its own time: the office's answer is overdue all the same.
        (Handling.WAITING, 5, [], [went_up(2)], True),
        (Handling.WAITING, None, [], [went_up(2)], True),
        (Handling.ACKNOWLEDGED, 5, [reply(ACKNOWLEDGED, 2.5)], [went_up(2)], False),
        (Handling.ACKNOWLEDGED, 5, [reply(CAUSE, 2.5)], [went_up(2)], False),
        # To name a cause once more is no step.
        (
            Handling.ACKNOWLEDGED,
            5,
            [reply(ACKNOWLEDGED, 1), reply(CAUSE, 2.5)],
            [went_up(2)],
            True,
        ),
        (Handling.PLANNED, 5, [reply(PLAN, 1), reply(PLAN, 2.5)], [went_up(2)], False),
        (Handling.DONE, None, [reply(PLAN, 1)], [went_up(2)], False),
    ],
)
def test_overdue(
    handling: Handling,
    due: int | None,
    replies: list[AgencyReplied],
    history: list[Moment],
    expected: bool,
) -> None:
    answer_due = NOW + due * DAY if due is not None else None
    one = alert(handling=handling, answer_due=answer_due)
    assert overdue(one, replies, history, NOW + 3 * DAY) is expected


def test_what_is_over_is_not_overdue() -> None:
    over = alert(state=AlertState.RESOLVED, answer_due=NOW)
    assert not overdue(over, [], [went_up(1)], NOW + DAY)
