"""`langnghe prepare`: topics, collections and indexes, once before the services start."""

import asyncio
from typing import Annotated

import typer
from aiokafka.errors import KafkaError

from langnghe.console import FAILED, notes, stop
from langnghe.servers import DEFAULT_FOLDER, DataOption, settings_for
from schemas.topics import TOPICS
from services.gateway import storage as gateway
from services.ingest import storage as ingest
from services.notify import storage as notify
from services.runtime import identity
from services.runtime.database import Database, DatabaseError
from services.runtime.settings import Settings
from services.runtime.topics import TopicError, create_topics
from services.scoring import storage as scoring


async def prepare(settings: Settings, *, replication: int = 1) -> None:
    """Make servers ready for the services; harmless to repeat.

    Raises:
        IdentityError: when the database belongs to another Kafka cluster.
        TopicError: when a topic exists with other partitions.
    """
    database = Database(settings.mongo_url, settings.database, application="prepare")
    try:
        await identity.bind(database, await identity.cluster_id(settings.kafka_url))
        await create_topics(settings.kafka_url, TOPICS, replication=replication)
        for owner in (gateway, ingest, scoring, notify):
            await database.prepare(owner.INDEXES)
    finally:
        database.close()


def command(
    data: DataOption = DEFAULT_FOLDER,
    replication: Annotated[
        int, typer.Option(min=1, help="Copies of each topic; 3 where there are three brokers")
    ] = 1,
) -> None:
    """Create topics, collections and indexes. Harmless to repeat."""
    try:
        asyncio.run(prepare(settings_for(data), replication=replication))
    except (identity.IdentityError, TopicError, KafkaError, DatabaseError) as error:
        stop(error, FAILED)
    notes.print("topics and indexes are there")
