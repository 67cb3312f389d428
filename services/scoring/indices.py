"""The windows of scopes, computed from their tallies and stored unless newer ones are there."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from pymongo import UpdateOne

from method.index import NO_SIGNS, Parts, rolling_index, windows_at
from method.period import day_of, hour_of_day, hours_between, local_hour_start
from method.window import Segment
from schemas.collections import INDICES, TALLIES
from schemas.counts import LEVEL_FIELDS, SUMS, Stages, counts_of
from schemas.index import IndexUpdated
from schemas.instrument import OVERALL
from schemas.scope import Scope, scope_kind
from services.runtime.database import Database
from services.scoring import charts

_OCCURRED: Final = "latest_occurred_at"
_RECEIVED: Final = "latest_received_at"
_UPWARDS: Final = ("unit", "field", "commune", "province", "ministry", "country")


def _by_day(scopes: Sequence[Scope], cut: Sequence[Segment]) -> Stages:
    """Sum the tallies of scopes by scope, item and segment of days."""
    branches = [
        {
            "case": {
                "$and": [{"$gte": ["$period", segment.first]}, {"$lte": ["$period", segment.last]}]
            },
            "then": segment.name,
        }
        for segment in cut
    ]
    oldest = min(segment.first for segment in cut)
    return [
        {"$match": {"scope": {"$in": list(scopes)}, "period": {"$gte": oldest}}},
        {"$set": {"segment": {"$switch": {"branches": branches, "default": None}}}},
        {"$match": {"segment": {"$ne": None}}},
        {
            "$group": {
                "_id": {"scope": "$scope", "item": "$item", "segment": "$segment"},
                **SUMS,
                _OCCURRED: {"$max": f"${_OCCURRED}"},
                _RECEIVED: {"$max": f"${_RECEIVED}"},
            }
        },
    ]


def _by_hour(scopes: Sequence[Scope], segment: Segment) -> Stages:
    """Sum the hours inside the tallies of scopes by scope and item, of one segment of hours."""
    hours: dict[str, list[str]] = defaultdict(list)
    for key in hours_between(segment.first, segment.last):
        hours[day_of(key)].append(hour_of_day(key))

    def inside(name: str) -> dict[str, Any]:
        branches = [
            {
                "case": {"$eq": ["$period", day]},
                "then": {"$sum": [f"$h.{hour}.{name}" for hour in of_day]},
            }
            for day, of_day in hours.items()
        ]
        return {"$sum": {"$switch": {"branches": branches, "default": 0}}}

    return [
        {"$match": {"scope": {"$in": list(scopes)}, "period": {"$in": list(hours)}}},
        {
            "$group": {
                "_id": {"scope": "$scope", "item": "$item", "segment": {"$literal": segment.name}},
                **{name: inside(name) for name in LEVEL_FIELDS},
            }
        },
    ]


async def _parts(
    database: Database, scopes: Sequence[Scope], cut: Sequence[Segment]
) -> dict[tuple[Scope, str], Parts]:
    """What there is of every scope and item."""
    days = [segment for segment in cut if segment.grain == "day"]
    found: dict[tuple[Scope, str], Parts] = defaultdict(Parts)
    for stages in (
        _by_day(scopes, days),
        *(_by_hour(scopes, segment) for segment in cut if segment.grain == "hour"),
    ):
        async for document in database.aggregate(TALLIES, stages):
            key = document["_id"]
            parts = found[key["scope"], key["item"]]
            parts.counts[key["segment"]] = counts_of(document)
            occurred, received = document.get(_OCCURRED), document.get(_RECEIVED)
            parts.latest_occurred_at = _latest(parts.latest_occurred_at, occurred)
            parts.latest_received_at = _latest(parts.latest_received_at, received)
    return found


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(filter(None, (one, other)), default=None)


def _store(index: IndexUpdated) -> UpdateOne:
    document = {
        "_id": f"{index.scope}|{index.item}",
        "kind": scope_kind(index.scope),
        **index.model_dump(mode="python"),
    }
    newer = {"$gte": [index.version, {"$ifNull": ["$version", -1]}]}
    return UpdateOne(
        {"_id": document["_id"]},
        [{"$replaceWith": {"$cond": [newer, {"$literal": document}, "$$ROOT"]}}],
        upsert=True,
    )


def upwards(scopes: Iterable[Scope]) -> list[Scope]:
    """Scopes before those above them: who reads those first finds no sum without its parts."""
    return sorted(scopes, key=lambda scope: _UPWARDS.index(scope_kind(scope)))


async def refresh_indices(
    database: Database, scopes: Sequence[Scope], now: datetime
) -> list[IndexUpdated]:
    """Compute and store every index of the scopes; the headline indices come back.

    A scope whose answers have all grown older than its windows gets windows of nothing.

    Args:
        database: of scoring.
        scopes: `upwards`; they are written in their order.
        now: the time.
    """
    version = await database.logical_time()
    found = await _parts(database, scopes, windows_at(local_hour_start(now)).segments)
    async for known in database[INDICES].find(
        {"scope": {"$in": list(scopes)}}, {"scope": 1, "item": 1}
    ):
        found.setdefault((known["scope"], known["item"]), Parts())
    signs = await charts.read(database, scopes)
    place = {scope: number for number, scope in enumerate(scopes)}
    indices = [
        rolling_index(
            *(scope, item, parts, now, version),
            signs.get(scope, NO_SIGNS) if item == OVERALL else NO_SIGNS,
        )
        for (scope, item), parts in sorted(found.items(), key=lambda one: place[one[0][0]])
    ]
    if indices:
        await database[INDICES].bulk_write([_store(index) for index in indices])
    return [index for index in indices if index.item == OVERALL]


async def stale_scopes(database: Database, now: datetime, limit: int) -> list[Scope]:
    """Scopes whose windows still end with an earlier hour: time moves them, answers or not."""
    scopes: Iterable[Scope] = [
        document["scope"]
        async for document in database[INDICES]
        .find({"as_of": {"$lt": local_hour_start(now)}}, {"scope": 1})
        .limit(limit)
    ]
    return sorted(set(scopes))
