"""Which windows of which indices are withheld from the public: `method.disclosure` for the country.

The numbers of answers of every index are kept in memory: all are read at the start and now and
then, afterwards those of the scopes that scoring says have moved. Whoever shows a figure asks here,
so that an office's own page, each list and the live updates show the same.
"""

import asyncio
from collections.abc import Collection, Iterable
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from method.definition import Definition, definition_on, definitions
from method.disclosure import Sums, Whole
from method.nesting import SIDES, nested, side_key, window_spans
from method.period import local_day
from schemas.collections import INDICES
from schemas.instrument import OVERALL
from schemas.registry import EntryKind, Registry
from schemas.scope import COUNTRY, Scope, scope_kind
from services.runtime.cached import Cached
from services.runtime.clock import Clock
from services.runtime.database import Database

_PARENTS_FIRST: Final = (
    (COUNTRY,),
    (EntryKind.PROVINCE.value, EntryKind.MINISTRY.value),
    (EntryKind.COMMUNE.value,),
    (EntryKind.UNIT.value, EntryKind.FIELD.value),
)
"""Scoring writes a scope before those above it. Read the other way round, no whole is ever newer
than its parts, and an answer on its way is not taken for one that no part holds."""

_EVERYTHING_AGAIN: Final = timedelta(seconds=30)
_NAMES: Final = frozenset(name for version in definitions() for name in version.windows)
_FIELDS: Final = {
    "_id": 0,
    "scope": 1,
    "item": 1,
    **{f"windows.{name}.{side}.n": 1 for name in sorted(_NAMES) for side in SIDES},
}

Numbers = dict[str, int]
"""Answers by `side_key`."""

NOTHING: Final[frozenset[str]] = frozenset()


class _Plan(NamedTuple):
    """How the figures of one item add up, and what it was made for."""

    registry: Registry
    day: date
    definition: Definition
    scopes: tuple[Scope, ...]
    parents: dict[Scope, Scope]
    parts: dict[tuple[Scope, bool], list[Scope]]
    sums: Sums[int]
    keep: frozenset[int]


def _is_field(scope: Scope) -> bool:
    """Service fields add up to the country by themselves, beside the offices."""
    return scope_kind(scope) == EntryKind.FIELD


class Disclosure:
    """The decisions of now.

    Attributes:
        times: how often all that has moved was decided anew; whoever decides more by the same
            numbers does it anew then, too.
    """

    def __init__(self, database: Database, registry: Cached[Registry], clock: Clock) -> None:
        """Know nothing yet."""
        self._database = database
        self._registry = registry
        self._clock = clock
        self._lock = asyncio.Lock()
        self._moved: set[Scope] = set()
        self._numbers: dict[str, dict[Scope, Numbers]] = {}
        self._plans: dict[str, _Plan] = {}
        self._withheld: dict[str, dict[Scope, frozenset[str]]] = {}
        self._decided_for: Registry | None = None
        self.times = 0
        self._all_read_at = self._clock() - 2 * _EVERYTHING_AGAIN

    def moved(self, scopes: Iterable[Scope]) -> None:
        """Note that the numbers of scopes have changed."""
        self._moved.update(scopes)

    def definition(self) -> Definition:
        """The method in force."""
        return definition_on(local_day(self._clock()))

    def numbers(self, item: str, scope: Scope) -> Numbers:
        """The answers that the decisions rest on; empty where there is no index."""
        return self._numbers.get(item, {}).get(scope, {})

    def withheld(self, item: str, scope: Scope) -> frozenset[str]:
        """The windows of an index that are withheld, by `side_key`."""
        return self._withheld.get(item, {}).get(scope, NOTHING)

    def way_down(self, scope: Scope) -> list[tuple[Scope, list[Scope]]]:
        """Each scope above another, the country first, with the parts on the way down to it.

        The parts are those that have the headline index, also those no longer in force: their
        answers count too.
        """
        plan = self._plans.get(OVERALL)
        way: list[tuple[Scope, list[Scope]]] = []
        while plan and (parent := plan.parents.get(scope)):
            way.insert(0, (parent, plan.parts[parent, _is_field(scope)]))
            scope = parent
        return way

    async def ready(self) -> None:
        """Decide for the first time, if nobody has.

        Raises:
            DatabaseError: when the numbers cannot be read.
        """
        if self._decided_for is None:
            await self.refresh()

    async def refresh(self) -> set[Scope]:
        """Follow what has moved; the scopes whose figures, names or decisions may have changed.

        Raises:
            DatabaseError: when the numbers cannot be read; what has moved is kept in mind.
        """
        async with self._lock:
            now = self._clock()
            everything = now - self._all_read_at >= _EVERYTHING_AGAIN
            moved, self._moved = self._moved, set()
            if not (moved or everything or self._decided_for is not self._registry.value):
                return set()
            try:
                items = await self._read(None if everything else moved)
            except BaseException:
                self._moved |= moved
                raise
            if everything:
                self._all_read_at = now
            registry = self._registry.value
            if registry is not self._decided_for:
                items = set(self._numbers)
                moved |= self._entered_anew(registry)
            for item in sorted(items):
                decided = await asyncio.to_thread(self._decide, item, registry)
                before = self._withheld.get(item, {})
                self._withheld[item] = decided
                moved |= {
                    scope
                    for scope in before.keys() | decided.keys()
                    if before.get(scope, NOTHING) != decided.get(scope, NOTHING)
                }
            self._decided_for = registry
            self.times += 1
            return moved

    def _entered_anew(self, registry: Registry) -> set[Scope]:
        """The scopes with an index that a registry has other entries of than the one before.

        Scoring may tell of a new office before its entry is here: nobody could be shown it then.
        """
        before, today = self._decided_for, local_day(self._clock())
        if before is None:
            return set()
        return {
            scope
            for scope in set().union(*self._numbers.values())
            if before.latest(scope, today) != registry.latest(scope, today)
        }

    async def _read(self, scopes: Collection[Scope] | None) -> set[str]:
        """Read the numbers of scopes, or of all; the items of which some have changed."""
        changed: set[str] = set()
        for kinds in _PARENTS_FIRST:
            if scopes is None:
                query: dict[str, Any] = {"kind": {"$in": kinds}}
            else:
                wanted = [scope for scope in scopes if scope_kind(scope) in kinds]
                if not wanted:
                    continue
                query = {"scope": {"$in": wanted}}
            async for document in self._database[INDICES].find(query, _FIELDS):
                numbers = {
                    side_key(name, side): int(window[side]["n"])
                    for name, window in document["windows"].items()
                    for side in SIDES
                }
                held = self._numbers.setdefault(document["item"], {})
                if held.get(document["scope"]) != numbers:
                    held[document["scope"]] = numbers
                    changed.add(document["item"])
        return changed

    def _decide(self, item: str, registry: Registry) -> dict[Scope, frozenset[str]]:
        numbers = self._numbers[item]
        plan = self._plan(item, registry, tuple(sorted(numbers)))
        keys = list(window_spans(plan.definition))
        n = {
            place * len(keys) + column: count
            for place, scope in enumerate(plan.scopes)
            for column, key in enumerate(keys)
            if (count := numbers[scope].get(key, 0))
        }
        out: dict[Scope, set[str]] = {}
        for cell in plan.sums.withheld(n, plan.definition.publish_from, keep=plan.keep):
            place, column = divmod(cell, len(keys))
            out.setdefault(plan.scopes[place], set()).add(keys[column])
        return {scope: frozenset(columns) for scope, columns in out.items()}

    def _plan(self, item: str, registry: Registry, scopes: tuple[Scope, ...]) -> _Plan:
        """Which figures of an item add up, in space and in time; a figure is a number here."""
        today = local_day(self._clock())
        definition = definition_on(today)
        known = self._plans.get(item)
        if known and known[:4] == (registry, today, definition, scopes):
            return known
        spans = window_spans(definition)
        keys = list(spans)
        place = {scope: number * len(keys) for number, scope in enumerate(scopes)}
        parents: dict[Scope, Scope] = {}
        parts: dict[tuple[Scope, bool], list[Scope]] = {}
        for scope in scopes:
            entry = registry.latest(scope, today)
            if entry and entry.parent in place:
                parents[scope] = entry.parent
                parts.setdefault((entry.parent, _is_field(scope)), []).append(scope)
        wholes = [
            Whole(place[parent] + column, tuple(place[scope] + column for scope in under))
            for (parent, _), under in parts.items()
            for column in range(len(keys))
        ]
        columns = {key: column for column, key in enumerate(keys)}
        in_time = nested(spans)
        wholes += [
            Whole(
                place[scope] + columns[whole.figure],
                tuple(place[scope] + columns[part] for part in whole.parts),
            )
            for scope in scopes
            for whole in in_time
        ]
        # People look at what is now: of a scope's windows, those before are withheld first.
        keep = frozenset(
            place[scope] + columns[key]
            for scope in scopes
            for key in keys
            if key.endswith(f"/{SIDES[0]}")
        )
        plan = _Plan(registry, today, definition, scopes, parents, parts, Sums(wholes), keep)
        self._plans[item] = plan
        return plan
