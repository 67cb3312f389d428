"""People at a gateway, for tests: one account of each role, and browsers to sign in with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from argon2 import PasswordHasher
from fastapi import FastAPI
from pydantic import SecretStr

from schemas.registry import Registry
from services.gateway.audit import Actor
from services.gateway.headers import SecureHeaders
from services.gateway.main import build
from services.gateway.people.access import Role
from services.gateway.people.accounts import Accounts, NewAccount
from services.gateway.people.passwords import Passwords
from services.gateway.settings import GatewaySettings
from services.runtime.clock import Clock, system_clock
from services.runtime.database import Database
from tests.builders import OTHER_UNIT, UNIT, load_small_registry, small_registry
from tests.servers import DATABASE, Servers
from tests.serving import serving_gateway

PASSWORD = "một câu dài dễ nhớ"
ACTOR = Actor(kind="command", name="test", role="command")
REGISTRY = Registry(small_registry())

SCOPES = {
    "officer": (Role.OFFICER, "commune:00004"),
    "analyst": (Role.ANALYST, "province:01"),
    "supervisor": (Role.SUPERVISOR, "country"),
    "operator": (Role.OPERATOR, "country"),
    "administrator": (Role.ADMINISTRATOR, "country"),
    "outsider": (Role.OFFICER, f"unit:{OTHER_UNIT}"),
}
"""Accounts by id. The scope of `outsider` is beside UNIT, not above it."""

IN_SCOPE = f"unit:{UNIT}"

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""For accounts whose hash does not matter."""


def accounts_of(database: Database, *, issuer: str | None = None) -> Accounts:
    """The accounts in a database, hashed quickly."""
    return Accounts(database, Passwords(QUICK), issuer, system_clock)


async def add_account(
    database: Database, key: str, role: Role, scope: str, password: str = PASSWORD
) -> None:
    """Add one account."""
    new = NewAccount(id=key, name="Trần An", role=role, scope=scope, password=SecretStr(password))
    await accounts_of(database).add(new, REGISTRY, ACTOR)


@dataclass
class World:
    """A gateway with people."""

    app: FastAPI
    url: str
    database: Database

    @asynccontextmanager
    async def browser(self, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
        """A browser with cookies of its own, on a page of the gateway."""
        async with httpx.AsyncClient(
            base_url=self.url, headers={"origin": self.url}, timeout=60, **options
        ) as client:
            yield client


async def sign_in(client: httpx.AsyncClient, key: str, password: str = PASSWORD) -> httpx.Response:
    """Fill in the form."""
    return await client.post("/sign-in", data={"name": key, "password": password})


@asynccontextmanager
async def world(
    servers: Servers, database: Database, *, clock: Clock = system_clock, **settings: Any
) -> AsyncIterator[World]:
    """A gateway that knows the registry and an account of each role."""
    await load_small_registry(database)
    for key, (role, scope) in SCOPES.items():
        await add_account(database, key, role, scope)
    sites = build(
        GatewaySettings(
            KAFKA_URL=servers.kafka_url, MONGO_URL=servers.mongo_url, database=DATABASE, **settings
        ),
        clock,
    )
    assert isinstance(sites.public, SecureHeaders)
    assert isinstance(sites.public.app, FastAPI)
    async with serving_gateway(sites, IN_SCOPE) as at:
        yield World(sites.public.app, at.public, database)
