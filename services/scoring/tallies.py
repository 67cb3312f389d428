"""Sums of buckets by scope and local day or hour, made inside MongoDB.

A unit's tally sums its service fields; a field's tally sums the units of the country; what stands
above (commune, province, ministry, country) sums the tallies of units. All have one shape, so the
windows of any scope are computed in one way.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from method.period import last_days
from method.window import Grain
from schemas.collections import BUCKETS, TALLIES
from schemas.scope import Scope
from services.runtime.database import Database

Stages = list[dict[str, Any]]

LEVEL_FIELDS = ("n1", "n2", "n3", "n4", "n5")
_NOTHING_ABOVE: Final[dict[str, Any]] = {"$first": {"$literal": []}}
"""Only units are summed further up; what stands above them is not, or it would count twice."""

_HOURLY_DAYS = 3
"""The 24-hour window and the one before reach into the local day before yesterday."""
_HOURLY_KEPT = timedelta(days=4)


@dataclass(frozen=True)
class Touched:
    """What buckets have moved since the last refresh."""

    units: frozenset[str]
    fields: frozenset[str]
    above: frozenset[Scope]
    days: frozenset[str]

    @property
    def scopes(self) -> list[Scope]:
        """All scopes whose index may have moved."""
        return [
            *(f"unit:{unit}" for unit in self.units),
            *(f"field:{field}" for field in self.fields),
            *self.above,
        ]


def _by_hour() -> Stages:
    """Unfold buckets into one document an hour, in the shape of a day's."""
    return [
        {"$set": {"hour": {"$objectToArray": "$h"}}},
        {"$unwind": "$hour"},
        {
            "$set": {
                "period": {"$concat": ["$day", "T", "$hour.k"]},
                **{name: f"$hour.v.{name}" for name in LEVEL_FIELDS},
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
    database: Database, grain: Grain, days: Sequence[str], touched: Touched, now: datetime
) -> None:
    def from_buckets(match: dict[str, Any]) -> Stages:
        unfold = _by_hour() if grain == "hour" else [{"$set": {"period": "$day"}}]
        return [{"$match": {**match, "day": {"$in": days}}}, *unfold]

    version = await database.logical_time()
    newest_above = {"$top": {"sortBy": {"offset": -1}, "output": "$above"}}
    await database.run(
        BUCKETS,
        [
            *from_buckets({"unit": {"$in": list(touched.units)}}),
            *_summed({"$concat": ["unit:", "$unit"]}, newest_above, grain, version, now),
        ],
    )
    if touched.fields:
        await database.run(
            BUCKETS,
            [
                *from_buckets({"field": {"$in": list(touched.fields)}}),
                *_summed({"$concat": ["field:", "$field"]}, _NOTHING_ABOVE, grain, version, now),
            ],
        )
    version = await database.logical_time()
    above = list(touched.above)
    periods = {"period": {"$in": days}} if grain == "day" else _hours_of(days)
    await database.run(
        TALLIES,
        [
            {"$match": {"above": {"$in": above}, "grain": grain, **periods}},
            {"$set": {"scope": "$above"}},
            {"$unwind": "$scope"},
            {"$match": {"scope": {"$in": above}}},
            *_summed("$scope", _NOTHING_ABOVE, grain, version, now),
        ],
    )


def _hours_of(days: Collection[str]) -> dict[str, Any]:
    # "2026-11-22T24" sorts behind every hour of the day.
    return {"period": {"$gte": f"{min(days)}T00", "$lt": f"{max(days)}T24"}}


async def refresh_tallies(database: Database, touched: Touched, now: datetime) -> None:
    """Bring every tally that the touched buckets go into up to date."""
    await _sum_up(database, "day", sorted(touched.days), touched, now)
    recent = sorted(touched.days.intersection(last_days(_HOURLY_DAYS, now)))
    if recent:
        await _sum_up(database, "hour", recent, touched, now)
