"""What scoring's tallies know of each office in a quarter, and whose offices are its peers."""

from datetime import date
from typing import Any

from method.commendation import Office
from method.period import day_key
from method.quarter import Quarter
from schemas.collections import TALLIES
from schemas.counts import LEVEL_FIELDS
from schemas.figure import Counts
from schemas.instrument import OVERALL
from schemas.registry import EntryKind, Registry
from schemas.scope import COUNTRY, Scope, scope_kind
from services.runtime.database import Database


async def offices_of(
    database: Database, registry: Registry, quarter: Quarter, today: date
) -> list[Office]:
    """Every office that has answers in a quarter and is in force at its end, or today, by scope.

    Raises:
        DatabaseError: when the answers cannot be read.
    """
    day = min(quarter.last, today)
    pipeline: list[dict[str, Any]] = [
        {
            "$match": {
                "above": COUNTRY,
                "period": {"$gte": day_key(quarter.first), "$lte": day_key(quarter.last)},
                "item": OVERALL,
            }
        },
        {
            "$group": {
                "_id": "$scope",
                "days": {"$push": {"day": "$period", "n": [f"${name}" for name in LEVEL_FIELDS]}},
            }
        },
        {"$sort": {"_id": 1}},
    ]
    return [
        Office(scope, groups, {row["day"]: _counts(row["n"]) for row in document["days"]})
        async for document in database.aggregate(TALLIES, pipeline)
        if (groups := groups_of(scope := document["_id"], registry, day))
    ]


def groups_of(scope: Scope, registry: Registry, day: date) -> tuple[str, ...]:
    """Whose offices are peers: `commune/province:01`, then `commune`; none when not in force.

    An office is like those that stand under the same kind of agency, first in its own province or
    ministry.
    """
    entry = registry.on(scope, day)
    if entry is None:
        return ()
    kind = scope_kind(entry.parent)
    tops = {EntryKind.PROVINCE.value, EntryKind.MINISTRY.value}
    top = [above for above in registry.above(scope, day) if scope_kind(above) in tops]
    return (*(f"{kind}/{above}" for above in top), kind)


def _counts(levels: list[int]) -> Counts:
    one, two, three, four, five = map(int, levels)
    return one, two, three, four, five
