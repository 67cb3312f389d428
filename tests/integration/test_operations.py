"""Each service as a process: what is for operations is on a port of its own, and nowhere else."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from deploy.local import ports
from deploy.local.process import Process
from deploy.local.stack import DEFAULT_RULES, SERVICES
from tests.servers import Servers, eventually

OPERATIONS = ("/metrics", "/health/live", "/health/ready")


@asynccontextmanager
async def running(
    service: str, servers: Servers, log: list[str], **settings: str
) -> AsyncIterator[Process]:
    process = Process(
        service,
        [sys.executable, "-m", "langnghe", "run", service],
        {
            **servers.environment(),
            "LANGNGHE_RULES": str(DEFAULT_RULES),
            "LANGNGHE_WEBHOOK_KEY": "a master key for tests, 32 characters",
            **settings,
        },
        lambda _, line: log.append(line),
    )
    await process.start()
    try:
        yield process
    finally:
        await process.stop()


@pytest.mark.parametrize("service", SERVICES)
async def test_metrics_and_health_are_on_the_port_for_operations_alone(
    servers: Servers, service: str
) -> None:
    public, operations = ports.choose(), ports.choose()
    where = {"LANGNGHE_HTTP_PORT": str(public), "LANGNGHE_OPS_PORT": str(operations)}
    async with running(service, servers, [], **where), aiohttp.ClientSession() as session:

        async def status(port: int, path: str, **headers: str) -> int | None:
            try:
                url = f"http://127.0.0.1:{port}{path}"
                async with session.get(url, headers=headers) as answer:
                    return answer.status
            except aiohttp.ClientConnectorError:
                return None

        async def ready() -> bool:
            return await status(operations, "/health/ready") == 200

        await eventually(ready, f"{service} is ready")
        assert {await status(operations, path) for path in OPERATIONS} == {200}
        nothing = 404 if service == "gateway" else None
        for path in (*OPERATIONS, "/openapi.json"):
            assert await status(public, path) == nothing, path
        assert await status(public, "/metrics", Host=f"127.0.0.1:{operations}") == nothing
        if service == "gateway":
            assert await status(public, "/") == 200
            assert await status(operations, "/openapi.json") == 200
            assert await status(operations, "/") == 404


async def test_one_port_for_both_is_refused(servers: Servers) -> None:
    log: list[str] = []
    both = {"LANGNGHE_HTTP_PORT": "9000", "LANGNGHE_OPS_PORT": "9000"}
    async with running("gateway", servers, log, **both) as process:
        assert await process.wait() == 2
    assert any("must not be ops_port" in line for line in log), log
