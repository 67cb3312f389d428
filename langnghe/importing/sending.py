"""Sends responses to the gateway in batches and sees them through to the store."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import aiohttp

from schemas.collections import RESPONSES
from schemas.feedback import Response
from services.runtime.database import Database

_JSON = {"content-type": "application/json"}
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


async def send(session: aiohttp.ClientSession, gateway: str, responses: Sequence[Response]) -> None:
    """Hand one batch in; waits while Kafka is away.

    Raises:
        SendingError: when the gateway refuses the batch or stays away for a minute.
    """
    body = b"[" + b",".join(response.to_json() for response in responses) + b"]"
    problem = ""
    for _ in range(_RETRIES):
        try:
            async with session.post(
                f"{gateway}/v1/feedback/batch", data=body, headers=_JSON
            ) as response:
                if response.status == 202:
                    return
                problem = f"HTTP {response.status}: {(await response.text())[:500]}"
                if response.status != 503:
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
