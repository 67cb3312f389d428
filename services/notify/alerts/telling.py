"""Whether agencies are told of an alert now, as one table. Pure.

    firing          nobody was told yet           agencies know
    held back       nobody is told                nobody is told
    not held        told that it fires            told when an answer is overdue, and reminded
    resolved        nobody hears of it            told that it is over, held or not

What holds an alert back is a silence, or another rule that fires at the same scope
(`inhibited_by`). While it is held back no answer is waited for, if none was given: the time for one
begins when the hold ends. That is also when agencies are told, if it still fires and they do not
know.

An alert takes one step a revision: what is due besides is done at the next look.
"""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from schemas.alert import AlertState, Handling, Held
from services.notify.alerts.lifecycle import Alert, escalate
from services.notify.rules.kinds import Rule


class Occasion(StrEnum):
    """Why agencies are told."""

    FIRES = "fires"
    OVERDUE = "overdue"
    REMINDER = "reminder"
    OVER = "over"


class Telling(NamedTuple):
    """What comes of a look at an alert.

    Attributes:
        alert: as it stands now; a revision later where anything moved.
        occasion: why agencies are told of that; None when they are not.
    """

    alert: Alert
    occasion: Occasion | None


def tell(
    before: Alert | None,
    after: Alert,
    rule: Rule | None,
    held: Held | None,
    levels: int,
    now: datetime,
) -> Telling:
    """Decide whether agencies are told.

    Args:
        before: the alert as it was; None when it has just opened.
        after: as its reading, time or a reply made it; `before` itself when nothing did.
        rule: that raised it, if it is still there.
        held: what holds it back now.
        levels: how many levels above there are to tell.
        now: the time.
    """
    if before is None or before.revision != after.revision:
        after = replace(after, reminder=False)
    if after.state is not AlertState.FIRING:
        ended = before is not None and before.state is AlertState.FIRING
        over = ended and after.state is AlertState.RESOLVED and after.told_at is not None
        return Telling(replace(after, held=None), Occasion.OVER if over else None)
    if held is not None:
        return Telling(_held(before, after, held, now), None)
    if after.held is not None:
        after = _released(before, after, rule, now)
    if after.told_at is None:
        return Telling(_stepped(before, replace(after, told_at=now), now), Occasion.FIRES)
    if before is None or before.revision != after.revision:
        return Telling(after, None)
    return _waited_for(after, rule, levels, now)


def _stepped(before: Alert | None, after: Alert, now: datetime) -> Alert:
    """A revision later than before, if it is not already."""
    if before is None or before.revision != after.revision:
        return after
    return replace(after, revision=after.revision + 1, changed_at=now, reminder=False)


def _held(before: Alert | None, after: Alert, held: Held, now: datetime) -> Alert:
    if after.held == held:
        return after
    due = None if after.handling is Handling.WAITING else after.answer_due
    return _stepped(before, replace(after, held=held, answer_due=due), now)


def _released(before: Alert | None, after: Alert, rule: Rule | None, now: datetime) -> Alert:
    due = after.answer_due
    if after.handling is Handling.WAITING and rule is not None and rule.acknowledge_within:
        due = now + rule.acknowledge_within
    return _stepped(before, replace(after, held=None, answer_due=due), now)


def _waited_for(alert: Alert, rule: Rule | None, levels: int, now: datetime) -> Telling:
    """Tell the level above, or remind those who know, when the time for it has come."""
    after = escalate(alert, rule, now, levels)
    if after.escalated > alert.escalated:
        return Telling(replace(after, told_at=now, reminder=False), Occasion.OVERDUE)
    due = after.repeat_due(rule)
    if due is None or now < due:
        return Telling(after, None)
    again = replace(after, revision=after.revision + 1, changed_at=now, told_at=now, reminder=True)
    return Telling(again, Occasion.REMINDER)
