"""Creates topics, explicitly: Kafka's automatic creation would guess the partition count."""

from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka.admin import NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from schemas.topics import Topic
from services.runtime.admin import NO_SECURITY, administering


class TopicError(Exception):
    """A topic could not be created, or exists with another partition count."""


async def create_topics(
    kafka_url: str,
    topics: Iterable[Topic],
    *,
    replication: int,
    security: Mapping[str, Any] = NO_SECURITY,
) -> None:
    """Create the topics that are missing and check the partitions of those that exist.

    Raises:
        TopicError: when Kafka refuses one, or one has other partitions than declared.
    """
    wanted = {topic.name: topic for topic in topics}
    async with administering(kafka_url, security) as admin:
        answer = await admin.create_topics(
            [
                NewTopic(
                    name=topic.name,
                    num_partitions=topic.partitions,
                    replication_factor=replication,
                    topic_configs=topic.config,
                )
                for topic in wanted.values()
            ]
        )
        for name, code, *reason in answer.topic_errors:
            if code and for_code(code) is not TopicAlreadyExistsError:
                msg = f"topic {name}: {reason[0] if reason else for_code(code).__name__}"
                raise TopicError(msg)
        for description in await admin.describe_topics(list(wanted)):
            topic, found = wanted[description["topic"]], len(description["partitions"])
            if description["error_code"] == 0 and found != topic.partitions:
                msg = f"topic {topic.name} has {found} partitions, {topic.partitions} are declared"
                raise TopicError(msg)
