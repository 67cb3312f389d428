"""Moves alerts when an index comes in or time passes; writes the move and its messages as one."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from pydantic import ValidationError
from pymongo.errors import DuplicateKeyError

from method.definition import definition_of
from method.period import local_day
from schemas.alert import AgencyReplied, AlertState, Evidence
from schemas.base import read
from schemas.collections import ALERTS
from schemas.history import Moment
from schemas.index import IndexUpdated
from schemas.registry import Registry
from schemas.scope import Scope, scope_kind
from schemas.topics import ALERT_CHANGED
from services.notify import gathering, in_force
from services.notify.detectors import detect
from services.notify.documents import to_alert, to_document, to_event
from services.notify.findings import look_up
from services.notify.in_force import InForce
from services.notify.inhibition import in_order
from services.notify.lifecycle import Alert, advance, open_alert, reply
from services.notify.outbox import Channel, Entry
from services.notify.recipients import entries_for, levels_above
from services.notify.rules import BelowTarget, Change, Drift, Drop, IndexRule, Rule, rule_at
from services.notify.telling import Telling, tell
from services.runtime import metrics
from services.runtime.blame import blame
from services.runtime.cached import Cached
from services.runtime.clock import Clock
from services.runtime.consumer import Records
from services.runtime.database import Database, DatabaseError, Session

log = logging.getLogger(__name__)


Step = Callable[[Alert | None, datetime], Alert | None]
"""What becomes of the open alert, if there is one, at a moment; the same one if nothing does."""


class _MovedOnError(Exception):
    """Somebody else changed the alert meanwhile."""


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


def _remembering(before: Alert | None, after: Alert, messages: Sequence[Entry]) -> Alert:
    """The alert with what befell it just now; an answer is kept apart. Pure."""
    told = {entry.agency: None for entry in messages if entry.channel is not Channel.TOPIC}
    if before and _befallen(before) == _befallen(after) and not told:
        return after
    state, escalated, held = _befallen(after)
    moment = Moment(
        at=after.changed_at, state=state, escalated=escalated, held=held, told=tuple(told)
    )
    return replace(after, history=(*after.history, moment))


def _befallen(alert: Alert) -> tuple[AlertState, int, bool]:
    return alert.state, alert.escalated, alert.held is not None


class Alerts:
    """The alerts of the scopes whose indices this process receives."""

    def __init__(
        self, database: Database, registry: Cached[Registry], rules: Sequence[Rule], clock: Clock
    ) -> None:
        """Hold what the work needs."""
        self._database = database
        self._registry = registry
        self._clock = clock
        self.use(rules)

    def use(self, rules: Sequence[Rule]) -> None:
        """Read by these rules from now on; an alert whose rule is gone stays as it is."""
        self._rules = {rule.id: rule for rule in in_order(rules)}

    @property
    def rules(self) -> Mapping[str, Rule]:
        """The rules in force, by id."""
        return self._rules

    async def handle(self, _partition: int, records: Records) -> None:
        """Read the newest index of every scope in a batch by every rule that watches it."""
        newest: dict[str, IndexUpdated] = {}
        for record in records:
            index = self._readable(record.value)
            if index and index.version >= newest.get(index.scope, index).version:
                newest[index.scope] = index
        open_alerts = {
            (document["rule"], document["scope"]): to_alert(document)
            async for document in self._database[ALERTS].find(
                {"open": True, "scope": {"$in": list(newest)}}
            )
        }
        for index in newest.values():
            for rule in self._watching(index):
                step = partial(read_index, rule, index)
                await self.follow(rule, index.scope, open_alerts.get((rule.id, index.scope)), step)

    @staticmethod
    def _readable(value: bytes | None) -> IndexUpdated | None:
        try:
            return read(IndexUpdated, value or b"")
        except ValidationError:
            # The next update of the scope says all that this one did.
            log.exception("an index update cannot be read and is left out")
            return None

    def _watching(self, index: IndexUpdated) -> Iterable[IndexRule]:
        kind, day = scope_kind(index.scope), local_day(index.as_of)
        above = self._registry.value.above(index.scope, day)
        rules = (rule for rule in self._rules.values() if isinstance(rule, IndexRule))
        return (rule_at(rule, index.scope, above, day) for rule in rules if kind in rule.scopes)

    async def follow(self, rule: Rule, scope: Scope, alert: Alert | None, step: Step) -> None:
        """Move the alert of a rule at a scope by a step, whoever else moves it meanwhile."""
        while True:
            now = self._clock()
            after = step(alert, now)
            if after is None or after == alert or await self._move(rule, alert, after, now):
                return
            document = await self._database[ALERTS].find_one(
                {"rule": rule.id, "scope": scope, "open": True}
            )
            alert = to_alert(document) if document else None

    async def tick(self) -> None:
        """Move the alerts that time alone moves."""
        now = self._clock()
        rules, registry = self._rules.values(), self._registry.value
        force = await in_force.read(self._database, rules, now)
        due = [{"due": {"$lte": now}}, *force.touched(rules, registry, local_day(now))]
        async for document in self._database[ALERTS].find({"open": True, "$or": due}):
            before = to_alert(document)
            rule = self._rules.get(before.rule)
            if rule is None and before.held is None:
                log.warning("alert %s has no rule any more, it stays open", before.id)
            after = before if rule is None else advance(before, rule, now)
            if self._look(rule, before, after, force, now).alert != before:
                await self._move(rule, before, after, now)

    async def handle_replies(self, _partition: int, records: Records) -> None:
        """Take in what agencies answered; harmless to repeat."""
        for record in records:
            try:
                answer = read(AgencyReplied, record.value or b"")
            except ValidationError:
                log.exception("%s cannot be read", f"{record.topic}/{record.offset}")
                continue
            await self._answer(answer)

    async def _answer(self, answer: AgencyReplied) -> None:
        while True:
            document = await self._database[ALERTS].find_one({"_id": answer.alert})
            if document is None:
                log.warning("reply %s is to no alert that is known", answer.id)
                return
            before, now = to_alert(document), self._clock()
            rule = self._rules.get(before.rule)
            after = reply(before, rule, answer, now)
            if after == before:
                log.info("reply %s to alert %s changes nothing", answer.id, before.id)
                return
            if await self._move(rule, before, after, now):
                return

    def _look(
        self,
        rule: Rule | None,
        before: Alert | None,
        after: Alert,
        force: InForce,
        now: datetime,
    ) -> Telling:
        registry, day = self._registry.value, local_day(now)
        above = registry.above(after.scope, day)
        held = force.holding(after.scope, above, after.rule, rule)
        levels = levels_above(after.scope, registry, day)
        return tell(before, after, rule, held, levels, now)

    async def _move(
        self, rule: Rule | None, before: Alert | None, after: Alert, now: datetime
    ) -> bool:
        """Move an alert, under what is in force at this moment; False if another was faster."""
        force = await in_force.read(self._database, self._rules.values(), now, after.scope)
        telling = self._look(rule, before, after, force, now)
        return telling.alert == before or await self._write(rule, before, telling, now)

    async def _write(
        self, rule: Rule | None, before: Alert | None, telling: Telling, now: datetime
    ) -> bool:
        """Write a change and its messages in one transaction; False if another was faster."""
        after = telling.alert
        moved = before is None or before.revision != after.revision
        messages = self._messages(telling) if moved else []
        after = _remembering(before, after, messages)
        messages = await self._with_findings(messages, after, rule, now)

        async def work(session: Session) -> None:
            document = to_document(after, rule)
            if before is None:
                await self._database[ALERTS].insert_one(document, session=session)
            else:
                # The version of the index tells apart two readings of one revision.
                result = await self._database[ALERTS].replace_one(
                    {
                        "_id": before.id,
                        "revision": before.revision,
                        "index_version": before.index_version,
                    },
                    document,
                    session=session,
                )
                if result.matched_count == 0:
                    raise _MovedOnError
            await gathering.put(self._database, messages, now, session)

        try:
            await self._database.transaction(work)
        except (_MovedOnError, DuplicateKeyError):
            log.info("alert %s was moved by another instance, looking again", after.id)
            return False
        if moved:
            self._tell(before, after)
        return True

    @staticmethod
    def _tell(before: Alert | None, after: Alert) -> None:
        if before is None or before.state is not after.state:
            metrics.NOTIFY_TRANSITIONS.labels(after.state.value).inc()
            log.info("alert %s is %s", after.id, after.state.value)
        if before is not None and before.escalated < after.escalated:
            metrics.NOTIFY_ESCALATIONS.inc()
            log.info("alert %s went up %d levels", after.id, after.escalated)
        if after.held is not None and (before is None or before.held is None):
            metrics.NOTIFY_HELD.labels(after.held.by.value).inc()
            log.info("alert %s is held back: %s", after.id, after.held.by.value)
        if before is not None and before.handling is not after.handling:
            log.info("alert %s is %s", after.id, after.handling.value)

    async def _with_findings(
        self, messages: list[Entry], after: Alert, rule: Rule | None, now: datetime
    ) -> list[Entry]:
        """The messages with what there is to say to people beside the figures.

        An error of ours in that keeps no alert from being told: it is told without.
        """
        to_people = [entry for entry in messages if entry.channel is not Channel.TOPIC]
        if after.state is not AlertState.FIRING or not to_people:
            return messages
        try:
            found = await look_up(self._database, after, rule, now)
        except DatabaseError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, the alert is what matters
            # Without the error itself: its message may hold what was written.
            log.error("alert %s is told without its evidence: %s", after.id, blame(error))  # noqa: TRY400
            return messages
        return [
            replace(entry, findings=found) if entry in to_people else entry for entry in messages
        ]

    def _messages(self, telling: Telling) -> list[Entry]:
        event = to_event(telling.alert)
        messages = [Entry(Channel.TOPIC, event.scope, ALERT_CHANGED.name, event)]
        if telling.occasion is not None:
            registry, day = self._registry.value, local_day(event.changed_at)
            messages += entries_for(event, registry, day)
        return messages
