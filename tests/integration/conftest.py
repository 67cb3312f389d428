"""Fixtures that several of these tests share."""

from collections.abc import AsyncIterator

import pytest_asyncio

from schemas.collections import REGISTRY
from schemas.registry import Registry
from services.ingest.batch import Ingest
from services.ingest.settings import IngestSettings
from services.runtime.cached import Cached
from services.runtime.database import Database
from services.runtime.producer import Producer
from tests.builders import NOW, load_small_registry
from tests.servers import Servers


@pytest_asyncio.fixture
async def ingest(servers: Servers, database: Database) -> AsyncIterator[Ingest]:
    """What ingest does with a batch, in a small country, at noon."""
    await load_small_registry(database)
    producer = Producer(servers.kafka_url, "ingest")
    await producer.start()
    await producer.connected()
    registry = Cached(database, REGISTRY, Registry.of_documents)
    await registry.refresh()
    yield Ingest(database, producer, registry, IngestSettings(), lambda: NOW)
    await producer.stop()
