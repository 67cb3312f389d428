"""Sums of buckets by scope and local day, with the hours of the last days inside; made in MongoDB.

A unit's tally sums its service fields; a field's tally sums the units of the country; what stands
above (commune, province, ministry, country) sums the tallies of units. All have one shape, so the
windows of any scope are computed in one way.
"""

from collections.abc import Sequence
from typing import Any, Final

from method.period import hour_of_day
from schemas.collections import BUCKETS, TALLIES
from schemas.scope import Scope
from services.runtime.database import Database
from services.scoring.touched import Touched

Stages = list[dict[str, Any]]

LEVEL_FIELDS = ("n1", "n2", "n3", "n4", "n5")
_NOTHING_ABOVE: Final[dict[str, Any]] = {"$first": {"$literal": []}}
"""Only units are summed further up; what stands above them is not, or it would count twice."""


def _summed(scope: object, above: object, hours: Sequence[str], version: int) -> Stages:
    """Sum by scope, item and day, and write the tallies unless newer ones are there.

    The day and each of its hours have versions of their own: whoever sums up other hours at the
    same time takes nothing away.
    """
    sums = {name: {"$sum": f"${name}"} for name in LEVEL_FIELDS}
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
                "_id": {"scope": scope, "item": "$item", "day": "$day"},
                **sums,
                "latest_occurred_at": {"$max": "$latest_occurred_at"},
                "latest_received_at": {"$max": "$latest_received_at"},
                "above": above,
            }
        },
        {"$set": written},
        *([{"$unset": [name for name in sums if name not in LEVEL_FIELDS]}] if hours else []),
        {"$merge": {"into": TALLIES, "whenMatched": [{"$replaceWith": _newer(hours)}]}},
    ]


def _newer(hours: Sequence[str]) -> dict[str, Any]:
    """Of a tally that is there and a new one, what is newer."""
    day = {"$cond": [{"$gte": ["$$new.version", "$version"]}, "$$new", "$$ROOT"]}
    by_hour = {
        hour: {
            "$cond": [
                {"$gte": [f"$$new.h.{hour}.version", {"$ifNull": [f"$h.{hour}.version", -1]}]},
                f"$$new.h.{hour}",
                f"$h.{hour}",
            ]
        }
        for hour in hours
    }
    return {"$mergeObjects": [day, {"h": {"$mergeObjects": ["$h", by_hour]}}]}


async def refresh_tallies(database: Database, touched: Touched, *, gone: bool = False) -> None:
    """Bring every tally that the touched buckets go into up to date.

    Args:
        database: of scoring.
        touched: scopes and days.
        gone: remove those tallies of them that nothing is left of. The ledger takes nothing away,
            so only a rebuild has such.
    """
    days, hours = sorted(touched.days), sorted(set(map(hour_of_day, touched.hours)))
    version = await database.logical_time()
    newest_above = {"$top": {"sortBy": {"offset": -1}, "output": "$above"}}
    await database.run(
        BUCKETS,
        [
            {"$match": {"unit": {"$in": list(touched.units)}, "day": {"$in": days}}},
            *_summed({"$concat": ["unit:", "$unit"]}, newest_above, hours, version),
        ],
    )
    if touched.fields:
        await database.run(
            BUCKETS,
            [
                {"$match": {"field": {"$in": list(touched.fields)}, "day": {"$in": days}}},
                *_summed({"$concat": ["field:", "$field"]}, _NOTHING_ABOVE, hours, version),
            ],
        )
    if gone:
        below = [
            *(f"unit:{unit}" for unit in touched.units),
            *(f"field:{f}" for f in touched.fields),
        ]
        await _remove(database, below, days, version)
    version = await database.logical_time()
    above = list(touched.above)
    await database.run(
        TALLIES,
        [
            {"$match": {"above": {"$in": above}, "period": {"$in": days}}},
            {"$set": {"scope": "$above", "day": "$period"}},
            {"$unwind": "$scope"},
            {"$match": {"scope": {"$in": above}}},
            *_summed("$scope", _NOTHING_ABOVE, hours, version),
        ],
    )
    if gone:
        await _remove(database, above, days, version)


async def _remove(
    database: Database, scopes: Sequence[Scope], days: Sequence[str], version: int
) -> None:
    """Remove the tallies of scopes and days that a sum of all of them did not write.

    One that is written meanwhile has a higher version, or follows from a bucket that whoever wrote
    it has not refreshed to the end: it is written again.
    """
    of_them = {"scope": {"$in": list(scopes)}, "period": {"$in": list(days)}}
    await database[TALLIES].delete_many({**of_them, "version": {"$not": {"$gte": version}}})
