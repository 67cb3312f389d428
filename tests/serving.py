"""Runs an ASGI application over real HTTP inside a test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import aiohttp
import uvicorn
from starlette.types import ASGIApp

from deploy.local import ports
from services.runtime.serving import Sites
from tests.builders import UNIT
from tests.servers import eventually


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """The base URL of an application, as long as the block runs."""
    port = ports.choose()
    config = uvicorn.Config(
        app, port=port, log_config=None, lifespan="on", timeout_graceful_shutdown=5
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:
            await asyncio.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


class Addresses(NamedTuple):
    """Base URLs of a gateway."""

    public: str
    operations: str


@asynccontextmanager
async def serving_gateway(sites: Sites, scope: str = f"unit:{UNIT}") -> AsyncIterator[Addresses]:
    """Both sites of a gateway, from when it is ready and knows a scope of the registry."""
    async with (
        serving(sites.public) as url,
        serving(sites.operations) as operations,
        aiohttp.ClientSession() as session,
    ):

        async def ready() -> bool:
            async with (
                session.get(f"{operations}/health/ready") as up,
                session.get(f"{url}/v1/indices/{scope}") as known,
            ):
                return (up.status, known.status) == (200, 200)

        await eventually(ready, "the gateway is ready and knows the registry")
        yield Addresses(url, operations)
