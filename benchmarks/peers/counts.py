"""What a peer has counted: the newest committed value of every key in its changelog topic."""

from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.peers.running import Peer
from schemas.topics import FEEDBACK_ACCEPTED

Counts = Mapping[str, list[int]]
"""How many answers were 1, 2, 3, 4, 5, by `UNIT|2026-11-22T05`."""


async def counted(kafka_url: str, peer: Peer) -> Counts:
    """All that a peer has committed."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka_url,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    await consumer.start()
    try:
        # Both engines give the changelog the partitions of what they read.
        places = [
            TopicPartition(peer.changelog, number) for number in range(FEEDBACK_ACCEPTED.partitions)
        ]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        held: dict[str, list[int]] = {}
        while any([await consumer.position(place) < ends[place] for place in places]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    held[record.key.decode().replace('"', "")] = peer.read_counts(record.value)
        return held
    finally:
        await consumer.stop()
