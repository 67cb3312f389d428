"""What holds alerts back now: silences, and rules that fire where others of them do."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from schemas.alert import AlertState, Held, HeldBy
from schemas.collections import ALERTS
from schemas.registry import Registry
from schemas.scope import COUNTRY, Scope
from services.notify.alerts import silences
from services.notify.alerts.silences import Silence
from services.notify.rules.kinds import Rule
from services.runtime.database import Database, Document


@dataclass(frozen=True)
class InForce:
    """What is in force at a moment.

    Attributes:
        silences: all of them.
        firing: (rule, scope) of alerts that fire, of rules that hold others back.
    """

    silences: Sequence[Silence]
    firing: frozenset[tuple[str, Scope]]

    def holding(
        self, scope: Scope, above: Iterable[Scope], name: str, rule: Rule | None
    ) -> Held | None:
        """What holds back an alert; of several, the silence that ends last.

        Args:
            scope: of the alert.
            above: the scopes above that.
            name: of its rule.
            rule: itself, if it is still there.
        """
        line = {scope, *above}
        ends = [one.until for one in self.silences if one.covers(line, name)]
        if ends:
            return Held(by=HeldBy.SILENCE, until=max(ends))
        for other in rule.inhibited_by if rule is not None else ():
            if (other, scope) in self.firing:
                return Held(by=HeldBy.RULE, rule=other)
        return None

    def touched(self, rules: Iterable[Rule], registry: Registry, day: date) -> Iterator[Document]:
        """Queries for the alerts that this holds back, or that something held back before."""
        yield {"held": True}
        free = {"state": AlertState.FIRING.value, "held": {"$ne": True}}
        for silence in self.silences:
            query = dict(free) if silence.rule is None else free | {"rule": silence.rule}
            if silence.scope != COUNTRY:
                below = registry.below(silence.scope, day)
                query["scope"] = {"$in": [silence.scope, *(entry.key for entry in below)]}
            yield query
        for rule in rules:
            scopes = [scope for name, scope in self.firing if name in rule.inhibited_by]
            if scopes:
                yield free | {"rule": rule.id, "scope": {"$in": scopes}}


async def read(
    database: Database, rules: Iterable[Rule], now: datetime, scope: Scope | None = None
) -> InForce:
    """What is in force now; of alerts that fire, only those at a scope, if one is given."""
    holding = sorted({name for rule in rules for name in rule.inhibited_by})
    firing: set[tuple[str, Scope]] = set()
    if holding:
        query: Document = {
            "open": True,
            "state": AlertState.FIRING.value,
            "rule": {"$in": holding},
        }
        found = database[ALERTS].find(
            query if scope is None else query | {"scope": scope}, {"rule": 1, "scope": 1}
        )
        firing = {(document["rule"], document["scope"]) async for document in found}
    return InForce(await silences.in_force(database, now), frozenset(firing))
