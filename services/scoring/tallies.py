"""Sums of buckets by scope and local day or hour, made inside MongoDB.

A unit's tally sums its service fields; a field's tally sums the units of the country; what stands
above (commune, province, ministry, country) sums the tallies of units. All have one shape, so the
windows of any scope are computed in one way.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from method.period import day_of
from method.window import Grain
from schemas.collections import BUCKETS, TALLIES
from schemas.figure import Counts
from services.runtime.database import Database, Document
from services.scoring.touched import BUCKET_HOURS, Touched

Stages = list[dict[str, Any]]

LEVEL_FIELDS = ("n1", "n2", "n3", "n4", "n5")
_NOTHING_ABOVE: Final[dict[str, Any]] = {"$first": {"$literal": []}}
"""Only units are summed further up; what stands above them is not, or it would count twice."""

_HOURLY_KEPT = timedelta(days=4)


def counts(tally: Document) -> Counts:
    """The answers of a tally, or of a sum of some, by level."""
    one, two, three, four, five = (int(tally[name]) for name in LEVEL_FIELDS)
    return one, two, three, four, five


def _of_days(days: Sequence[str]) -> Stages:
    return [{"$match": {"day": {"$in": days}}}, {"$set": {"period": "$day"}}]


def _of_hours(hours: Sequence[str]) -> Stages:
    """Unfold buckets into one document an hour, in the shape of a day's."""
    wanted = {"$filter": {"input": BUCKET_HOURS, "cond": {"$in": ["$$this.period", hours]}}}
    days = sorted({day_of(hour) for hour in hours})
    return [
        {"$match": {"day": {"$in": days}}},
        {"$set": {"hour": wanted}},
        {"$unwind": "$hour"},
        {
            "$set": {
                "period": "$hour.period",
                **{name: f"$hour.counts.{name}" for name in LEVEL_FIELDS},
            }
        },
    ]


def _summed(scope: object, above: object, grain: Grain, version: int, now: datetime) -> Stages:
    """Sum by scope, item and period, and write the tallies unless newer ones are there."""
    written = {
        "_id": {"$concat": ["$_id.scope", "|", "$_id.item", "|", "$_id.period"]},
        "scope": "$_id.scope",
        "item": "$_id.item",
        "period": "$_id.period",
        "grain": grain,
        "version": version,
        **({"expires_at": now + _HOURLY_KEPT} if grain == "hour" else {}),
    }
    return [
        {
            "$group": {
                "_id": {"scope": scope, "item": "$item", "period": "$period"},
                **{name: {"$sum": f"${name}"} for name in LEVEL_FIELDS},
                "latest_occurred_at": {"$max": "$latest_occurred_at"},
                "latest_received_at": {"$max": "$latest_received_at"},
                "above": above,
            }
        },
        {"$set": written},
        {
            "$merge": {
                "into": TALLIES,
                "whenMatched": [
                    {
                        "$replaceWith": {
                            "$cond": [{"$gte": ["$$new.version", "$version"]}, "$$new", "$$ROOT"]
                        }
                    }
                ],
            }
        },
    ]


async def _sum_up(
    database: Database, grain: Grain, periods: Sequence[str], touched: Touched, now: datetime
) -> None:
    unfolded = _of_hours(periods) if grain == "hour" else _of_days(periods)
    version = await database.logical_time()
    newest_above = {"$top": {"sortBy": {"offset": -1}, "output": "$above"}}
    await database.run(
        BUCKETS,
        [
            {"$match": {"unit": {"$in": list(touched.units)}}},
            *unfolded,
            *_summed({"$concat": ["unit:", "$unit"]}, newest_above, grain, version, now),
        ],
    )
    if touched.fields:
        await database.run(
            BUCKETS,
            [
                {"$match": {"field": {"$in": list(touched.fields)}}},
                *unfolded,
                *_summed({"$concat": ["field:", "$field"]}, _NOTHING_ABOVE, grain, version, now),
            ],
        )
    version = await database.logical_time()
    above = list(touched.above)
    await database.run(
        TALLIES,
        [
            {"$match": {"above": {"$in": above}, "period": {"$in": periods}}},
            {"$set": {"scope": "$above"}},
            {"$unwind": "$scope"},
            {"$match": {"scope": {"$in": above}}},
            *_summed("$scope", _NOTHING_ABOVE, grain, version, now),
        ],
    )


async def refresh_tallies(database: Database, touched: Touched, now: datetime) -> None:
    """Bring every tally that the touched buckets go into up to date."""
    await _sum_up(database, "day", sorted(touched.days), touched, now)
    if touched.hours:
        await _sum_up(database, "hour", sorted(touched.hours), touched, now)
