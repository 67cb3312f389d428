"""A service of ours at its work, as `langnghe run` starts it, and how far scoring has come."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.measuring import Watched
from deploy.local import ports
from schemas.collections import POSITIONS
from services.runtime.database import Database
from tests.servers import Servers


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


async def seen(database: Database) -> int:
    """How many accepted answers are in every index: each partition's count from 0 on."""
    positions = [one async for one in database[POSITIONS].find({})]
    return sum(one["refreshed"] + 1 for one in positions)
