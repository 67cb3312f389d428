"""The four services over HTTP in this process, with one clock that a test sets."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

import aiohttp

from services.gateway import main as gateway
from services.gateway.settings import GatewaySettings
from services.ingest import main as ingest
from services.ingest.settings import IngestSettings
from services.notify import main as notify
from services.notify.settings import NotifySettings
from services.scoring import main as scoring
from tests.servers import DATABASE, Servers, eventually
from tests.serving import serving, serving_gateway


class Moment:
    """The present, as long as a test does not let it pass."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


async def _ready(operations: str) -> bool:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{operations}/health/ready") as answer,
    ):
        return answer.status == 200


@asynccontextmanager
async def together(
    servers: Servers, clock: Moment, rules: Path, smtp_port: int
) -> AsyncIterator[str]:
    """The gateway's address while all four run, each as it is built in production."""
    where = {"KAFKA_URL": servers.kafka_url, "MONGO_URL": servers.mongo_url, "database": DATABASE}
    alerting = {
        "rules": rules,
        "webhook_key": "a master key for tests, 32 characters",
        "webhook_private_hosts": "127.0.0.1",
        "smtp_host": "127.0.0.1",
        "smtp_port": smtp_port,
        "mail_from": "Lắng Nghe <ln@example.vn>",
    }
    async with AsyncExitStack() as running:
        for service in (
            ingest.build(IngestSettings.model_validate(where), clock),
            scoring.build(scoring.ScoringSettings.model_validate(where), clock),
            notify.build(NotifySettings.model_validate(where | alerting), clock),
        ):
            operations = await running.enter_async_context(serving(service.app()))
            await eventually(partial(_ready, operations), f"{service.name} is ready")
        sites = gateway.build(GatewaySettings.model_validate(where), clock)
        yield (await running.enter_async_context(serving_gateway(sites))).public
