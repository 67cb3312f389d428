"""A MongoDB that answers late: ingest takes less, the lag shows it, its memory does not grow."""

import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil
import pytest
import pytest_asyncio

from deploy.local import ports
from deploy.local.process import Process
from langnghe.chaos.servers import Servers, servers
from langnghe.prepare import prepare
from schemas.collections import QUARANTINE, RESPONSES
from schemas.topics import FEEDBACK_SUBMITTED
from services.runtime.database import Database
from services.runtime.producer import Producer
from services.runtime.settings import Settings
from tests.builders import OTHER_UNIT, UNIT, load_small_registry, submitted
from tests.servers import eventually

COMMENT = "Cán bộ hướng dẫn tận tình, chu đáo. " * 25
WARM_UP, BACKLOG = 10_000, 40_000
DELAY_SECONDS = 0.5
GROWTH_BYTES = 48 * 2**20
"""Far less than the backlog takes as responses, or even as it comes."""


@dataclass
class Slow:
    """An ingest process of its own behind a network to MongoDB that can be made slow."""

    servers: Servers
    database: Database
    producer: Producer
    process: psutil.Process
    url: str
    peak: int = 0

    async def submit(self, count: int) -> int:
        """Hand in responses of two units; how many bytes they are."""
        size = 0
        for start in range(0, count, 1000):
            events = [
                submitted(unit=(UNIT, OTHER_UNIT)[n % 2], comment=COMMENT)
                for n in range(start, min(start + 1000, count))
            ]
            size += sum(len(event.to_json()) for event in events)
            await self.producer.send(FEEDBACK_SUBMITTED, events, timeout=60)
        return size

    async def stored(self) -> int:
        """How many responses count; notes how much memory ingest holds meanwhile."""
        self.peak = max(self.peak, self.process.memory_info().rss)
        return await self.database[RESPONSES].estimated_document_count()

    async def lag(self) -> float:
        """Records that wait, as the metric says."""
        self.peak = max(self.peak, self.process.memory_info().rss)
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/metrics") as answer:
            text = await answer.text()
        return sum(
            map(float, re.findall(r"^langnghe_lag_records\{.*\} (\S+)$", text, re.MULTILINE))
        )


@asynccontextmanager
async def ingest_process(where: Servers) -> AsyncIterator[tuple[Process, str]]:
    port, log = ports.choose(), list[str]()
    environment = {
        "KAFKA_URL": where.kafka_url,
        "MONGO_URL": where.mongo_url,
        "LANGNGHE_OPS_PORT": str(port),
    }
    process = Process(
        "ingest",
        [sys.executable, "-m", "langnghe", "run", "ingest"],
        environment,
        lambda _, line: log.append(line),
    )
    await process.start()
    try:
        yield process, f"http://127.0.0.1:{port}"
    except BaseException:
        print("\n".join(log[-50:]))  # pytest shows it with the failure
        raise
    finally:
        await process.stop()


@pytest_asyncio.fixture
async def slow(tmp_path: Path) -> AsyncIterator[Slow]:
    async with servers(tmp_path, lambda _, __: None) as where:
        settings = Settings(KAFKA_URL=where.kafka_url, MONGO_URL=where.mongo_straight)
        await prepare(settings)
        database = Database(where.mongo_straight, settings.database, application="test")
        await load_small_registry(database)
        producer = Producer(where.kafka_url, "gateway")
        await producer.start()
        await producer.connected()
        try:
            async with ingest_process(where) as (process, url):
                assert process.pid is not None
                yield Slow(where, database, producer, psutil.Process(process.pid), url)
        finally:
            await producer.stop()
            database.close()


@pytest.mark.timeout(900)  # longer than all its own deadlines together
async def test_a_slow_mongodb_slows_ingest_and_shows_as_lag_while_memory_stays_bounded(
    slow: Slow,
) -> None:
    await slow.submit(WARM_UP)

    async def warm() -> bool:
        return await slow.stored() == WARM_UP

    await eventually(warm, "ingest works at full speed", within=120)
    usual = slow.peak
    slow.servers.proxies["mongod"].delay = DELAY_SECONDS
    size = await slow.submit(BACKLOG)
    assert size > GROWTH_BYTES, "or the bound would say nothing"

    async def behind() -> bool:
        return await slow.lag() > BACKLOG / 4

    await eventually(behind, "the lag is seen", within=60)
    in_time = await slow.stored()
    assert in_time < WARM_UP + BACKLOG, "it is behind indeed"

    async def moving() -> bool:
        return await slow.stored() > in_time

    await eventually(moving, "it goes on, slowly", within=120)
    slow.servers.proxies["mongod"].delay = 0.0

    async def all_counted() -> bool:
        return await slow.stored() == WARM_UP + BACKLOG and await slow.lag() == 0

    await eventually(all_counted, "everything counts in the end", within=180)
    assert await slow.database[QUARANTINE].count_documents({}) == 0
    growth = slow.peak - usual
    assert growth < GROWTH_BYTES, f"{usual >> 20} MiB as usual, {growth >> 20} MiB more"
    print(f"{usual >> 20} MiB as usual, {growth >> 20} MiB more, backlog {size >> 20} MiB")
