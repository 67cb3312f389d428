"""Writes events to Kafka: idempotent, acknowledged by all replicas, in order.

FastStream's `publish` costs twice what aiokafka does a record, and its `publish_batch` takes no
headers by record, so this stands on aiokafka itself (docs/decisions/0003-faststream.md).
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata

from schemas.base import Event
from schemas.cloudevents import TRACEPARENT, Header, headers
from schemas.flow import FLOWS
from schemas.topics import Topic
from services.runtime import metrics, tracing

log = logging.getLogger(__name__)

_PROBE_SECONDS = 1.0
_BATCH_BYTES = 512 * 1024
_BESIDE_A_VALUE = 2048
"""More than a key, headers and what frames them ever take."""


class KafkaUnavailableError(Exception):
    """Kafka did not acknowledge in time; the record may or may not be there."""


class EventTooLargeError(Exception):
    """An event is larger than a whole Kafka batch."""


class Encoded(NamedTuple):
    """An event as Kafka gets it."""

    key: bytes
    value: bytes
    headers: list[Header]

    def in_trace(self, traceparent: str | None) -> Self:
        """The same as part of a trace, if there is one."""
        if traceparent is None:
            return self
        return self._replace(headers=[*self.headers, (TRACEPARENT, traceparent.encode())])


class Producer:
    """Sends the events of one service; only to the topics of its flow."""

    def __init__(
        self, bootstrap: str, service: str, security: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        """Nothing is contacted until `start`.

        Args:
            bootstrap: addresses of brokers.
            service: as in schemas/flow.py.
            security: see `kafka_security`; nothing for a broker that asks for nothing.
        """
        self._bootstrap = bootstrap
        self._service = service
        self._source = f"/langnghe/{service}"
        self._security = security
        self._allowed = {topic.name for topic in FLOWS[service].sends}
        self._producer: AIOKafkaProducer | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._available = asyncio.Event()

    async def start(self) -> None:
        """Begin to connect in the background, and stay connected."""
        self._keeper = asyncio.create_task(self._keep_connected())

    async def stop(self) -> None:
        """Send what waits, then let go."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await self._discard()

    async def connected(self) -> None:
        """Wait until Kafka answers."""
        await self._available.wait()

    def unavailable(self) -> str | None:
        """What is wrong while Kafka does not answer; None while it does."""
        return None if self._available.is_set() else f"Kafka at {self._bootstrap} does not answer"

    async def _discard(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                async with asyncio.timeout(5):
                    await producer.stop()
            except (KafkaError, TimeoutError) as error:
                log.warning("Kafka producer did not stop cleanly: %r", error)

    async def _keep_connected(self) -> None:
        while True:
            try:
                if self._producer is None:
                    await self._connect()
                else:
                    async with asyncio.timeout(2 * _PROBE_SECONDS):
                        await self._producer.client.fetch_all_metadata()
                self._available.set()
            except (KafkaError, OSError, TimeoutError) as error:
                if self._available.is_set() or self._producer is None:
                    log.warning("Kafka at %s does not answer: %r", self._bootstrap, error)
                self._available.clear()
            await asyncio.sleep(_PROBE_SECONDS)

    async def _connect(self) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            client_id=f"langnghe-{self._service}",
            acks="all",
            enable_idempotence=True,
            linger_ms=2,
            max_batch_size=_BATCH_BYTES,
            max_request_size=4 * 1024 * 1024,
            request_timeout_ms=10_000,
            **self._security,
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        self._producer = producer

    def _ready_producer(self, topic: Topic) -> AIOKafkaProducer:
        if topic.name not in self._allowed:
            msg = f"{self._service} does not send {topic.name}: declare it in schemas/flow.py"
            raise ValueError(msg)
        if self._producer is None or not self._available.is_set():
            metrics.PUBLISH_FAILURES.labels(self._service, topic.name).inc()
            raise KafkaUnavailableError(self._bootstrap)
        return self._producer

    async def _acknowledged(
        self,
        topic: Topic,
        futures: Sequence[asyncio.Future[RecordMetadata]],
        records: int,
        timeout: float,
    ) -> None:
        done, waiting = await asyncio.wait(futures, timeout=timeout)
        errors = [error for future in done if (error := future.exception()) is not None]
        if not errors and not waiting:
            metrics.PUBLISHED.labels(self._service, topic.name).inc(records)
            return
        metrics.PUBLISH_FAILURES.labels(self._service, topic.name).inc(records)
        if errors and not getattr(errors[0], "retriable", False):
            # A fenced or out-of-sequence producer never recovers: a new one starts clean.
            log.error("Kafka producer gave up: %r", errors[0])
            await self._discard()
            self._available.clear()
        raise KafkaUnavailableError(self._bootstrap) from (errors[0] if errors else None)

    async def send(
        self,
        topic: Topic,
        events: Sequence[Event],
        *,
        timeout: float = 10.0,
        traces: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Send events, each to the partition of its key; returns when all are acknowledged.

        Args:
            topic: of the service's flow.
            events: in their order.
            timeout: in seconds.
            traces: `traceparent` by subject; those of others belong to what is being done.

        Raises:
            KafkaUnavailableError: when Kafka does not acknowledge within `timeout` seconds. The
                records may still arrive: readers must bear duplicates.
        """
        if not events:
            return
        producer = self._ready_producer(topic)
        here = tracing.current()
        try:
            async with asyncio.timeout(timeout):
                futures = [
                    await producer.send(
                        topic.name,
                        event.to_json(),
                        key=event.subject().encode(),
                        headers=headers(
                            topic, event, self._source, traces.get(event.subject(), here)
                        ),
                    )
                    for event in events
                ]
        except (KafkaError, TimeoutError) as error:
            metrics.PUBLISH_FAILURES.labels(self._service, topic.name).inc(len(events))
            raise KafkaUnavailableError(self._bootstrap) from error
        await self._acknowledged(topic, futures, len(events), timeout)

    def encode(self, topic: Topic, event: Event, value: bytes) -> Encoded:
        """An event of this service, for `send_in_order`.

        Args:
            topic: that it is for.
            event: what it is, or what it is made of: tells its subject and id.
            value: of the record.

        Raises:
            EventTooLargeError: when it does not fit into a batch; Kafka would refuse it for ever.
        """
        if len(value) > _BATCH_BYTES - _BESIDE_A_VALUE:
            raise EventTooLargeError(topic.event.TYPE)
        return Encoded(event.subject().encode(), value, headers(topic, event, self._source))

    async def send_in_order(
        self, topic: Topic, partition: int, events: Iterable[Encoded], *, timeout: float = 30.0
    ) -> None:
        """Send events to one partition so that none can be there without those before it.

        Kafka's batches are sent one after another, each only when the one before is acknowledged:
        a reader may therefore take the highest position it has seen for all positions below.

        Raises:
            KafkaUnavailableError: when Kafka does not acknowledge a batch within `timeout` seconds.
        """
        producer = self._ready_producer(topic)
        batch = producer.create_batch()
        for event in events:
            record = {"key": event.key, "value": event.value, "headers": event.headers}
            if batch.append(timestamp=None, **record) is None:
                await self._send_batch(producer, topic, partition, batch, timeout)
                batch = producer.create_batch()
                batch.append(timestamp=None, **record)
        if batch.record_count():
            await self._send_batch(producer, topic, partition, batch, timeout)

    async def _send_batch(
        self,
        producer: AIOKafkaProducer,
        topic: Topic,
        partition: int,
        batch: object,
        timeout: float,
    ) -> None:
        records: int = batch.record_count()  # type: ignore[attr-defined]
        batch.close()  # type: ignore[attr-defined]
        try:
            async with asyncio.timeout(timeout):
                future = await producer.send_batch(batch, topic.name, partition=partition)
        except (KafkaError, TimeoutError) as error:
            metrics.PUBLISH_FAILURES.labels(self._service, topic.name).inc(records)
            raise KafkaUnavailableError(self._bootstrap) from error
        await self._acknowledged(topic, [future], records, timeout)
