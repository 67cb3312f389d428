"""The life of an alert as a pure function: (alert, reading, now) → alert.

    state     condition raised     not raised, not recovered   recovered
    none      pending¹             none                        none
    pending   firing after `for`   lapsed                      lapsed
    firing    stays                stays                       resolved after `keep_firing_for`

¹ at once firing where `for` is 0. No reading (too few answers) changes nothing: no data is not
recovery. Source of the shape: Prometheus alerting rules (`for`, `keep_firing_for`).
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from method.handling import TABLE, broken_rule
from method.period import local_midnight
from schemas.alert import AgencyReplied, AlertState, Evidence, Handling, Held, Severity
from schemas.history import Moment
from schemas.kiosk import KioskSilence
from schemas.scope import Scope
from services.notify.rules.detectors import Reading
from services.notify.rules.kinds import Rule


@dataclass(frozen=True)
class Alert:
    """One episode of one rule at one scope.

    Attributes:
        id: the same from opening to end.
        revision: grows by one with every change of state.
        began_at: since when, as it opened: the first moment of what it rested on then.
        held_since: since when the condition holds without a break (pending).
        recovering_since: since when recovery holds without a break (firing).
        reading: the last one there was.
        index_version: of the index behind it, or up to when was listened to kiosks (ms); older ones
            are ignored.
        handling: what the agency has done about it.
        answer_due: by when it has to answer next; None where nothing is waited for.
        plan_due: last local day of its plan.
        escalated: how many levels above were told, because nobody answered.
        replies: all that were given, oldest first.
        held: what keeps it from being told now.
        told_at: when agencies were last told that it fires; None while they never were.
        reminder: whether the last change is a reminder.
        history: what befell it, oldest first; written down with each move.
    """

    id: str
    rule: str
    kind: str
    severity: Severity
    scope: Scope
    state: AlertState
    revision: int
    opened_at: datetime
    began_at: datetime
    changed_at: datetime
    held_since: datetime
    recovering_since: datetime | None
    reading: Reading
    index_version: int
    evidence: Evidence | KioskSilence
    latest_received_at: datetime | None = None
    latest_occurred_at: datetime | None = None
    handling: Handling = Handling.WAITING
    answer_due: datetime | None = None
    plan_due: date | None = None
    escalated: int = 0
    replies: tuple[AgencyReplied, ...] = ()
    held: Held | None = None
    told_at: datetime | None = None
    reminder: bool = False
    history: tuple[Moment, ...] = ()

    @property
    def open(self) -> bool:
        """Whether the episode is still going on."""
        return self.state in {AlertState.PENDING, AlertState.FIRING}

    def due(self, rule: Rule | None) -> datetime | None:
        """When time alone may change it next."""
        if self.state is AlertState.PENDING and rule is not None:
            return self.held_since + rule.for_
        if self.state is not AlertState.FIRING:
            return None
        recovered = (
            self.recovering_since + rule.keep_firing_for
            if rule is not None and self.recovering_since is not None
            else None
        )
        told = (self.answer_due, self.repeat_due(rule)) if self.held is None else ()
        return min(filter(None, (recovered, *told)), default=None)

    def repeat_due(self, rule: Rule | None) -> datetime | None:
        """When agencies are told again, should nobody have answered by then."""
        if rule is None or rule.repeat_every is None or self.told_at is None:
            return None
        waited_for = self.state is AlertState.FIRING and self.handling is Handling.WAITING
        return self.told_at + rule.repeat_every if waited_for else None


def _moved(alert: Alert, rule: Rule, state: AlertState, now: datetime) -> Alert:
    within = rule.acknowledge_within if state is AlertState.FIRING else None
    return replace(
        alert,
        state=state,
        revision=alert.revision + 1,
        changed_at=now,
        answer_due=now + within if within is not None else None,
    )


def open_alert(
    rule: Rule,
    scope: Scope,
    index_version: int,
    evidence: Evidence | KioskSilence,
    now: datetime,
) -> Alert:
    """A new episode: the condition began to hold just now."""
    alert = Alert(
        id=f"{rule.id}/{scope}/{int(now.timestamp() * 1000)}",
        rule=rule.id,
        kind=rule.kind,
        severity=rule.severity,
        scope=scope,
        state=AlertState.PENDING,
        revision=0,
        opened_at=now,
        began_at=now,
        changed_at=now,
        held_since=now,
        recovering_since=None,
        reading=Reading(raised=True, recovered=False),
        index_version=index_version,
        evidence=evidence,
    )
    return _moved(alert, rule, AlertState.PENDING if rule.for_ else AlertState.FIRING, now)


def advance(alert: Alert, rule: Rule, now: datetime) -> Alert:
    """Where an open alert stands now, given its last reading."""
    reading = alert.reading
    if alert.state is AlertState.PENDING:
        if not reading.raised:
            return _moved(alert, rule, AlertState.LAPSED, now)
        if now - alert.held_since >= rule.for_:
            return _moved(alert, rule, AlertState.FIRING, now)
        return alert
    if alert.state is AlertState.FIRING:
        if not reading.recovered:
            return replace(alert, recovering_since=None)
        since = alert.recovering_since or now
        alert = replace(alert, recovering_since=since)
        if now - since >= rule.keep_firing_for:
            return _moved(alert, rule, AlertState.RESOLVED, now)
    return alert


def escalate(alert: Alert, rule: Rule | None, now: datetime, levels: int) -> Alert:
    """Tell the level above when an answer is overdue; nothing more where all know.

    Args:
        alert: any.
        rule: that raised it, if it is still there.
        now: the time.
        levels: how many levels above there are to tell.
    """
    if alert.state is not AlertState.FIRING or alert.answer_due is None or now < alert.answer_due:
        return alert
    if alert.escalated >= levels:
        return replace(alert, answer_due=None)
    again = rule.acknowledge_within if rule is not None else None
    return replace(
        alert,
        revision=alert.revision + 1,
        changed_at=now,
        escalated=alert.escalated + 1,
        answer_due=now + again if again is not None else None,
    )


def reply(alert: Alert, rule: Rule | None, answer: AgencyReplied, now: datetime) -> Alert:
    """An alert after a reply; the same where it is known, or may not be given now.

    What was planned is waited for until its last local day is over.
    """
    known = any(given.id == answer.id for given in alert.replies)
    told = alert.state in {AlertState.FIRING, AlertState.RESOLVED}
    if known or not told or broken_rule(alert.handling, answer) is not None:
        return alert
    after = replace(
        alert,
        revision=alert.revision + 1,
        changed_at=now,
        handling=TABLE[alert.handling, answer.kind],
        plan_due=answer.due or alert.plan_due,
        replies=(*alert.replies, answer),
    )
    return replace(after, answer_due=_next_answer_due(alert, after, rule, now))


def _next_answer_due(
    before: Alert, after: Alert, rule: Rule | None, now: datetime
) -> datetime | None:
    """When the level above is told, after a reply. Talking on without a step gives no more time."""
    if after.state is not AlertState.FIRING:
        return None
    match after.handling:
        case Handling.PLANNED if after.plan_due is not None:
            return local_midnight(after.plan_due + timedelta(days=1))
        case Handling.ACKNOWLEDGED if before.handling is Handling.WAITING:
            within = rule.plan_within if rule is not None else None
            return now + within if within is not None else None
        case Handling.DONE:
            return None
        case _:
            return before.answer_due
