"""What has to be refreshed: read from the buckets, so that it survives whoever began it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from method.period import last_days
from schemas.collections import BUCKETS
from schemas.scope import Scope
from services.runtime.database import Database

HOURLY_DAYS = 3
"""The 24-hour window and the one before reach into the local day before yesterday."""

_HOURS: Final[dict[str, Any]] = {
    "$map": {
        "input": {"$objectToArray": "$h"},
        "in": {"period": {"$concat": ["$day", "T", "$$this.k"]}, "counts": "$$this.v"},
    }
}
"""The hours of a bucket, each with its period key."""


@dataclass(frozen=True)
class Touched:
    """What buckets have moved since the last refresh.

    Attributes:
        units: agency codes.
        fields: service fields.
        above: scopes over the units.
        days: local days.
        hours: local hours of the last days, as period keys.
    """

    units: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()
    above: frozenset[Scope] = frozenset()
    days: frozenset[str] = frozenset()
    hours: frozenset[str] = frozenset()

    def __or__(self, other: "Touched") -> "Touched":
        """What either has moved."""
        return Touched(
            self.units | other.units,
            self.fields | other.fields,
            self.above | other.above,
            self.days | other.days,
            self.hours | other.hours,
        )

    @property
    def scopes(self) -> list[Scope]:
        """All scopes whose index may have moved."""
        return [
            *(f"unit:{unit}" for unit in self.units),
            *(f"field:{field}" for field in self.fields),
            *self.above,
        ]


async def touched_since(
    database: Database, partition: int, refreshed: int, now: datetime
) -> Touched:
    """What buckets of a partition hold responses with a source offset above `refreshed`."""
    moved = {"partition": partition, "offset": {"$gt": refreshed}}
    every_key = {
        "_id": None,
        "units": {"$addToSet": "$unit"},
        "fields": {"$addToSet": "$field"},
        "above": {"$addToSet": "$above"},
        "days": {"$addToSet": "$day"},
    }
    async for found in database.aggregate(BUCKETS, [{"$match": moved}, {"$group": every_key}]):
        recent = {**moved, "day": {"$in": last_days(HOURLY_DAYS, now)}}
        return Touched(
            units=frozenset(found["units"]),
            fields=frozenset(name for name in found["fields"] if name is not None),
            above=frozenset(scope for chain in found["above"] for scope in chain),
            days=frozenset(found["days"]),
            hours=await _hours_since(database, recent, refreshed),
        )
    return Touched()


async def _hours_since(
    database: Database, match: Mapping[str, Any], refreshed: int
) -> frozenset[str]:
    hours = database.aggregate(
        BUCKETS,
        [
            {"$match": match},
            {"$project": {"hour": _HOURS}},
            {"$unwind": "$hour"},
            {"$match": {"hour.counts.offset": {"$gt": refreshed}}},
            {"$group": {"_id": "$hour.period"}},
        ],
    )
    return frozenset([hour["_id"] async for hour in hours])
