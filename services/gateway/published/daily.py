"""Which days of a scope's history are withheld.

A day is a part of the windows that it lies in, and of the same day of the scope above. Days are too
many to be decided for the whole country ahead, so they are decided when somebody asks: from the
country down, each scope together with those beside it, given what is decided above them and given
their windows. So a day comes out the same for whichever scope under one parent it is asked, and is
kept for the next who asks, until the windows are decided anew.

Not protected, beyond what `method.disclosure` names: a day that is withheld for the sake of others
can be worked out where it holds all answers of a shown window or of the day above.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

from method.definition import Definition, definition_of
from method.disclosure import Sums, Whole
from method.nesting import Span, nested, window_spans
from method.period import day_key, local_day
from schemas.collections import TALLIES
from schemas.counts import LEVEL_FIELDS
from schemas.instrument import OVERALL
from schemas.scope import Scope
from services.gateway.published.disclosure import Disclosure
from services.runtime.clock import Clock
from services.runtime.database import Database

_ABOVE: Final = "above"
"""Stands for the scope above in a cell; no scope has this name."""

_KEPT: Final = 4_096
"""Parents whose parts are kept: the country, its provinces, ministries and communes, some 35 MB."""

Numbers = dict[Scope, dict[str, int]]
"""Answers by scope and local day."""


def _reach(definition: Definition, days: int) -> int:
    """How many days have to be looked at to decide so many: whole windows, or the same if none."""
    edges = {span.old for span in window_spans(definition).values() if span.grain == "day"}
    return min((edge for edge in edges if edge >= days), default=days)


@cache
def _in_time(version: str, reach: int) -> list[Whole[str]]:
    """How the windows and days of a scope add up; the key of a day is its age."""
    days = {str(age): Span("day", age, age + 1) for age in range(reach)}
    return nested(window_spans(definition_of(version)) | days)


@lru_cache(maxsize=8)
def _ages(today: date, reach: int) -> dict[str, str]:
    """The last days, and how many days old each of them is."""
    return {day_key(today - timedelta(days=age)): str(age) for age in range(reach)}


class _Beside(NamedTuple):
    """Scopes that stand beside one another: their answers, and the ages that are withheld."""

    n: Numbers
    withheld: dict[Scope, set[str]]


_NOBODY: Final = _Beside({}, {})

_Kept = dict[tuple[Scope, Scope, int], _Beside]
"""By the scope above, the first of those beside one another, and how many days."""


class Days:
    """Decides days."""

    def __init__(self, database: Database, disclosure: Disclosure, clock: Clock) -> None:
        """Hold what the work needs."""
        self._database = database
        self._disclosure = disclosure
        self._clock = clock
        self._kept: _Kept = {}
        self._kept_of: tuple[int, date] | None = None

    async def withheld(self, scope: Scope, days: int) -> frozenset[date]:
        """Which of the last days of a scope are withheld.

        Raises:
            DatabaseError: when the answers by day cannot be read.
        """
        definition = self._disclosure.definition()
        reach = _reach(definition, days)
        today = local_day(self._clock())
        ages = _ages(today, reach)
        # Together with what is kept, so that both are of the same decisions until the end.
        way, kept = self._disclosure.way_down(scope), self._kept_on(today)
        found = _NOBODY
        for parent, parts in [(_ABOVE, [way[0][0] if way else scope]), *way]:
            key = parent, parts[0], reach
            if key not in kept:
                # Those above were read before: none of their answers is missing here.
                n = await self._read(parts, ages)
                decided = await asyncio.to_thread(
                    self._decide, parent, parts, found, n, ages, definition
                )
                kept[key] = _Beside(n, decided)
            found = kept[key]
        out = found.withheld[scope]
        return frozenset(date.fromisoformat(day) for day, age in ages.items() if age in out)

    def _kept_on(self, today: date) -> _Kept:
        """What was decided since the windows were; nothing on another day."""
        now = self._disclosure.times, today
        if now != self._kept_of or len(self._kept) >= _KEPT:
            self._kept, self._kept_of = {}, now
        return self._kept

    async def _read(self, scopes: Sequence[Scope], ages: dict[str, str]) -> Numbers:
        """Answers by scope and age."""
        n: Numbers = defaultdict(dict)
        pipeline: list[dict[str, Any]] = [
            {
                "$match": {
                    "scope": {"$in": sorted(scopes)},
                    "period": {"$gte": min(ages)},
                    "item": OVERALL,
                }
            },
            {
                "$group": {
                    "_id": "$scope",
                    "days": {
                        "$push": {
                            "d": "$period",
                            "n": {"$add": [f"${name}" for name in LEVEL_FIELDS]},
                        }
                    },
                }
            },
        ]
        async for document in self._database.aggregate(TALLIES, pipeline):
            n[document["_id"]] = {
                ages[row["d"]]: row["n"] for row in document["days"] if row["d"] in ages
            }
        return n

    def _decide(
        self,
        parent: Scope,
        parts: Sequence[Scope],
        above: _Beside,
        n: Numbers,
        ages: dict[str, str],
        definition: Definition,
    ) -> dict[Scope, set[str]]:
        of_parent = above.n.get(parent, {})
        cells = {(_ABOVE, age): count for age, count in of_parent.items()}
        also = {(_ABOVE, age) for age in above.withheld.get(parent, ())}
        keep: set[tuple[Scope, str]] = set()
        for scope in parts:
            windows = self._disclosure.numbers(OVERALL, scope)
            cells |= {(scope, key): count for key, count in (windows | n[scope]).items()}
            keep |= {(scope, key) for key in windows}
            also |= {(scope, key) for key in self._disclosure.withheld(OVERALL, scope)}
        in_space = [
            Whole((_ABOVE, age), tuple((scope, age) for scope in parts)) for age in of_parent
        ]
        in_time = [
            Whole((scope, whole.figure), tuple((scope, part) for part in whole.parts))
            for scope in parts
            for whole in _in_time(definition.version, len(ages))
        ]
        sums = Sums([*in_space, *in_time])
        out: dict[Scope, set[str]] = {scope: set() for scope in parts}
        decided = sums.withheld(cells, definition.publish_from, also=also, keep=keep)
        for scope, key in decided:
            if scope != _ABOVE and key in n[scope]:
                out[scope].add(key)
        return out
