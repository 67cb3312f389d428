"""Moves alerts when an index or a reply comes in, or time passes."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

from pydantic import ValidationError

from method.period import local_day
from schemas.alert import AgencyReplied
from schemas.base import read
from schemas.collections import ALERTS
from schemas.index import IndexUpdated
from schemas.scope import COUNTRY, Scope, scope_kind
from services.notify.alerts import in_force
from services.notify.alerts.documents import to_alert
from services.notify.alerts.in_force import InForce
from services.notify.alerts.index_reading import read_index
from services.notify.alerts.lifecycle import Alert, advance, reply
from services.notify.alerts.telling import Telling, tell
from services.notify.alerts.writing import Writing
from services.notify.delivery.directory import Directories, levels_above
from services.notify.rules.inhibition import in_order
from services.notify.rules.kinds import IndexRule, Rule, rule_at
from services.runtime import tracing
from services.runtime.clock import Clock
from services.runtime.consumer import Records
from services.runtime.database import Database

log = logging.getLogger(__name__)


Step = Callable[[Alert | None, datetime], Alert | None]
"""What becomes of the open alert, if there is one, at a moment; the same one if nothing does."""


class Alerts:
    """The alerts of the scopes whose indices this process receives."""

    def __init__(
        self, database: Database, directories: Directories, rules: Sequence[Rule], clock: Clock
    ) -> None:
        """Hold what the work needs."""
        self._database = database
        self._registry = directories.registry
        self._clock = clock
        self._writing = Writing(database, directories)
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
        traces: dict[str, str | None] = {}
        for record in records:
            index = self._readable(record.value)
            if index and index.version >= newest.get(index.scope, index).version:
                newest[index.scope] = index
                traces[index.scope] = tracing.of(record)
        open_alerts = {
            (document["rule"], document["scope"]): to_alert(document)
            async for document in self._database[ALERTS].find(
                {"open": True, "scope": {"$in": list(newest)}}
            )
        }
        for index in newest.values():
            with tracing.continuing(traces[index.scope]):
                for rule in self._watching(index):
                    step = partial(read_index, rule, index)
                    known = open_alerts.get((rule.id, index.scope))
                    await self.follow(rule, index.scope, known, step)

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
                with tracing.continuing(document.get("traceparent")):
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
        levels = levels_above(registry, after.scope, day)
        return tell(before, after, rule, held, levels, now)

    async def _move(
        self, rule: Rule | None, before: Alert | None, after: Alert, now: datetime
    ) -> bool:
        """Move an alert, under what is in force at this moment; False if another was faster.

        An office that is not known here may be new: then what is known is looked up again, or
        nobody would ever be told.
        """
        if after.scope != COUNTRY and not self._registry.value.knows(after.scope):
            await self._registry.refresh()
        force = await in_force.read(self._database, self._rules.values(), now, after.scope)
        telling = self._look(rule, before, after, force, now)
        return telling.alert == before or await self._writing.write(rule, before, telling, now)
