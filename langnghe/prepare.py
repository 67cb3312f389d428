"""`langnghe prepare`: topics, collections, indexes and users, once before the services start."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from aiokafka.errors import KafkaError

from langnghe import rights
from langnghe.console import FAILED, MISUSED, notes, stop
from langnghe.servers import DEFAULT_FOLDER, DataOption, settings_for
from schemas.topics import TOPICS
from services.gateway import audit
from services.gateway import storage as gateway
from services.ingest import storage as ingest
from services.notify import storage as notify
from services.runtime import acls, identity
from services.runtime.database import Database, DatabaseError
from services.runtime.security import kafka_security
from services.runtime.settings import Settings
from services.runtime.topics import TopicError, create_topics
from services.scoring import storage as scoring


async def make_collections(database: Database) -> None:
    """Make the collections and indexes of the services, and the head of an empty audit trail."""
    for owner in (gateway, ingest, scoring, notify):
        await database.prepare(owner.INDEXES)
    await audit.begin(database)


async def prepare(
    settings: Settings, *, replication: int = 1, passwords: Mapping[str, str] | None = None
) -> None:
    """Make servers ready for the services; harmless to repeat.

    Args:
        settings: that name the servers, and a user who may do all this.
        replication: copies of each topic.
        passwords: of the services' users, by service; without them, no users are made.

    Raises:
        IdentityError: when the database belongs to another Kafka cluster.
        TopicError: when a topic exists with other partitions.
    """
    database = Database.of(settings, application="prepare")
    try:
        security = kafka_security(settings)
        await identity.bind(database, await identity.cluster_id(settings.kafka_url, security))
        await create_topics(settings.kafka_url, TOPICS, replication=replication, security=security)
        await make_collections(database)
        for service, password in (passwords or {}).items():
            user = rights.user_of(service)
            await database.allow(user, password, rights.privileges(service))
            if settings.kafka_user is not None:
                await acls.allow(settings.kafka_url, user, rights.kafka_rules(service), security)
    finally:
        database.close()


def command(
    data: DataOption = DEFAULT_FOLDER,
    replication: Annotated[
        int, typer.Option(min=1, help="Copies of each topic; 3 where there are three brokers")
    ] = 1,
    users: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Folder with one password file for each service (gateway, ingest, scoring, "
            "notify): makes MongoDB's user langnghe-SERVICE, or changes it, to have the least "
            "rights, and lets Kafka's user of that name read and write the topics of its flow",
        ),
    ] = None,
) -> None:
    """Create topics, collections and indexes, and users where asked. Harmless to repeat."""
    try:
        passwords = rights.read_passwords(users) if users else None
    except rights.PasswordError as error:
        stop(error, MISUSED)
    try:
        asyncio.run(
            prepare(settings_for(data, Settings), replication=replication, passwords=passwords)
        )
    except (identity.IdentityError, TopicError, KafkaError, DatabaseError) as error:
        stop(error, FAILED)
    notes.print("topics, indexes and users are there" if users else "topics and indexes are there")
