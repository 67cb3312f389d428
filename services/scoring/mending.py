"""Puts the buckets of a local day right, in a transaction that no batch of the ledger overlaps.

It writes into the positions first. So a batch is either below those positions, and in the responses
that are counted here, or it meets a write conflict and runs again on the buckets as they are then:
nothing is lost or counted twice.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from pymongo import DeleteMany, ReplaceOne

from method.period import day_key
from schemas.collections import BUCKETS, POSITIONS
from services.runtime.database import Database, Document, Session
from services.scoring.differences import Wrong, compare
from services.scoring.recount import Recount, counted_up_to
from services.scoring.storage import REBUILDS


async def stored_buckets(
    database: Database, units: Sequence[str], day: date, session: Session | None = None
) -> dict[str, dict[str, Document]]:
    """The buckets of a local day that are there, by unit and id."""
    found: dict[str, dict[str, Document]] = {unit: {} for unit in units}
    of_day = {"unit": {"$in": list(units)}, "day": day_key(day)}
    async for bucket in database[BUCKETS].find(of_day, session=session):
        found[bucket["unit"]][bucket["_id"]] = bucket
    return found


async def put_right(
    database: Database, recount: Recount, units: Sequence[str], mark: str
) -> dict[str, Wrong]:
    """Replace the buckets of units that differ from what they must be by now.

    Args:
        database: of scoring.
        recount: of the day.
        units: agency codes; so few that the ledger need not wait for long.
        mark: of the rebuild, where the units are noted that anything was wrong of.

    Returns:
        What was wrong, by unit.
    """
    # Most of what was counted since the day was read, while nobody waits for it.
    await recount.reach(await counted_up_to(database))

    async def work(session: Session) -> dict[str, Wrong]:
        # Before anything is read: the ledger waits for this, not this for a gap between batches.
        await database[POSITIONS].update_many({}, {"$inc": {"rebuilt": 1}}, session=session)
        await recount.reach(await counted_up_to(database, session))
        stored = await stored_buckets(database, units, recount.day, session)
        expected = {unit: recount.buckets(unit) for unit in units}
        operations = [
            operation for unit in units for operation in _operations(stored[unit], expected[unit])
        ]
        if operations:
            await database[BUCKETS].bulk_write(operations, ordered=False, session=session)
        found = {unit: compare(stored[unit], expected[unit]) for unit in units}
        mended = [unit for unit, wrong in found.items() if wrong.buckets]
        noted = {"$addToSet": {"mended": {"$each": mended}}}
        await database[REBUILDS].update_one({"_id": mark}, noted, session=session)
        return found

    return await database.transaction(work)


def _operations(stored: dict[str, Document], expected: dict[str, Document]) -> list[Any]:
    """Make the ones of the others."""
    gone = sorted(stored.keys() - expected.keys())
    return [
        *([DeleteMany({"_id": {"$in": gone}})] if gone else []),
        *(
            ReplaceOne({"_id": name}, bucket, upsert=True)
            for name, bucket in expected.items()
            if stored.get(name) != bucket
        ),
    ]
