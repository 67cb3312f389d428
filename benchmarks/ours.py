"""A service of ours at its work, how far scoring has come, and what the servers have cost."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import aiohttp
import psutil

from benchmarks.measuring import Watched
from deploy.local import ports
from schemas.collections import BUCKETS, POSITIONS
from schemas.counts import SUMS, counts_of
from services.runtime.database import Database
from tests.servers import DATABASE, Servers, eventually, reset


async def anew(servers: Servers) -> None:
    """Begin with nothing, and with new files: what is left in those of an emptied MongoDB costs."""
    database = Database(servers.mongo_url, DATABASE, application="benchmark")
    try:
        await database.drop()
    finally:
        database.close()
    await reset(servers)


@asynccontextmanager
async def ours(name: str, servers: Servers, **environment: str) -> AsyncIterator[Watched]:
    """A service as long as the block runs.

    Args:
        name: as `langnghe run` knows it.
        servers: that it works on.
        environment: further settings of it.
    """
    service = Watched(
        name,
        [sys.executable, "-m", "langnghe", "run", name],
        servers.environment() | {"LANGNGHE_OPS_PORT": str(ports.choose())} | environment,
    )
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


async def _answers(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def ready(process: Watched, port: int, path: str = "/health/ready") -> None:
    """Wait until a process says that it is ready."""
    url = f"http://127.0.0.1:{port}{path}"
    await eventually(partial(_answers, url), f"{process.name} is ready")


async def _reached(database: Database, mark: str) -> int:
    positions = [one async for one in database[POSITIONS].find({})]
    return sum(one.get(mark, -1) + 1 for one in positions)


async def counted(database: Database) -> int:
    """How many accepted answers are in the counts, by the marks of the partitions."""
    return await _reached(database, "applied")


async def seen(database: Database) -> int:
    """How many accepted answers are in every index, by the marks of the partitions."""
    return await _reached(database, "refreshed")


async def summed(database: Database) -> int:
    """How many answers the counts themselves come to: each has the one item, in one bucket."""
    async for total in database[BUCKETS].aggregate([{"$group": {"_id": None, **SUMS}}]):
        return sum(counts_of(total))
    return 0


def server_seconds() -> dict[str, float]:
    """Processor time of Kafka and MongoDB so far; none where they are not processes of this one."""
    found = {}
    for child in psutil.Process().children(recursive=True):
        if child.name() in {"java", "mongod"}:
            times = child.cpu_times()
            found[child.name()] = times.user + times.system
    return found
