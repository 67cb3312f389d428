"""What there was to count, by plain arithmetic, and what a peer's changelog says it counted."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from benchmarks.peers.running import Peer
from schemas.topics import FEEDBACK_ACCEPTED

Counts = Mapping[str, list[int]]
"""How many answers were 1, 2, 3, 4, 5, by `UNIT|2026-11-22T05`."""


async def _records(kafka_url: str, topic: str) -> AsyncIterator[ConsumerRecord[bytes, bytes]]:
    """All committed records of a topic with as many partitions as the accepted feedback."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka_url,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for number in range(FEEDBACK_ACCEPTED.partitions)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        while any([await consumer.position(place) < ends[place] for place in places]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    yield record
    finally:
        await consumer.stop()


async def handed_in(kafka_url: str) -> Counts:
    """What there is to count."""
    found: dict[str, list[int]] = {}
    async for record in _records(kafka_url, FEEDBACK_ACCEPTED.name):
        event = json.loads(record.value)
        hour = datetime.fromisoformat(event["occurred_at"]).astimezone(UTC)
        counts = found.setdefault(f"{event['unit']}|{hour:%Y-%m-%dT%H}", [0] * 5)
        counts[event["answers"]["overall"] - 1] += 1
    return found


async def counted(kafka_url: str, peer: Peer) -> Counts:
    """What a peer has committed: the newest value of each key."""
    return {
        # Quix Streams writes the hour as JSON.
        record.key.decode().replace('"', ""): peer.read_counts(record.value)
        async for record in _records(kafka_url, peer.changelog)
    }
