"""What is counted of the partitions that this process owns: added up, then written.

Sums grow over several batches while more records wait, up to so many answers: the deeper the
backlog, the more of them fall into the same buckets and cost one write together.

A record of ingest that cannot be read or counted holds an answer that was acknowledged, and the
fault is ours: the partition stands still, loudly, until the code is mended, because passing over it
would lose the answer. A record that somebody else wrote to the topic holds none: it is kept aside.
"""

import logging
from collections.abc import Callable

from aiokafka import ConsumerRecord
from bson import Binary

from services.runtime import metrics
from services.runtime.blame import blame
from services.runtime.consumer import HaltError, MovedError, Records
from services.runtime.database import Database
from services.scoring.applying import apply, position
from services.scoring.counting import Age, Sums
from services.scoring.reading import UnreadableError, read
from services.scoring.storage import UNREADABLE

log = logging.getLogger(__name__)

_OF_INGEST = ("ce_source", b"/langnghe/ingest")
_ANSWERS_AT_ONCE = 200_000
_BUCKETS_AT_ONCE = 20_000
"""Sums of a partition are written when they have come to one of these. A bucket takes 1.3 kB; with
many items and service fields, nearly every answer falls into another.
"""


def _many(sums: Sums) -> bool:
    return sums.answers >= _ANSWERS_AT_ONCE or sums.buckets >= _BUCKETS_AT_ONCE


def _place(record: ConsumerRecord[bytes, bytes]) -> str:
    return f"{record.topic}/{record.partition}/{record.offset}"


def none_waits(_partition: int) -> int:
    """For whoever hands over all records there are."""
    return 0


class Ledger:
    """The counts of the partitions that this process owns."""

    def __init__(self, database: Database, waiting: Callable[[int], int] = none_waits) -> None:
        """Start with no position known.

        Args:
            database: of scoring.
            waiting: how many more records of a partition will come at once.
        """
        self._database = database
        self._waiting = waiting
        self._sums: dict[int, Sums] = {}
        self._following: dict[int, int] = {}
        self.ages: dict[int, list[Age]] = {}

    def held(self, partition: int) -> int:
        """Answers of a partition that are added up and not written."""
        sums = self._sums.get(partition)
        return sums.answers if sums else 0

    async def resume(self, partition: int) -> int:
        """Read a partition's position; where to go on in feedback.accepted.v1."""
        self.ages[partition] = []
        known = await position(self._database, partition)
        self._sums[partition] = Sums(known["applied"])
        following: int = known.get("next", 0)
        return following

    async def handle(self, partition: int, records: Records) -> bool:
        """Count the records of one partition that were not counted before.

        Returns:
            False while they are only added up, to be written together with those that wait.

        Raises:
            HaltError: when one of ingest's cannot be read or counted; those before it are counted.
            MovedError: when another owner has counted meanwhile.
        """
        if partition not in self._sums:
            await self.resume(partition)
        sums = self._sums[partition]
        before = sums.repeated
        self._following[partition], halt = await self._add_up(records, sums)
        metrics.SCORING_REPLAYED.inc(sums.repeated - before)
        if halt is None and self._waiting(partition) and not _many(sums):
            return False
        await self._write(partition)
        if halt:
            raise halt
        return True

    async def release(self, partition: int) -> None:
        """Write what is added up of a partition that another owner goes on with.

        Raises:
            MovedError: when it has gone on already.
        """
        if self.held(partition):
            await self._write(partition)

    async def _add_up(self, records: Records, sums: Sums) -> tuple[int, HaltError | None]:
        """Where to go on behind the records that were added up, and why not behind the last."""
        for record in records:
            try:
                answer = read(record.value)
            except UnreadableError as error:
                if _OF_INGEST in record.headers:
                    why = f"{_place(record)} is of ingest and cannot be read: {error}"
                    return record.offset, HaltError(why)
                await self._set_aside(record, error)
                continue
            try:
                sums.add(answer)
            except Exception as error:  # noqa: BLE001  # whatever our code raises
                source = f"{record.partition}/{answer.source.offset}"
                why = f"the response of source {source} cannot be counted: {blame(error)}"
                return record.offset, HaltError(why)
        return records[-1].offset + 1, None

    async def _set_aside(
        self, record: ConsumerRecord[bytes, bytes], error: UnreadableError
    ) -> None:
        place = _place(record)
        metrics.SCORING_UNREADABLE.inc()
        log.error("%s cannot be read, it is kept in %s: %s", place, UNREADABLE, error)
        await self._database[UNREADABLE].update_one(
            {"_id": place},
            {"$set": {"value": Binary(record.value or b""), "error": str(error)}},
            upsert=True,
        )

    async def _write(self, partition: int) -> None:
        """Write what was added up, and add up anew."""
        sums = self._sums[partition]
        try:
            await apply(self._database, partition, sums, self._following[partition])
        except MovedError:
            metrics.SCORING_FENCED.inc()
            del self._sums[partition]
            raise
        self._sums[partition] = Sums(sums.last)
        metrics.SCORING_COUNTED.inc(sums.answers)
        self.ages.setdefault(partition, []).extend(sums.ages)
