"""Sums of buckets by scope and local day, with the hours of the last days inside; made in MongoDB.

A unit's tally sums its service fields; a field's tally sums the units of the country; what stands
above (commune, province, ministry, country) sums the tallies of units. All have one shape, so the
windows of any scope are computed in one way.
"""

from asyncio import gather
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from method.period import day_of, hour_of_day, last_days
from schemas.collections import BUCKETS, TALLIES
from schemas.counts import LEVEL_FIELDS, SUMS, Stages
from schemas.scope import Scope
from services.runtime.database import Database
from services.scoring.touched import HOURLY_DAYS, Touched

Summing = Callable[[Sequence[str], Sequence[str], Sequence[str], int], Stages]
"""A pipeline for some scopes, local days, hours of them, and the version that it writes."""

_SCOPES_AT_ONCE: Final = 2_000
"""MongoDB works on a pipeline with one core, so a country takes several."""
_NEWEST_ABOVE: Final = {"$top": {"sortBy": {"offset": -1}, "output": "$above"}}
_NOTHING_ABOVE: Final[dict[str, Any]] = {"$first": {"$literal": []}}
"""Only units are summed further up; what stands above them is not, or it would count twice."""


_THERE: Final = {"$objectToArray": {"$ifNull": ["$h", {}]}}
"""The hours of a tally that is there, and of a new one those that are not older than there."""
_SAME_AND_NEWER: Final = {
    "$and": [
        {"$eq": ["$$there.k", "$$came.k"]},
        {"$gt": ["$$there.v.version", "$$came.v.version"]},
    ]
}
_NOT_OUTDATED: Final = {
    "$filter": {
        "input": {"$objectToArray": "$$new.h"},
        "as": "came",
        "cond": {
            "$not": {
                "$anyElementTrue": {"$map": {"input": _THERE, "as": "there", "in": _SAME_AND_NEWER}}
            }
        },
    }
}


def _of_buckets(kind: Literal["unit", "field"], above: object) -> Summing:
    """The tallies of units, or of service fields."""

    def of(codes: Sequence[str], days: Sequence[str], hours: Sequence[str], version: int) -> Stages:
        return [
            {"$match": {kind: {"$in": codes}, "day": {"$in": days}}},
            # Not in the sum: with this between, MongoDB 7 takes a quarter less time for it.
            {"$set": {"scope": {"$concat": [f"{kind}:", f"${kind}"]}}},
            *_summed(above, hours, version),
        ]

    return of


_of_units: Final = _of_buckets("unit", _NEWEST_ABOVE)
_of_fields: Final = _of_buckets("field", _NOTHING_ABOVE)


def _of_above(
    above: Sequence[Scope], days: Sequence[str], hours: Sequence[str], version: int
) -> Stages:
    """The tallies of scopes above units, of the tallies of units."""
    return [
        {"$match": {"above": {"$in": above}, "period": {"$in": days}}},
        {"$set": {"scope": "$above", "day": "$period"}},
        {"$unwind": "$scope"},
        {"$match": {"scope": {"$in": above}}},
        *_summed(_NOTHING_ABOVE, hours, version),
    ]


def _summed(above: object, hours: Sequence[str], version: int) -> Stages:
    """Sum by scope, item and day, and write the tallies unless newer ones are there.

    The day and each of its hours have versions of their own: whoever sums up other hours at the
    same time takes nothing away.
    """
    sums: dict[str, Any] = dict(SUMS)
    for hour in hours:
        sums |= {f"h{hour}{name}": {"$sum": f"$h.{hour}.{name}"} for name in LEVEL_FIELDS}
    written: dict[str, Any] = {
        "_id": {"$concat": ["$_id.scope", "|", "$_id.item", "|", "$_id.day"]},
        "scope": "$_id.scope",
        "item": "$_id.item",
        "period": "$_id.day",
        "version": version,
    }
    if hours:
        written["h"] = {
            hour: {**{name: f"$h{hour}{name}" for name in LEVEL_FIELDS}, "version": version}
            for hour in hours
        }
    return [
        {
            "$group": {
                "_id": {"scope": "$scope", "item": "$item", "day": "$day"},
                **sums,
                "latest_occurred_at": {"$max": "$latest_occurred_at"},
                "latest_received_at": {"$max": "$latest_received_at"},
                "above": above,
            }
        },
        {"$set": written},
        *([{"$unset": [name for name in sums if name not in LEVEL_FIELDS]}] if hours else []),
        {
            "$merge": {
                "into": TALLIES,
                "whenMatched": [{"$replaceWith": _newer(hourly=bool(hours))}],
            }
        },
    ]


def _newer(*, hourly: bool) -> dict[str, Any]:
    """Of a tally that is there and a new one, what is newer.

    MongoDB reads this anew for each tally that it writes: with every hour named it took half as
    long again.
    """
    is_newer = {"$gte": ["$$new.version", "$version"]}
    if not hourly:
        return {"$mergeObjects": [{"h": "$h"}, {"$cond": [is_newer, "$$new", "$$ROOT"]}]}
    # No hour of a tally is newer than its day.
    all_hours = {"h": {"$mergeObjects": ["$h", "$$new.h"]}}
    newer_hours = {"h": {"$arrayToObject": {"$concatArrays": [_THERE, _NOT_OUTDATED]}}}
    return {
        "$cond": [
            is_newer,
            {"$mergeObjects": ["$$new", all_hours]},
            {"$mergeObjects": ["$$ROOT", newer_hours]},
        ]
    }


async def refresh_tallies(database: Database, touched: Touched, *, gone: bool = False) -> None:
    """Bring every tally that the touched buckets go into up to date.

    Args:
        database: of scoring.
        touched: scopes and days.
        gone: remove those tallies of them that nothing is left of. The ledger takes nothing away,
            so only a rebuild has such.
    """
    of_day = sorted(set(map(hour_of_day, touched.hours)))
    with_hours = {day_of(hour) for hour in touched.hours}
    spells: list[tuple[Collection[str], list[str]]] = [
        (with_hours, of_day),
        (touched.days - with_hours, []),
    ]

    async def sum_up(*sources: tuple[str, Summing, Collection[str]]) -> int:
        version = await database.logical_time()
        await gather(
            *(
                database.run(collection, of(names, sorted(days), hours, version))
                for collection, of, every_name in sources
                for names in _in_parts(every_name)
                for days, hours in spells
                if days
            )
        )
        return version

    version = await sum_up(
        (BUCKETS, _of_units, touched.units), (BUCKETS, _of_fields, touched.fields)
    )
    if gone:
        below = [
            *(f"unit:{unit}" for unit in touched.units),
            *(f"field:{f}" for f in touched.fields),
        ]
        await _remove(database, below, touched.days, version)
    version = await sum_up((TALLIES, _of_above, touched.above))
    if gone:
        await _remove(database, touched.above, touched.days, version)


def _in_parts(names: Collection[str]) -> list[list[str]]:
    several = sorted(names)
    starts = range(0, len(several), _SCOPES_AT_ONCE)
    return [several[start : start + _SCOPES_AT_ONCE] for start in starts]


async def forget_hours(database: Database, now: datetime) -> None:
    """Take the hours out of the tallies of days whose hours no window wants any more.

    They are most of a tally, and whoever reads a long window would read them all. One day more is
    kept, for a process whose clock is still in the day before.
    """
    oldest, *_ = last_days(HOURLY_DAYS + 1, now)
    past = {"period": {"$lt": oldest}, "h": {"$exists": True}}
    await database[TALLIES].update_many(past, {"$unset": {"h": ""}})


async def _remove(
    database: Database, scopes: Collection[Scope], days: Collection[str], version: int
) -> None:
    """Remove the tallies of scopes and days that a sum of all of them did not write.

    One that is written meanwhile has a higher version, or follows from a bucket that whoever wrote
    it has not refreshed to the end: it is written again.
    """
    of_them = {"scope": {"$in": list(scopes)}, "period": {"$in": list(days)}}
    await database[TALLIES].delete_many({**of_them, "version": {"$not": {"$gte": version}}})
