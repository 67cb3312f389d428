"""Whether what an office reported as done did something: its figures against comparable offices."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field

from method.definition import Definition, definition_on
from method.effect import Effect, Pair, Sample, effect
from method.episode import LOOK_BACK, Period, after, before, while_low
from method.figure import figure, satisfied
from method.period import day_key, local_day, local_midnight
from schemas.alert import AlertState, ReplyKind
from schemas.collections import ALERTS, TALLIES
from schemas.counts import by_scope, counts_of
from schemas.figure import NO_ANSWERS, Counts, Figure
from schemas.registry import Registry, RegistryEntry
from schemas.scope import COUNTRY, Scope
from services.gateway.desk.answering import DeskAlert
from services.runtime.cached import Cached
from services.runtime.clock import Clock
from services.runtime.database import Database

_MOST_OFFICES: Final = 200
"""More would hardly make the interval shorter: the office itself answers for most of it."""


class Beyond(BaseModel):
    """What an office changed by beyond the others, percentage points, with its 95 % interval."""

    verdict: Annotated[
        Literal["better", "worse", "open"], Field(description="Open: the interval holds 0")
    ]
    points: float
    low: float
    high: float
    offices: Annotated[int, Field(description="How many it was compared with")]
    others: Annotated[float, Field(description="What those changed by on average")]


class Comparison(BaseModel):
    """The days since a result against days before, both ends included."""

    first: Annotated[date, Field(description="Of the days before")]
    last: date
    before: Figure
    after: Figure
    beyond: Annotated[
        Beyond | None, Field(description="Null: too few answers, or offices to compare with")
    ]


class EffectView(BaseModel):
    """What has changed since the result of a plan; grows by a day each day, four weeks long."""

    result_on: date
    days: Annotated[int, Field(ge=0, le=LOOK_BACK, description="Whole days since then")]
    helped: Annotated[
        Comparison | None, Field(description="Against the days while it was low, after the alert")
    ]
    back: Annotated[
        Comparison | None, Field(description="Against the four weeks before the trouble began")
    ]


def comparable(scope: Scope, within: Scope, registry: Registry, day: date) -> list[Scope]:
    """The others of a part of the registry that are of one kind, under one kind of agency."""
    own = registry.on(scope, day)
    below = registry.below(within, day) if own else []
    return [
        other.key for other in below if own and other.key != scope and _class(other) == _class(own)
    ]


def _class(entry: RegistryEntry) -> tuple[str, str]:
    return entry.kind.value, entry.parent.partition(":")[0]


def _top(scope: Scope, registry: Registry, day: date) -> Scope:
    """The province or ministry that a scope is under; itself, if it is one."""
    return [scope, *registry.above(scope, day)][-2]


def _spread(scopes: Sequence[Scope]) -> list[Scope]:
    """So many at most, evenly over the registry's order, the same ones every time."""
    step = -(-len(scopes) // _MOST_OFFICES) or 1
    return sorted(scopes)[::step]


class Effects:
    """Compares what scoring counted."""

    def __init__(self, database: Database, registry: Cached[Registry], clock: Clock) -> None:
        """Hold what the work needs."""
        self._database = database
        self._registry = registry
        self._clock = clock

    async def of(self, view: DeskAlert) -> EffectView | None:
        """What has changed since the last result; None if none was reported."""
        results = [one.replied_at for one in view.replies if one.kind is ReplyKind.RESULT]
        if not results:
            return None
        later = after(results[-1], self._clock())
        began_at = view.alert.began_at or view.alert.opened_at
        low = while_low(fired_at(view), results[-1])
        return EffectView(
            result_on=local_day(results[-1]),
            days=later.days if later else 0,
            helped=await self._compared(view.alert.scope, low, later) if low and later else None,
            back=await self._compared(view.alert.scope, before(began_at), later) if later else None,
        )

    async def _compared(self, scope: Scope, earlier: Period, later: Period) -> Comparison:
        """Compare with those of the same province or ministry; with the country's, if too few."""
        registry, definition = self._registry.value, definition_on(later.last)
        for within in (_top(scope, registry, later.last), COUNTRY):
            others = comparable(scope, within, registry, later.last)
            undisturbed = await self._undisturbed(others, earlier.first, later.last)
            was, now = await self._counts([scope, *_spread(undisturbed)], earlier, later)
            pairs = {key: _pair(was[key], now[key], definition) for key in was.keys() & now}
            own = pairs.pop(scope, None)
            found = effect(own, list(pairs.values())) if own else None
            if found is not None:
                break
        return Comparison(
            first=earlier.first,
            last=earlier.last,
            before=figure(was.get(scope, NO_ANSWERS), definition),
            after=figure(now.get(scope, NO_ANSWERS), definition),
            beyond=Beyond(verdict=_verdict(found), **found._asdict()) if found else None,
        )

    async def _counts(self, scopes: list[Scope], *periods: Period) -> list[dict[Scope, Counts]]:
        found: list[dict[Scope, Counts]] = []
        for period in periods:
            rows = self._database.aggregate(TALLIES, by_scope(scopes, *map(day_key, period)))
            found.append({row["_id"]: counts_of(row) async for row in rows})
        return found

    async def _undisturbed(self, scopes: list[Scope], first: date, last: date) -> list[Scope]:
        """Those that had no alert of their own in that time."""
        query = {
            "scope": {"$in": scopes},
            "state": {"$in": [AlertState.FIRING.value, AlertState.RESOLVED.value]},
            "opened_at": {"$lt": local_midnight(last + timedelta(days=1))},
            "$or": [
                {"state": AlertState.FIRING.value},
                {"changed_at": {"$gte": local_midnight(first)}},
            ],
        }
        found = await self._database[ALERTS].distinct("scope", query)
        return [scope for scope in scopes if scope not in set(found)]


def fired_at(view: DeskAlert) -> datetime:
    """When an alert fired."""
    fired = [moment.at for moment in view.history if moment.state is AlertState.FIRING]
    return fired[0] if fired else view.alert.opened_at


def _pair(was: Counts, now: Counts, definition: Definition) -> Pair:
    return Pair(*(Sample(satisfied(one, definition), sum(one)) for one in (was, now)))


def _verdict(found: Effect) -> Literal["better", "worse", "open"]:
    if found.low > 0:
        return "better"
    return "worse" if found.high < 0 else "open"
