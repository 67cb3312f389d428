"""The windows of scopes, computed from their tallies and stored unless newer ones are there."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from pymongo import UpdateOne

from method.definition import definition_on
from method.index import NO_SIGNS, Parts, rolling_index
from method.period import local_day, local_hour_start
from method.window import Segment, segments
from schemas.collections import INDICES, TALLIES
from schemas.index import IndexUpdated
from schemas.instrument import OVERALL
from schemas.scope import Scope, scope_kind
from services.runtime.database import Database, Document
from services.scoring import charts
from services.scoring.tallies import LEVEL_FIELDS, counts

_UPWARDS: Final = ("unit", "field", "commune", "province", "ministry", "country")


def _by_segment(scopes: Sequence[Scope], cut: Sequence[Segment]) -> list[dict[str, Any]]:
    """Sum the tallies of scopes by scope, item and segment."""
    branches = [
        {
            "case": {
                "$and": [
                    {"$eq": ["$grain", segment.grain]},
                    {"$gte": ["$period", segment.first]},
                    {"$lte": ["$period", segment.last]},
                ]
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
                **{name: {"$sum": f"${name}"} for name in LEVEL_FIELDS},
                "latest_occurred_at": {"$max": "$latest_occurred_at"},
                "latest_received_at": {"$max": "$latest_received_at"},
            }
        },
    ]


def _add(parts: Parts, document: Document) -> None:
    """Take in the sums of one segment."""
    parts.counts[document["_id"]["segment"]] = counts(document)
    parts.latest_occurred_at = _latest(parts.latest_occurred_at, document["latest_occurred_at"])
    parts.latest_received_at = _latest(parts.latest_received_at, document["latest_received_at"])


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


async def refresh_indices(
    database: Database, scopes: Sequence[Scope], now: datetime
) -> list[IndexUpdated]:
    """Compute and store every index of the scopes; the headline indices come back.

    A scope whose answers have all grown older than its windows gets windows of nothing. A scope is
    written before those above it: whoever reads those first never finds a sum without its parts.
    """
    definition = definition_on(local_day(now))
    version = await database.logical_time()
    found: dict[tuple[Scope, str], Parts] = defaultdict(Parts)
    async for document in database.aggregate(
        TALLIES, _by_segment(scopes, segments(definition, now))
    ):
        _add(found[document["_id"]["scope"], document["_id"]["item"]], document)
    async for known in database[INDICES].find(
        {"scope": {"$in": list(scopes)}}, {"scope": 1, "item": 1}
    ):
        found.setdefault((known["scope"], known["item"]), Parts())
    signs = await charts.read(database, scopes)
    indices = [
        rolling_index(
            *(scope, item, parts, now, version),
            signs.get(scope, NO_SIGNS) if item == OVERALL else NO_SIGNS,
        )
        for (scope, item), parts in found.items()
    ]
    indices.sort(key=lambda index: _UPWARDS.index(scope_kind(index.scope)))
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
