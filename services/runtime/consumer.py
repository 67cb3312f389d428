"""Takes a topic partition by partition, in order, and never commits past what is done.

The pitfalls this avoids are measured in docs/decisions/0003-faststream.md: a batch spans
partitions; a handler that raises is followed by a commit past its records; a rebalance does not
wait for a running handler.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER

from services.runtime import metrics, tracing

Records = Sequence[ConsumerRecord[bytes, bytes]]
Handle = Callable[[int, Records], Awaitable[bool | None]]
"""Deals with the records of a partition; False says that it only holds them, to be done with later
ones: nothing is committed before, and after a failure all come again that are not done."""
Resume = Callable[[int], Awaitable[int]]
Release = Callable[[int], Awaitable[None]]
Tail = Callable[[Records], None]

log = logging.getLogger(__name__)


class HaltError(Exception):
    """A handler must not go on until a person or a new deploy has acted.

    It is tried again like any failure, so that mended code goes on by itself. Its text is logged
    once and shown by readiness while it lasts: it says what to do and holds nothing of a record.
    """


class MovedError(Exception):
    """Another owner has moved the partition on: what a handler holds of it is out of date."""


_RECORDS_A_FETCH = 5000
"""Over all partitions; more made nothing faster and held more memory."""
_STUCK_AFTER_SECONDS = 240
_LONGEST_PAUSE_SECONDS = 5.0


async def _as_it_is(records: tuple[ConsumerRecord[Any, Any], ...]) -> KafkaMessage:
    """FastStream's own parsing decodes every header of every record, and nobody reads them.

    One that is no text, which anybody may send who may write to the topic, would end it for the
    whole batch.
    """
    return KafkaMessage(raw_message=records, body=b"", consumer=FAKE_CONSUMER)


async def _pass_through(_: object) -> None:
    """FastStream's own decoding of every record costs ten times what reading the batch does."""


class PartitionConsumer(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Feeds a handler the records of one partition at a time.

    The handler must deal with bad records itself (set them aside). Whatever it raises is taken for
    a passing trouble: the partition is wound back to the first record of the batch and tried again
    after a pause, so nothing is skipped and nothing is committed.
    """

    def __init__(
        self,
        broker: KafkaBroker,
        *,
        service: str,
        topic: str,
        handle: Handle,
        resume: Resume | None = None,
        release: Release | None = None,
    ) -> None:
        """Declare the subscription; it starts with the broker.

        Args:
            broker: of this process.
            service: names the consumer group.
            topic: to read.
            handle: deals with the records of one partition, in order.
            resume: reads where to go on in a partition, if not where Kafka's commit says.
            release: is done with what the handler holds of a partition that is taken away.
        """
        self._topic = topic
        self._handle = handle
        self._resume = resume
        self._release = release
        self._labels = (service, topic)
        self._lock = asyncio.Lock()
        self._owned: set[int] = set()
        self._unplaced: set[int] = set()
        self._next: dict[int, int] = {}
        self._handed: dict[int, int] = {}
        self._newest: dict[int, float] = {}
        self._failures = 0
        self._halted: dict[int, str] = {}
        self._subscriber = broker.subscriber(
            topic,
            batch=True,
            group_id=service,
            parser=_as_it_is,
            decoder=_pass_through,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            batch_timeout_ms=20,
            max_records=_RECORDS_A_FETCH,
            # Gather for a tenth of a second under light load: a batch costs the same for few.
            fetch_min_bytes=64 * 1024,
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=4 * 1024 * 1024,
            session_timeout_ms=10_000,
            heartbeat_interval_ms=2_000,
            max_poll_interval_ms=300_000,
            listener=self,
        )
        self._subscriber(self._on_batch)

    @property
    def owned(self) -> frozenset[int]:
        """The partitions that this process works on now."""
        return frozenset(self._owned)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Kafka gave us partitions: find where to go on before any record is dealt with."""
        async with self._lock:  # their records come already
            for partition in (place.partition for place in assigned):
                self._owned.add(partition)
                self._unplaced.add(partition)
                try:
                    await self._place(partition)
                except Exception as error:  # noqa: BLE001  # tried again before the first records
                    log.warning("%s/%d: cannot resume yet: %r", self._topic, partition, error)
        log.info("%s: owns partitions %s", self._topic, sorted(self._owned))

    async def _place(self, partition: int) -> None:
        """Go to where the work on a partition goes on, once."""
        if partition not in self._unplaced:
            return
        if self._resume:
            self._seek(partition, await self._resume(partition))
        self._unplaced.discard(partition)

    async def _come_again(self, partition: int, records: Records) -> bool:
        """Whether the partition was wound back since records were fetched, or is another's."""
        consumer = self._subscriber.consumer
        if consumer is None:
            return True
        try:
            position = await consumer.position(TopicPartition(self._topic, partition))
        except IllegalStateError:
            return True
        return bool(position <= records[-1].offset)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Kafka takes partitions back: let the running batch finish first, and what is held."""
        async with self._lock:
            for partition in (place.partition for place in revoked):
                await self._let_go(partition)
                self._owned.discard(partition)
                self._unplaced.discard(partition)
                self._next.pop(partition, None)
                self._handed.pop(partition, None)
                self._newest.pop(partition, None)
                self._go_on(partition)
                metrics.LAG_RECORDS.labels(*self._labels, partition).set(0)
                metrics.LAG_SECONDS.labels(*self._labels, partition).set(0)

    async def _let_go(self, partition: int) -> None:
        """Be done with what is held, or else the next owner does it again."""
        if self._release and partition in self._handed:
            try:
                await self._release(partition)
            except Exception as error:  # noqa: BLE001  # the next owner meets the records again
                log.warning("%s/%d: is let go undone: %r", self._topic, partition, error)

    async def _on_batch(self, message: KafkaMessage) -> None:
        by_partition: dict[int, list[ConsumerRecord[Any, Any]]] = defaultdict(list)
        raw = message.raw_message
        for record in raw if isinstance(raw, tuple) else (raw,):
            by_partition[record.partition].append(record)
        async with self._lock:
            failed = False
            for partition, records in by_partition.items():
                if partition in self._owned and not await self._traced(partition, records):
                    failed = True
        self._failures = self._failures + 1 if failed else 0
        if failed:
            await asyncio.sleep(min(0.1 * 2**self._failures, _LONGEST_PAUSE_SECONDS))

    async def _traced(self, partition: int, records: Records) -> bool:
        traces, about = tracing.newest(records), {"partition": partition, "records": len(records)}
        with tracing.batch(f"process {self._topic}", traces, about):
            return await self._deal_with(partition, records)

    async def _deal_with(self, partition: int, records: Records) -> bool:
        started = time.monotonic()
        try:
            await self._place(partition)
            if await self._come_again(partition, records):
                return True
            # Lag shows from the first records on, even if they are never done.
            self._next.setdefault(partition, records[0].offset)
            self._newest.setdefault(partition, records[0].timestamp / 1000)
            self._handed[partition] = records[-1].offset + 1
            done = await self._handle(partition, records)
        except HaltError as halt:
            tracing.failed(halt)
            metrics.BATCH_FAILURES.labels(*self._labels).inc()
            self._halt(partition, str(halt))
            self._go_back(partition, records[0].offset)
            return False
        except MovedError:
            log.warning("%s/%d was moved on by another owner", self._topic, partition)
            self._go_back(partition, records[0].offset)
            return False
        except Exception as error:  # whatever it is, the records are not done
            tracing.failed(error)
            metrics.BATCH_FAILURES.labels(*self._labels).inc()
            log.exception(
                "%s/%d: records %d to %d are not done, they will be tried again",
                self._topic,
                partition,
                records[0].offset,
                records[-1].offset,
            )
            self._go_back(partition, records[0].offset)
            return False
        metrics.BATCH_SECONDS.labels(*self._labels).observe(time.monotonic() - started)
        metrics.RECORDS.labels(*self._labels).inc(len(records))
        if done is False:
            return True
        self._next[partition] = records[-1].offset + 1
        self._newest[partition] = records[-1].timestamp / 1000
        self._go_on(partition)
        await self._commit(partition, records[-1].offset + 1)
        return True

    def _halt(self, partition: int, why: str) -> None:
        if partition not in self._halted:
            log.error("%s/%d stands still: %s", self._topic, partition, why)
        self._halted[partition] = why
        metrics.HALTED_PARTITIONS.labels(*self._labels).set(len(self._halted))

    def _go_on(self, partition: int) -> None:
        if self._halted.pop(partition, None) is not None:
            log.warning("%s/%d stands still no more", self._topic, partition)
            metrics.HALTED_PARTITIONS.labels(*self._labels).set(len(self._halted))

    def _go_back(self, partition: int, offset: int) -> None:
        """Meet again all records that are not done: those of an offset on, and any held before."""
        self._seek(partition, self._next.get(partition, offset))

    def _seek(self, partition: int, offset: int) -> None:
        consumer = self._subscriber.consumer
        if consumer is None:
            return
        try:
            consumer.seek(TopicPartition(self._topic, partition), offset)
        except IllegalStateError:
            log.info("%s/%d was taken away meanwhile", self._topic, partition)

    async def _commit(self, partition: int, offset: int) -> None:
        consumer = self._subscriber.consumer
        if consumer is None:
            return
        try:
            await consumer.commit({TopicPartition(self._topic, partition): offset})
        except (CommitFailedError, IllegalStateError, KafkaError) as error:
            # The next owner meets the records again; what they did is done only once.
            metrics.COMMIT_FAILURES.labels(*self._labels).inc()
            log.warning("%s/%d: commit of %d refused: %s", self._topic, partition, offset, error)

    def measure_lag(self) -> None:
        """Set the lag gauges from the high-water marks of the last fetch."""
        consumer = self._subscriber.consumer
        if consumer is None:
            return
        for partition in self._owned:
            high_water = consumer.highwater(TopicPartition(self._topic, partition))
            position = self._next.get(partition)
            if high_water is None or position is None:
                continue
            lag = max(0, high_water - position)
            age = time.time() - self._newest[partition] if lag else 0.0
            metrics.LAG_RECORDS.labels(*self._labels, partition).set(lag)
            metrics.LAG_SECONDS.labels(*self._labels, partition).set(age)

    def waiting(self, partition: int) -> int:
        """Records of a partition behind those that were handed over, as of the last fetch."""
        consumer = self._subscriber.consumer
        handed = self._handed.get(partition)
        if consumer is None or handed is None:
            return 0
        high_water = consumer.highwater(TopicPartition(self._topic, partition))
        return max(0, (high_water or 0) - handed)

    def stuck(self) -> str | None:
        """What is wrong if the poll loop has not come round for long; None while it does."""
        consumer = self._subscriber.consumer
        if consumer is None:
            return "not started"
        # aiokafka keeps this to leave the group after max_poll_interval_ms; nothing public tells.
        idle: float = consumer._subscription.fetcher_idle_time  # noqa: SLF001
        if idle > _STUCK_AFTER_SECONDS:
            return f"last poll finished {idle:.0f} s ago"
        return None

    def halted(self) -> str | None:
        """Which partitions a handler refuses to go on with, and why; None when it goes on."""
        whys = (f"partition {partition}: {why}" for partition, why in sorted(self._halted.items()))
        return "; ".join(whys) or None

    def without_partitions(self) -> str | None:
        """What is wrong while Kafka has assigned nothing to a consumer that never had anything."""
        return None if self._owned else "no partition assigned yet"


def follow(broker: KafkaBroker, topic: str, handle: Tail) -> None:
    """Hand over every new record of a topic, without a group: each process sees all of them."""

    async def on_batch(message: KafkaMessage) -> None:
        raw = message.raw_message
        handle(raw if isinstance(raw, tuple) else (raw,))

    broker.subscriber(
        topic,
        batch=True,
        parser=_as_it_is,
        decoder=_pass_through,
        ack_policy=AckPolicy.MANUAL,
        auto_offset_reset="latest",
        batch_timeout_ms=20,
        fetch_max_wait_ms=100,
    )(on_batch)
