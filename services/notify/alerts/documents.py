"""An alert as MongoDB keeps it and as the rest of the system hears of it."""

from datetime import datetime

from schemas.alert import AgencyReplied, AlertChanged, AlertState
from schemas.history import Moment
from services.notify.alerts.lifecycle import Alert
from services.notify.rules.detectors import Reading
from services.notify.rules.kinds import Rule
from services.runtime.database import Document


def to_document(alert: Alert, rule: Rule | None) -> Document:
    """The stored form; others may look at `event`, `replies` and `history` in it."""
    return {
        "_id": alert.id,
        "rule": alert.rule,
        "scope": alert.scope,
        "state": alert.state.value,
        "open": alert.open,
        "revision": alert.revision,
        "opened_at": alert.opened_at,
        "changed_at": alert.changed_at,
        "held_since": alert.held_since,
        "recovering_since": alert.recovering_since,
        "reading": alert.reading._asdict(),
        "index_version": alert.index_version,
        "latest_received_at": alert.latest_received_at,
        "latest_occurred_at": alert.latest_occurred_at,
        "due": alert.due(rule) if alert.open else None,
        "held": alert.held is not None,
        "told_at": alert.told_at,
        "history": [moment.model_dump(mode="json") for moment in alert.history],
        "replies": [reply.model_dump(mode="json") for reply in alert.replies],
        "event": to_event(alert).model_dump(mode="json"),
    }


def to_alert(document: Document) -> Alert:
    """Back from the stored form."""
    event = AlertChanged.model_validate(document["event"], strict=False)
    return Alert(
        id=document["_id"],
        rule=document["rule"],
        kind=event.kind,
        severity=event.severity,
        scope=document["scope"],
        state=AlertState(document["state"]),
        revision=document["revision"],
        opened_at=document["opened_at"],
        began_at=event.began_at or document["opened_at"],
        changed_at=document["changed_at"],
        held_since=document["held_since"],
        recovering_since=document["recovering_since"],
        reading=Reading(**document["reading"]),
        index_version=document["index_version"],
        evidence=event.evidence,
        latest_received_at=document["latest_received_at"],
        latest_occurred_at=document["latest_occurred_at"],
        handling=event.handling,
        answer_due=event.answer_due,
        plan_due=event.plan_due,
        escalated=event.escalated,
        replies=tuple(
            AgencyReplied.model_validate(reply, strict=False)
            for reply in document.get("replies", ())
        ),
        held=event.held,
        told_at=_told_at(document),
        reminder=event.reminder,
        history=tuple(Moment.model_validate(moment) for moment in document.get("history", ())),
    )


def _told_at(document: Document) -> datetime | None:
    """When agencies were told; before this was noted they were, of all that fired, and at once."""
    if "told_at" in document:
        moment: datetime | None = document["told_at"]
        return moment
    fired = document["state"] in {AlertState.FIRING.value, AlertState.RESOLVED.value}
    return document["changed_at"] if fired else None


def to_event(alert: Alert) -> AlertChanged:
    """What alert.changed.v1 and the agencies are told."""
    return AlertChanged(
        alert=alert.id,
        revision=alert.revision,
        rule=alert.rule,
        kind=alert.kind,
        severity=alert.severity,
        scope=alert.scope,
        state=alert.state,
        opened_at=alert.opened_at,
        began_at=alert.began_at,
        changed_at=alert.changed_at,
        evidence=alert.evidence,
        latest_received_at=alert.latest_received_at,
        latest_occurred_at=alert.latest_occurred_at,
        handling=alert.handling,
        answer_due=alert.answer_due,
        plan_due=alert.plan_due,
        escalated=alert.escalated,
        held=alert.held,
        reminder=alert.reminder,
    )
