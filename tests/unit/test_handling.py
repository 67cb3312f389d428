"""What may be answered to an alert, and who is told when nobody answers."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from pydantic import ValidationError
from uuid_utils.compat import uuid7

from method.handling import LONGEST_PLAN, TABLE, allowed, broken_rule
from method.period import local_day, local_midnight
from schemas.alert import AgencyReplied, AlertState, Handling, ReplyKind
from services.notify.alerts.lifecycle import Alert, escalate, reply
from services.notify.rules.kinds import Rule
from tests.builders import NOW, UNIT
from tests.unit.test_lifecycle import opened, rule

TODAY = local_day(NOW)
IN_TWO_DAYS = NOW + timedelta(days=2)


def strict_rule() -> Rule:
    """An answer within two days, a plan within five more; it fires at once."""
    limits = {"acknowledge_within": timedelta(days=2), "plan_within": timedelta(days=5)}
    return rule(for_="0s").model_copy(update=limits)


def firing(**changes: object) -> Alert:
    return replace(opened(strict_rule()), **changes)  # type: ignore[arg-type]


def answer(kind: ReplyKind, *, due: date | None = None, days: int = 0) -> AgencyReplied:
    if kind is ReplyKind.PLAN and due is None:
        due = TODAY + timedelta(days=10)
    return AgencyReplied(
        id=uuid7(),
        alert="d",
        agency=f"unit:{UNIT}",
        kind=kind,
        text=None if kind is ReplyKind.ACKNOWLEDGED else "Mở thêm một quầy",
        due=due,
        replied_at=NOW + timedelta(days=days),
    )


def after(*kinds: ReplyKind) -> Alert:
    alert = firing()
    for kind in kinds:
        alert = reply(alert, strict_rule(), answer(kind), NOW)
    return alert


A, C, P, R = ReplyKind.ACKNOWLEDGED, ReplyKind.CAUSE, ReplyKind.PLAN, ReplyKind.RESULT


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ((), Handling.WAITING),
        ((A,), Handling.ACKNOWLEDGED),
        ((C,), Handling.ACKNOWLEDGED),
        ((P,), Handling.PLANNED),
        ((A, C, P, R), Handling.DONE),
        ((A, C, P, R, C), Handling.DONE),
        ((A, P, R, P), Handling.PLANNED),  # what was done did not do
        ((R,), Handling.WAITING),  # a result of no plan
        ((A, R), Handling.ACKNOWLEDGED),
        ((A, P, R, R), Handling.DONE),
    ],
)
def test_the_table(kinds: tuple[ReplyKind, ...], expected: Handling) -> None:
    alert = after(*kinds)
    assert alert.handling is expected
    assert alert.state is AlertState.FIRING, "answering is not recovering"


def test_what_may_not_be_answered_names_what_may() -> None:
    broken = broken_rule(Handling.WAITING, answer(R))
    assert broken is not None
    assert broken.field == "kind"
    assert broken.rule == "of an alert that is waiting must be acknowledged, cause, plan"
    assert all(allowed(handling) for handling in Handling)
    assert {handling for handling, _ in TABLE} == set(Handling)


@pytest.mark.parametrize("days", [-1, LONGEST_PLAN.days + 1])
def test_a_plan_is_for_a_day_to_come_and_not_for_never(days: int) -> None:
    late = answer(P, due=TODAY + timedelta(days=days))
    broken = broken_rule(Handling.ACKNOWLEDGED, late)
    assert broken is not None
    assert broken.field == "due"
    assert reply(firing(), strict_rule(), late, NOW) == firing()
    assert broken_rule(Handling.ACKNOWLEDGED, answer(P, due=TODAY)) is None


@pytest.mark.parametrize(
    ("kind", "text", "due", "field"),
    [
        (C, None, None, "text"),
        (P, "Mở thêm một quầy", None, "due"),
        (C, "Thiếu người", TODAY, "due"),
        (P, None, TODAY, "text"),
    ],
)
def test_a_reply_says_what_its_kind_needs(
    kind: ReplyKind, text: str | None, due: date | None, field: str
) -> None:
    given = answer(A).model_copy(update={"kind": kind, "text": text, "due": due})
    broken = broken_rule(Handling.ACKNOWLEDGED, given)
    assert broken is not None
    assert broken.field == field


def test_what_an_agency_writes_is_masked_and_not_empty() -> None:
    values = dict(answer(C)) | {"text": "  Gọi anh Nam 0912345678 "}
    assert AgencyReplied(**values).text == "Gọi anh Nam [số]"
    with pytest.raises(ValidationError):
        AgencyReplied(**(values | {"text": "   "}))


def test_a_reply_that_comes_twice_counts_once() -> None:
    given = answer(C)  # of which there may be many
    once = reply(firing(), strict_rule(), given, NOW)
    assert reply(once, strict_rule(), given, NOW) == once
    assert (once.revision, once.replies) == (2, (given,))


@pytest.mark.parametrize("state", [AlertState.PENDING, AlertState.LAPSED])
def test_what_nobody_was_told_cannot_be_answered(state: AlertState) -> None:
    alert = firing(state=state)
    assert reply(alert, strict_rule(), answer(A), NOW) == alert


def test_no_answer_in_time_goes_up_level_by_level_and_then_no_further() -> None:
    by, alert = strict_rule(), firing()
    assert alert.answer_due == alert.due(by) == IN_TWO_DAYS
    assert escalate(alert, by, IN_TWO_DAYS - timedelta(seconds=1), 2) == alert
    for level in (1, 2):
        now = NOW + timedelta(days=2 * level)
        alert = escalate(alert, by, now, 2)
        assert (alert.escalated, alert.revision, alert.changed_at) == (level, level + 1, now)
    last = escalate(alert, by, NOW + timedelta(days=6), 2)
    assert (last.escalated, last.revision, last.answer_due) == (2, 3, None)


def test_each_step_sets_the_next_deadline_and_talk_gives_no_more_time() -> None:
    by = strict_rule()
    acknowledged = reply(firing(), by, answer(A), NOW)
    assert acknowledged.answer_due == NOW + timedelta(days=5)
    talked = reply(acknowledged, by, answer(C, days=4), NOW + timedelta(days=4))
    assert talked.answer_due == acknowledged.answer_due
    planned = reply(talked, by, answer(P, due=TODAY + timedelta(days=10)), NOW)
    assert planned.plan_due == TODAY + timedelta(days=10)
    assert planned.answer_due == local_midnight(TODAY + timedelta(days=11))
    overdue = escalate(planned, by, local_midnight(TODAY + timedelta(days=11)), 2)
    assert (overdue.escalated, overdue.handling) == (1, Handling.PLANNED)
    done = reply(planned, by, answer(R), NOW)
    assert (done.handling, done.answer_due) == (Handling.DONE, None)


def test_after_recovery_answers_are_taken_and_nobody_is_chased() -> None:
    by = strict_rule()
    resolved = firing(state=AlertState.RESOLVED, answer_due=None)
    planned = reply(resolved, by, answer(P), NOW)
    assert (planned.handling, planned.answer_due) == (Handling.PLANNED, None)
    assert escalate(planned, by, NOW + timedelta(days=99), 2) == planned


def test_without_deadlines_in_the_rule_nobody_above_is_told() -> None:
    by = rule(for_="0s")
    alert = opened(by)
    assert alert.answer_due is None
    assert escalate(alert, by, NOW + timedelta(days=99), 2) == alert
