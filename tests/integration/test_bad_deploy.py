"""A deploy that sets everything aside stops itself, and the next one goes on."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unittest import mock

import aiohttp
import pytest

from schemas.collections import QUARANTINE, RESPONSES
from schemas.instrument import instruments
from schemas.topics import FEEDBACK_SUBMITTED
from services.ingest.main import build
from services.ingest.settings import IngestSettings
from services.runtime import metrics
from services.runtime.database import Database
from services.runtime.producer import Producer
from tests.builders import OTHER_UNIT, UNIT, load_small_registry, submitted
from tests.integration.test_commands import langnghe
from tests.integration.test_runtime import committed
from tests.servers import DATABASE, Servers, eventually
from tests.serving import serving

BEFORE, BACKLOG = 150, 2000
LABELS = ("ingest", FEEDBACK_SUBMITTED.name)


async def submit(servers: Servers, count: int) -> None:
    producer = Producer(servers.kafka_url, "gateway")
    await producer.start()
    try:
        await producer.connected()
        # These two are keyed into different partitions.
        units = (UNIT, OTHER_UNIT)
        events = [submitted(unit=units[number % 2]) for number in range(count)]
        await producer.send(FEEDBACK_SUBMITTED, events)
    finally:
        await producer.stop()


@asynccontextmanager
async def ingesting(servers: Servers, *, bad: bool) -> AsyncIterator[str]:
    """A deploy of ingest; a bad one has lost every questionnaire."""
    where = {"KAFKA_URL": servers.kafka_url, "MONGO_URL": servers.mongo_url, "database": DATABASE}
    service = build(IngestSettings.model_validate(where))
    found = instruments()
    with mock.patch("services.ingest.examining.instruments", return_value={} if bad else found):
        async with serving(service.app()) as url:
            yield url


async def ready(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/health/ready") as answer:
        return answer.status, await answer.text()


async def test_a_bad_deploy_stops_and_the_mended_one_counts_everything(
    servers: Servers, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await load_small_registry(database)
    failures = metrics.BATCH_FAILURES.labels(*LABELS)
    halted = metrics.HALTED_PARTITIONS.labels(*LABELS)
    await submit(servers, BEFORE)
    async with ingesting(servers, bad=True) as url:

        async def all_aside() -> bool:
            return await database[QUARANTINE].count_documents({}) == BEFORE

        await eventually(all_aside, "too few have come to judge by")
        failed_before = failures._value.get()
        await submit(servers, BACKLOG)

        async def tried_often() -> bool:
            return bool(failures._value.get() >= failed_before + 8)

        await eventually(tried_often, "it stops, and tries again and again")
        assert halted._value.get() == 2
        status, text = await ready(url)
        assert status == 503
        assert "unknown_instrument" in text
        assert "more than 50%" in text
        told = [r for r in caplog.records if r.levelno >= logging.ERROR]
        assert len(told) == 2, "one line a partition"
        assert all("stands still" in record.getMessage() for record in told)
        aside = await database[QUARANTINE].count_documents({})
        assert aside < 200, "no more than before it could be judged"
        assert await committed(servers, "ingest") == aside
        assert await database[RESPONSES].count_documents({}) == 0
    async with ingesting(servers, bad=False) as url:

        async def rest_counted() -> bool:
            stored = await database[RESPONSES].count_documents({})
            return stored == BEFORE + BACKLOG - aside

        await eventually(rest_counted, "the mended deploy goes on by itself")
        assert (await ready(url))[0] == 200
        said = await langnghe(
            *("quarantine", "replay", "--reason", "unknown_instrument"), **servers.environment()
        )
        assert said.code == 0, said

        async def all_counted() -> bool:
            return await database[RESPONSES].count_documents({}) == BEFORE + BACKLOG

        await eventually(all_counted, "what was set aside counts as well")
    assert await committed(servers, "ingest") == BEFORE + BACKLOG + aside
    assert await database[QUARANTINE].count_documents({"resolution": None}) == 0
