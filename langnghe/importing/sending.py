"""Sends responses to the gateway in batches and sees them through to the store."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client.keys import public_text
from client.signing import Signer
from langnghe.audit import operator
from schemas.collections import RESPONSES
from schemas.device import DeviceKind
from schemas.feedback import Response
from schemas.scope import COUNTRY
from services.gateway.devices.store import enrol_directly, revoke
from services.runtime.database import Database

DEVICE_LENGTH = 37
"""What a device's name may have behind the import's own, in all 64."""

_PATH = "/v1/feedback/batch"
_RETRIES = 60
_RETRY_SECONDS = 1.0


class SendingError(Exception):
    """The gateway did not take a batch."""


@dataclass(frozen=True)
class Known:
    """What the store holds already of some responses."""

    same: frozenset[UUID]
    different: frozenset[UUID]


async def known(database: Database, responses: Sequence[Response]) -> Known:
    """Which ids are stored, with the same answers or with others."""
    by_id = {response.id: response for response in responses}
    same: set[UUID] = set()
    different: set[UUID] = set()
    async for stored in database[RESPONSES].find(
        {"_id": {"$in": list(by_id)}}, {"answers": 1, "unit": 1}
    ):
        response = by_id[stored["_id"]]
        equal = (stored["answers"], stored["unit"]) == (response.answers, response.unit)
        (same if equal else different).add(stored["_id"])
    return Known(frozenset(same), frozenset(different))


@asynccontextmanager
async def signing(database: Database, name: str) -> AsyncIterator[Signer]:
    """A device of this import's own, whose key is never stored; revoked at the end.

    Args:
        database: where an operator may enrol it.
        name: of the import.
    """
    key = Ed25519PrivateKey.generate()
    device = await enrol_directly(
        database,
        kind=DeviceKind.SYSTEM,
        scope=COUNTRY,
        name=f"import {name}",
        key=public_text(key),
        actor=operator(),
        now=datetime.now(UTC),
    )
    try:
        yield Signer(device.id, key)
    finally:
        await revoke(database, device.id, "the import has ended", operator(), datetime.now(UTC))


async def send(
    session: aiohttp.ClientSession, gateway: str, signer: Signer, responses: Sequence[Response]
) -> None:
    """Hand one batch in; waits while Kafka is away or the gateway asks for a pause.

    Raises:
        SendingError: when the gateway refuses the batch or stays away for a minute.
    """
    named = [
        response.model_copy(update={"device": f"{signer.device}:{response.device}"})
        for response in responses
    ]
    body = b"[" + b",".join(response.to_json() for response in named) + b"]"
    problem = ""
    for _ in range(_RETRIES):
        try:
            headers = signer.headers("POST", _PATH, body)
            async with session.post(gateway + _PATH, data=body, headers=headers) as response:
                if response.status == 202:
                    return
                problem = f"HTTP {response.status}: {(await response.text())[:500]}"
                if response.status not in {429, 503}:
                    raise SendingError(problem)
        except (aiohttp.ClientError, TimeoutError) as error:
            problem = repr(error)
        await asyncio.sleep(_RETRY_SECONDS)
    raise SendingError(problem)


async def stored(database: Database, ids: Sequence[UUID]) -> int:
    """How many of some responses are stored."""
    total = 0
    for start in range(0, len(ids), 10_000):
        part = list(ids[start : start + 10_000])
        total += await database[RESPONSES].count_documents({"_id": {"$in": part}})
    return total
