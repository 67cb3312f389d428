"""Which days of a scope's history are withheld.

A day is a part of the windows that it lies in, and of the same day of the scope above. Days are too
many to be decided for the whole country ahead, so they are decided when somebody asks: from the
country down, each scope together with those beside it, given what is decided above them and given
their windows. So a day comes out the same for whichever scope under one parent it is asked.

Not protected, beyond what `method.disclosure` names: a day that is withheld for the sake of others
can be worked out where it holds all answers of a shown window or of the day above.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any, Final

from method.definition import Definition, definition_of
from method.disclosure import Sums, Whole
from method.nesting import Span, nested, window_spans
from method.period import day_key, local_day
from schemas.collections import TALLIES
from schemas.figure import LEVELS
from schemas.instrument import OVERALL
from schemas.scope import COUNTRY, Scope
from services.gateway.published.disclosure import Disclosure
from services.runtime.clock import Clock
from services.runtime.database import Database

_ABOVE: Final = "above"
"""Stands for the scope above in a cell; no scope has this name."""

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


class Days:
    """Decides days."""

    def __init__(self, database: Database, disclosure: Disclosure, clock: Clock) -> None:
        """Hold what the work needs."""
        self._database = database
        self._disclosure = disclosure
        self._clock = clock

    async def withheld(self, scope: Scope, days: int) -> frozenset[date]:
        """Which of the last days of a scope are withheld.

        Raises:
            DatabaseError: when the answers by day cannot be read.
        """
        definition = self._disclosure.definition()
        reach = _reach(definition, days)
        today = local_day(self._clock())
        ages = {day_key(today - timedelta(days=age)): str(age) for age in range(reach)}
        way = self._disclosure.way_down(scope)
        n = await self._read({COUNTRY, scope}.union(*(parts for _, parts in way)), ages)
        found = await asyncio.to_thread(self._decide, scope, way, n, ages, definition)
        return frozenset(date.fromisoformat(day) for day, age in ages.items() if age in found)

    async def _read(self, scopes: set[Scope], ages: dict[str, str]) -> Numbers:
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
                        "$push": {"d": "$period", "n": {"$add": [f"$n{level}" for level in LEVELS]}}
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
        scope: Scope,
        way: Sequence[tuple[Scope, list[Scope]]],
        n: Numbers,
        ages: dict[str, str],
        definition: Definition,
    ) -> set[str]:
        out = self._beside([way[0][0] if way else scope], {}, set(), n, ages, definition)
        for parent, parts in way:
            out = self._beside(parts, n[parent], out[parent], n, ages, definition)
        return out[scope]

    def _beside(
        self,
        scopes: Sequence[Scope],
        above: dict[str, int],
        withheld_above: set[str],
        n: Numbers,
        ages: dict[str, str],
        definition: Definition,
    ) -> dict[Scope, set[str]]:
        """Decide the days of scopes that stand beside one another: ages, by scope."""
        cells = {(_ABOVE, age): count for age, count in above.items()}
        also = {(_ABOVE, age) for age in withheld_above}
        keep: set[tuple[Scope, str]] = set()
        for scope in scopes:
            windows = self._disclosure.numbers(OVERALL, scope)
            cells |= {(scope, key): count for key, count in (windows | n[scope]).items()}
            keep |= {(scope, key) for key in windows}
            also |= {(scope, key) for key in self._disclosure.withheld(OVERALL, scope)}
        in_space = [Whole((_ABOVE, age), tuple((scope, age) for scope in scopes)) for age in above]
        in_time = [
            Whole((scope, whole.figure), tuple((scope, part) for part in whole.parts))
            for scope in scopes
            for whole in _in_time(definition.version, len(ages))
        ]
        sums = Sums([*in_space, *in_time])
        out: dict[Scope, set[str]] = {scope: set() for scope in scopes}
        decided = sums.withheld(cells, definition.publish_from, also=also, keep=keep)
        for scope, key in decided:
            if scope != _ABOVE and key in n[scope]:
                out[scope].add(key)
        return out
