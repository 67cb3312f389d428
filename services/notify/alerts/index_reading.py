"""What a new index makes of the alert of a rule. Pure."""

from dataclasses import replace
from datetime import datetime

from method.definition import definition_of
from schemas.alert import AlertState, Evidence
from schemas.index import IndexUpdated
from services.notify.alerts.lifecycle import Alert, advance, open_alert
from services.notify.rules.detectors import detect
from services.notify.rules.kinds import BelowTarget, Change, Drift, Drop, IndexRule


def _evidence(rule: IndexRule, index: IndexUpdated, baseline: float | None) -> Evidence:
    window = index.windows[rule.window]
    figures = Evidence(
        window=rule.window, as_of=index.as_of, current=window.current, previous=window.previous
    )
    match rule:
        case BelowTarget():
            return figures.model_copy(update={"target": rule.target})
        case Drop():
            fell_from = window.previous.index if baseline is None else baseline
            return figures.model_copy(update={"baseline": fell_from})
        case Change():
            return figures.model_copy(update={"change": index.change})
        case Drift():
            return figures.model_copy(update={"trend": index.trend})


def _began(rule: IndexRule, index: IndexUpdated) -> datetime:
    """Since when there is what a new alert rests on."""
    match rule:
        case Change() if index.change is not None and index.change.since is not None:
            return index.change.since
        case _:
            return index.windows[rule.window].start


def read_index(
    rule: IndexRule, index: IndexUpdated, alert: Alert | None, now: datetime
) -> Alert | None:
    """The alert of a rule after a new index; the same one, or None, where nothing changes. Pure."""
    if rule.window not in index.windows or (
        alert is not None and index.version <= alert.index_version
    ):
        return alert
    firing = alert is not None and alert.state is AlertState.FIRING
    known = alert.evidence if alert is not None and firing else None
    baseline = known.baseline if isinstance(known, Evidence) else None
    reading = detect(rule, index, baseline, definition_of(index.method))
    if reading is None or (alert is None and not reading.raised):
        return alert
    evidence = _evidence(rule, index, baseline)
    seen = replace(
        alert
        or replace(
            open_alert(rule, index.scope, index.version, evidence, now),
            began_at=_began(rule, index),
        ),
        reading=reading,
        index_version=index.version,
        evidence=evidence,
        latest_received_at=index.latest_received_at,
        latest_occurred_at=index.latest_occurred_at,
    )
    return seen if alert is None else advance(seen, rule, now)
