"""Commands write to Kafka as the operator, and only to the cluster that the database belongs to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.runtime import identity
from services.runtime.database import Database
from services.runtime.producer import KafkaUnavailableError, Producer
from services.runtime.security import kafka_security
from services.runtime.settings import Settings

_KAFKA_SECONDS = 15


@asynccontextmanager
async def operator_producer(database: Database, settings: Settings) -> AsyncIterator[Producer]:
    """A producer that is connected.

    Raises:
        IdentityError: when the database belongs to another Kafka cluster.
        KafkaError: when the cluster does not say which it is.
        KafkaUnavailableError: when it does not answer within some seconds.
    """
    security = kafka_security(settings)
    await identity.check(database, await identity.cluster_id(settings.kafka_url, security))
    producer = Producer(settings.kafka_url, "operator", security)
    await producer.start()
    try:
        try:
            async with asyncio.timeout(_KAFKA_SECONDS):
                await producer.connected()
        except TimeoutError:
            raise KafkaUnavailableError(settings.kafka_url) from None
        yield producer
    finally:
        await producer.stop()
