"""Adds responses to the buckets exactly once, whatever is killed, repeated or owned twice.

One transaction a batch: compare-and-set of the partition's position, then the sums. The position
is a *source* offset (of feedback.submitted.v1): a record that ingest publishes again after a crash
has a new offset in feedback.accepted.v1 but the same source offset, and is skipped. Guarding each
bucket by an offset of its own would count twice, because a replayed batch has other boundaries.

A record of ingest that cannot be read or counted holds an answer that was acknowledged, and the
fault is ours: the partition stands still, loudly, until the code is mended, because passing over it
would lose the answer. A record that somebody else wrote to the topic holds none: it is kept aside.
"""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from bson import Binary
from pydantic import ValidationError
from pymongo import UpdateOne

from schemas.base import read
from schemas.collections import BUCKETS, POSITIONS
from schemas.feedback import FeedbackAccepted
from schemas.topics import FEEDBACK_ACCEPTED
from services.runtime import metrics
from services.runtime.blame import blame
from services.runtime.consumer import HaltError, Records
from services.runtime.database import Database, Session
from services.scoring import charts
from services.scoring.counting import NO_FIELD, BucketKey, Delta, deltas
from services.scoring.storage import UNREADABLE

log = logging.getLogger(__name__)

NOTHING_APPLIED = -1
_OF_INGEST = ("ce_source", b"/langnghe/ingest")
_AGES_KEPT = 50_000


class FencedError(Exception):
    """Another owner moved the partition on: this work is dropped."""


class Age(NamedTuple):
    """When a counted response occurred and was received, in seconds since 1970."""

    offset: int
    occurred: float
    received: float


def position_id(partition: int) -> str:
    """The `_id` of a partition's position."""
    return f"{FEEDBACK_ACCEPTED.name}/{partition}"


class Ledger:
    """The counts of the partitions that this process owns."""

    def __init__(self, database: Database) -> None:
        """Start with no position known."""
        self._database = database
        self._applied: dict[int, int] = {}
        self.ages: dict[int, list[Age]] = {}

    async def resume(self, partition: int) -> int | None:
        """Read a partition's position; where to go on in feedback.accepted.v1, None at first."""
        self.ages[partition] = []
        document = await self._database[POSITIONS].find_one_and_update(
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
        self._applied[partition] = document["applied"]
        position: int | None = document.get("next")
        return position

    async def handle(self, partition: int, records: Records) -> None:
        """Count the records of one partition that were not counted before.

        Raises:
            HaltError: when one of ingest's cannot be read or counted.
        """
        events = await self._readable(records)
        following = records[-1].offset + 1
        while True:
            if partition not in self._applied:
                await self.resume(partition)
            applied = self._applied[partition]
            fresh = [event for event in events if event.source.offset > applied]
            try:
                await self.apply(partition, applied, fresh, following)
            except FencedError:
                metrics.SCORING_FENCED.inc()
                log.warning("partition %d was moved on by another owner, looking again", partition)
                del self._applied[partition]
            else:
                break
        metrics.SCORING_REPLAYED.inc(len(events) - len(fresh))
        metrics.SCORING_COUNTED.inc(len(fresh))

    async def _readable(self, records: Records) -> list[FeedbackAccepted]:
        events: list[FeedbackAccepted] = []
        highest = NOTHING_APPLIED
        for record in records:
            try:
                event = read(FeedbackAccepted, record.value or b"")
            except ValidationError as error:
                place = f"{record.topic}/{record.partition}/{record.offset}"
                if _OF_INGEST in record.headers:
                    message = (
                        f"{place} is of ingest and cannot be read: {error.error_count()} rules"
                    )
                    raise HaltError(message) from None
                metrics.SCORING_UNREADABLE.inc()
                log.exception("%s cannot be read, it is kept in %s", place, UNREADABLE)
                await self._database[UNREADABLE].update_one(
                    {"_id": place},
                    {"$set": {"value": Binary(record.value or b""), "error": str(error)}},
                    upsert=True,
                )
                continue
            # Ingest may repeat itself inside one batch as well.
            if event.source.offset > highest:
                highest = event.source.offset
                events.append(event)
        return events

    async def apply(
        self, partition: int, applied: int, fresh: Sequence[FeedbackAccepted], following: int
    ) -> None:
        """Count responses and move the partition's position, or do neither.

        Args:
            partition: of them all.
            applied: the position that they follow.
            fresh: in the order of their source offsets, all above the position.
            following: where to go on in feedback.accepted.v1.

        Raises:
            FencedError: when the position is another by now.
        """
        last = fresh[-1].source.offset if fresh else applied
        operations = [_add(partition, key, delta) for key, delta in _sums(fresh).items()]

        async def work(session: Session) -> None:
            moved = await self._database[POSITIONS].update_one(
                {"_id": position_id(partition), "applied": applied},
                {"$set": {"applied": last, "next": following}},
                session=session,
            )
            if moved.matched_count == 0:
                raise FencedError
            if operations:
                await self._database[BUCKETS].bulk_write(operations, ordered=False, session=session)
                await charts.move(self._database, session, fresh)

        await self._database.transaction(work)
        self._applied[partition] = last
        ages = self.ages.setdefault(partition, [])
        if len(ages) < _AGES_KEPT:
            ages += [
                Age(e.source.offset, e.occurred_at.timestamp(), e.received_at.timestamp())
                for e in fresh
            ]


def _sums(fresh: Sequence[FeedbackAccepted]) -> dict[BucketKey, Delta]:
    try:
        return deltas(fresh)
    except Exception:
        for event in fresh:
            try:
                deltas([event])
            except Exception as error:  # noqa: BLE001  # whatever our code raises
                where = f"{event.source.partition}/{event.source.offset}"
                message = f"the response of source {where} cannot be counted: {blame(error)}"
                raise HaltError(message) from None
        raise


def _add(partition: int, key: BucketKey, delta: Delta) -> UpdateOne:
    return UpdateOne(
        {"_id": key.id},
        {
            "$inc": dict(delta.counts),
            "$set": {
                "partition": partition,
                "offset": delta.offset,
                "above": delta.above,
                **{f"h.{hour}.offset": offset for hour, offset in delta.hours.items()},
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
