"""The windows of scopes: made of their past, of today and of the hours of the last days."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from pymongo import UpdateOne

from method.index import NO_SIGNS, Parts, rolling_index, windows_at
from method.period import day_of, hour_of_day, hours_between, local_hour_start
from method.window import Segment, add
from schemas.collections import INDICES, TALLIES
from schemas.counts import LEVEL_FIELDS, Stages, counts_of
from schemas.figure import NO_ANSWERS
from schemas.index import IndexUpdated
from schemas.instrument import OVERALL
from schemas.scope import Scope, scope_kind
from services.runtime.database import Database, Document
from services.scoring import charts, past
from services.scoring.versions import unless_newer

_UPWARDS: Final = ("unit", "field", "commune", "province", "ministry", "country")


def _by_day(scopes: Sequence[Scope], segment: Segment) -> Stages:
    """Today's tallies of scopes, as parts of the segment that ends today."""
    names = ("scope", "item", *LEVEL_FIELDS, *past.LATEST)
    return [
        {"$match": {"scope": {"$in": list(scopes)}, "period": segment.last}},
        {"$project": dict.fromkeys(names, 1) | {"segment": {"$literal": segment.name}}},
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
                "_id": {"scope": "$scope", "item": "$item"},
                **{name: inside(name) for name in LEVEL_FIELDS},
            }
        },
        {
            "$set": {
                "scope": "$_id.scope",
                "item": "$_id.item",
                "segment": {"$literal": segment.name},
            }
        },
    ]


async def _parts(
    database: Database, scopes: Sequence[Scope], cut: Sequence[Segment]
) -> dict[tuple[Scope, str], Parts]:
    """What there is of every scope and item."""
    found: dict[tuple[Scope, str], Parts] = defaultdict(Parts)

    def add_up(scope: Scope, part: Document) -> None:
        parts, segment = found[scope, part["item"]], part["segment"]
        parts.counts[segment] = add((parts.counts.get(segment, NO_ANSWERS), counts_of(part)))
        occurred, received = (part.get(name) for name in past.LATEST)
        parts.latest_occurred_at = _latest(parts.latest_occurred_at, occurred)
        parts.latest_received_at = _latest(parts.latest_received_at, received)

    for behind in await past.read(database, scopes, cut):
        for part in behind["parts"]:
            add_up(behind["_id"], part)
    for stages in (
        _by_day(scopes, past.today_of(cut)),
        *(_by_hour(scopes, segment) for segment in cut if segment.grain == "hour"),
    ):
        async for document in database.aggregate(TALLIES, stages):
            add_up(document["scope"], document)
    return found


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(filter(None, (one, other)), default=None)


def _store(index: IndexUpdated) -> UpdateOne:
    return unless_newer(
        {
            "_id": f"{index.scope}|{index.item}",
            "kind": scope_kind(index.scope),
            **index.model_dump(mode="python"),
        }
    )


def upwards(scopes: Iterable[Scope]) -> list[Scope]:
    """Scopes before those above them: who reads those first finds no sum without its parts."""
    return sorted(scopes, key=lambda scope: _UPWARDS.index(scope_kind(scope)))


async def refresh_indices(
    database: Database, scopes: Sequence[Scope], now: datetime, oldest_moved: str | None = None
) -> list[IndexUpdated]:
    """Compute and store every index of the scopes; the headline indices come back.

    A scope whose answers have all grown older than its windows gets windows of nothing.

    Args:
        database: of scoring.
        scopes: `upwards`; they are written in their order.
        now: the time.
        oldest_moved: the oldest local day whose tallies have moved, if any has.
    """
    cut = windows_at(local_hour_start(now)).segments
    if oldest_moved is not None:
        await past.follow(database, scopes, cut, oldest_moved)
    version = await database.logical_time()
    found = await _parts(database, scopes, cut)
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
