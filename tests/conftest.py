"""Fixtures that several tiers share."""

import logging
from collections.abc import AsyncIterator

import pytest_asyncio

from services.runtime.database import Database
from tests.servers import DATABASE, Servers, find_servers, keeping, reset

# Every reconnection would be a line.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


@pytest_asyncio.fixture(scope="session")
async def session_servers() -> AsyncIterator[Servers]:
    """A Kafka and a MongoDB for the whole run."""
    async with find_servers() as servers:
        with keeping(servers.mongo_url):
            yield servers


@pytest_asyncio.fixture
async def servers(session_servers: Servers) -> Servers:
    """The same servers, empty and prepared for one test."""
    await reset(session_servers)
    return session_servers


@pytest_asyncio.fixture
async def database(servers: Servers) -> AsyncIterator[Database]:
    """The database of one test."""
    database = Database(servers.mongo_url, DATABASE, application="test")
    yield database
    database.close()


def pytest_report_header() -> str:
    """Say which tests need what."""
    return "langnghe: tests use a real Kafka and a real MongoDB, see tests/servers.py"
