"""Where consumer groups stand in Kafka: a back-up notes it, a restore sets it."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from schemas.topics import Topic
from services.runtime.admin import NO_SECURITY, administering

Places = dict[str, dict[int, int]]
"""Offsets of the next record to read, by topic and partition."""

_TRIES = 100
_PAUSE_SECONDS = 0.2


class Span(NamedTuple):
    """What a partition holds: the offset of its first record, and that of the next to come."""

    first: int
    end: int


async def _coordinator(admin: AIOKafkaAdminClient, group: str) -> int:
    """Which node knows a group: a new cluster has to make its topic of offsets first."""
    for _ in range(_TRIES):
        with suppress(GroupCoordinatorNotAvailableError):
            return int(await admin.find_coordinator(group))
        await asyncio.sleep(_PAUSE_SECONDS)
    return int(await admin.find_coordinator(group))


async def at_work(
    kafka_url: str, groups: Iterable[str], security: Mapping[str, Any] = NO_SECURITY
) -> list[str]:
    """Those of the groups that have members: a killed one stays some ten seconds.

    Raises:
        KafkaError: when Kafka does not answer, here and below.
    """
    async with administering(kafka_url, security) as admin:
        found: list[str] = []
        for group in groups:
            node = await _coordinator(admin, group)
            for answer in await admin.describe_consumer_groups([group], node):
                found += [group for described in answer.groups if described[5]]
        return found


async def committed(
    kafka_url: str, groups: Iterable[str], security: Mapping[str, Any] = NO_SECURITY
) -> dict[str, Places]:
    """Where each group said that it stands."""
    async with administering(kafka_url, security) as admin:
        found: dict[str, Places] = {}
        for group in groups:
            node = await _coordinator(admin, group)
            places = found[group] = {}
            for place, standing in (await admin.list_consumer_group_offsets(group, node)).items():
                places.setdefault(place.topic, {})[place.partition] = standing.offset
        return found


async def spans(
    kafka_url: str, topic: Topic, security: Mapping[str, Any] = NO_SECURITY
) -> dict[int, Span]:
    """What each partition of a topic holds."""
    places = [TopicPartition(topic.name, partition) for partition in range(topic.partitions)]
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka_url, **security)
    await consumer.start()
    try:
        first = await consumer.beginning_offsets(places)
        end = await consumer.end_offsets(places)
    finally:
        await consumer.stop()
    return {place.partition: Span(first[place], end[place]) for place in places}


async def place(
    kafka_url: str, group: str, places: Places, security: Mapping[str, Any] = NO_SECURITY
) -> None:
    """Say where a group goes on, while it has no members.

    Raises:
        KafkaError: when it has some, which Kafka refuses.
    """
    offsets = {
        TopicPartition(topic, partition): offset
        for topic, partitions in places.items()
        for partition, offset in partitions.items()
    }
    if not offsets:
        return
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka_url, group_id=group, enable_auto_commit=False, **security
    )
    await consumer.start()
    try:
        consumer.assign(list(offsets))
        await consumer.commit(offsets)
    finally:
        await consumer.stop()
