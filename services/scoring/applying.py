"""Adds sums to the buckets exactly once, whatever is killed, repeated or owned twice.

One transaction: compare-and-set of the partition's position, then the sums. The position is a
*source* offset (of feedback.submitted.v1): a record that ingest publishes again after a crash has a
new offset in feedback.accepted.v1 but the same source offset, and is skipped. Guarding each bucket
by an offset of its own would count twice, because a replayed batch has other boundaries.
"""

from typing import Final

from pymongo import UpdateOne

from schemas.collections import BUCKETS, POSITIONS
from schemas.topics import FEEDBACK_ACCEPTED
from services.runtime.consumer import MovedError
from services.runtime.database import Database, Document, Session
from services.scoring import charts
from services.scoring.counting import NO_FIELD, BucketKey, Delta, Sums

NOTHING_APPLIED: Final = -1
_BUCKETS_A_WRITE: Final = 500
"""What is written takes several times the memory of what is added up."""


def position_id(partition: int) -> str:
    """The `_id` of a partition's position."""
    return f"{FEEDBACK_ACCEPTED.name}/{partition}"


async def position(database: Database, partition: int) -> Document:
    """A partition's position; at its beginning where nothing is known.

    Returns:
        `applied` and, unless nothing was ever applied, `next`: where to go on in
        feedback.accepted.v1. What was committed to Kafka does not say what is counted.
    """
    return await database[POSITIONS].find_one_and_update(
        {"_id": position_id(partition)},
        {
            "$setOnInsert": {
                "partition": partition,
                "applied": NOTHING_APPLIED,
                "refreshed": NOTHING_APPLIED,
            }
        },
        upsert=True,
        return_document=True,
    )


async def apply(database: Database, partition: int, sums: Sums, following: int) -> None:
    """Write sums and move the partition's position, or do neither.

    Args:
        database: of scoring.
        partition: of them all.
        sums: of answers beyond the position.
        following: where to go on in feedback.accepted.v1.

    Raises:
        MovedError: when the position is another by now.
    """
    deltas = list(sums.deltas().items())

    async def work(session: Session) -> None:
        moved = await database[POSITIONS].update_one(
            {"_id": position_id(partition), "applied": sums.applied},
            {"$set": {"applied": sums.last, "next": following}},
            session=session,
        )
        if moved.matched_count == 0:
            raise MovedError
        for start in range(0, len(deltas), _BUCKETS_A_WRITE):
            some = deltas[start : start + _BUCKETS_A_WRITE]
            operations = [_add(partition, key, delta) for key, delta in some]
            await database[BUCKETS].bulk_write(operations, ordered=False, session=session)
        await charts.move(database, session, sums.news)

    await database.transaction(work)


def _add(partition: int, key: BucketKey, delta: Delta) -> UpdateOne:
    return UpdateOne(
        {"_id": key.id},
        {
            "$inc": delta.counts(),
            "$set": {
                "partition": partition,
                "offset": delta.offset,
                "above": delta.above,
                **delta.offsets(),
            },
            "$max": {
                "latest_occurred_at": delta.latest_occurred_at,
                "latest_received_at": delta.latest_received_at,
            },
            "$setOnInsert": {
                "unit": key.unit,
                "field": None if key.field == NO_FIELD else key.field,
                "day": key.day,
                "item": key.item,
            },
        },
        upsert=True,
    )
