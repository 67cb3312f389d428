"""The whole stack for a test: real servers, the four services, an agency that listens."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from client.signing import Signer
from deploy.local import ports
from deploy.local.stack import Addresses, Options, Stack
from langnghe.up import prepare_servers
from schemas.registry import RegistryEntry
from services.gateway.registry.store import write
from services.runtime.database import Database
from simulator.agency import Agency
from tests.devices import enrolled, hand_in
from tests.servers import eventually

KEY = "a master key for tests, 32 characters"


@dataclass
class Running:
    """A stack that runs, and what a test needs to drive and to watch it."""

    stack: Stack
    addresses: Addresses
    database: Database
    agency: Agency
    session: aiohttp.ClientSession
    signer: Signer
    log: list[str]

    async def hand_in(self, *answers: dict[str, Any]) -> int:
        """Hand answers in as a partner system does; the status."""
        return await hand_in(self.session, self.addresses.gateway, self.signer, *answers)

    async def load(self, entries: list[RegistryEntry]) -> None:
        """Load a registry and wait until the gateway knows it."""
        await write(self.database, entries)

        async def known() -> bool:
            path = f"/v1/indices/{entries[-1].key}"
            async with self.session.get(self.addresses.gateway + path) as answer:
                return answer.status == 200

        await eventually(known, "the gateway knows the registry")


def below_target(*, for_: str, keep_firing_for: str) -> str:
    """A rule file with one rule: the last 24 hours are below 80 %."""
    return f"""
version: 1
rules:
  - id: low
    kind: below_target
    scopes: [unit]
    window: 24h
    target: 80
    for: {for_}
    keep_firing_for: {keep_firing_for}
    severity: critical
"""


@asynccontextmanager
async def running_stack(
    folder: Path, rule_text: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Running]:
    """A stack of its own in a folder, as long as the block runs."""
    rules = folder.with_suffix(".yaml")
    rules.write_text(rule_text, encoding="utf-8")
    log: list[str] = []
    agency = Agency(KEY, lambda _: None)
    async with agency.listening():
        stack = Stack(
            Options(
                folder=folder,
                output=lambda name, line: log.append(f"{name}: {line}"),
                progress=log.append,
                prepare=prepare_servers,
                gateway_port=ports.choose(),
                rules=rules,
                environment={
                    "LANGNGHE_WEBHOOK_KEY": KEY,
                    "LANGNGHE_GROUP_WAIT_SECONDS": "0",
                    "LANGNGHE_WEBHOOK_PRIVATE_HOSTS": "127.0.0.1",
                    "LANGNGHE_SMTP_HOST": "127.0.0.1",
                    "LANGNGHE_SMTP_PORT": str(agency.smtp_port),
                    "LANGNGHE_MAIL_FROM": "Lắng Nghe <ln@example.vn>",
                    **(environment or {}),
                },
            )
        )
        try:
            async with stack.running() as addresses, aiohttp.ClientSession() as session:
                database = Database(addresses.mongo_url, "langnghe", application="test")
                try:
                    signer = await enrolled(database)
                    yield Running(stack, addresses, database, agency, session, signer, log)
                finally:
                    database.close()
        except BaseException:
            print("\n".join(log[-200:]))  # pytest shows it with the failure
            raise
