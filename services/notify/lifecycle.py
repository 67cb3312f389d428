"""The life of an alert as a pure function: (alert, reading, now) → alert.

    state     condition raised     not raised, not recovered   recovered
    none      pending¹             none                        none
    pending   firing after `for`   lapsed                      lapsed
    firing    stays                stays                       resolved after `keep_firing_for`

¹ at once firing where `for` is 0. No reading (too few answers) changes nothing: no data is not
recovery. Source of the shape: Prometheus alerting rules (`for`, `keep_firing_for`).
"""

from dataclasses import dataclass, replace
from datetime import datetime

from schemas.alert import AlertState, Evidence
from schemas.scope import Scope
from services.notify.detectors import Reading
from services.notify.rules import Rule


@dataclass(frozen=True)
class Alert:
    """One episode of one rule at one scope.

    Attributes:
        id: the same from opening to end.
        revision: grows by one with every change of state.
        held_since: since when the condition holds without a break (pending).
        recovering_since: since when recovery holds without a break (firing).
        reading: the last one there was.
        index_version: of the index behind it; older indices are ignored.
    """

    id: str
    rule: str
    scope: Scope
    state: AlertState
    revision: int
    opened_at: datetime
    changed_at: datetime
    held_since: datetime
    recovering_since: datetime | None
    reading: Reading
    index_version: int
    evidence: Evidence
    latest_received_at: datetime | None = None
    latest_occurred_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether the episode is still going on."""
        return self.state in {AlertState.PENDING, AlertState.FIRING}

    def due(self, rule: Rule) -> datetime | None:
        """When time alone may change it next."""
        if self.state is AlertState.PENDING:
            return self.held_since + rule.for_
        if self.state is AlertState.FIRING and self.recovering_since is not None:
            return self.recovering_since + rule.keep_firing_for
        return None


def _moved(alert: Alert, state: AlertState, now: datetime) -> Alert:
    return replace(alert, state=state, revision=alert.revision + 1, changed_at=now)


def open_alert(
    rule: Rule, scope: Scope, index_version: int, evidence: Evidence, now: datetime
) -> Alert:
    """A new episode: the condition began to hold just now."""
    alert = Alert(
        id=f"{rule.id}/{scope}/{int(now.timestamp() * 1000)}",
        rule=rule.id,
        scope=scope,
        state=AlertState.PENDING,
        revision=1,
        opened_at=now,
        changed_at=now,
        held_since=now,
        recovering_since=None,
        reading=Reading(raised=True, recovered=False),
        index_version=index_version,
        evidence=evidence,
    )
    return replace(alert, state=AlertState.FIRING) if not rule.for_ else alert


def advance(alert: Alert, rule: Rule, now: datetime) -> Alert:
    """Where an open alert stands now, given its last reading."""
    reading = alert.reading
    if alert.state is AlertState.PENDING:
        if not reading.raised:
            return _moved(alert, AlertState.LAPSED, now)
        if now - alert.held_since >= rule.for_:
            return _moved(alert, AlertState.FIRING, now)
        return alert
    if alert.state is AlertState.FIRING:
        if not reading.recovered:
            return replace(alert, recovering_since=None)
        since = alert.recovering_since or now
        alert = replace(alert, recovering_since=since)
        if now - since >= rule.keep_firing_for:
            return _moved(alert, AlertState.RESOLVED, now)
    return alert
