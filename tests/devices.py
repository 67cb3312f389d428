"""Devices for tests: enrolled for real, signing for real."""

import json
from datetime import UTC, datetime
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client.keys import public_text
from client.signing import Signer
from schemas.device import DeviceKind
from schemas.scope import COUNTRY
from services.gateway.audit import Actor
from services.gateway.devices.store import enrol_directly
from services.runtime.database import Database

TESTER = Actor(kind="command", name="test", role="command")


async def enrolled(
    database: Database, scope: str = COUNTRY, kind: DeviceKind = DeviceKind.SYSTEM
) -> Signer:
    """A device that may hand in for every office, or another one."""
    key = Ed25519PrivateKey.generate()
    device = await enrol_directly(
        database,
        kind=kind,
        scope=scope,
        name="test",
        key=public_text(key),
        actor=TESTER,
        now=datetime.now(UTC),
    )
    return Signer(device.id, key)


def named(signer: Signer, body: Any) -> Any:
    """The same answers, given on devices behind a system."""
    if isinstance(body, list):
        return [named(signer, item) for item in body]
    if isinstance(body, dict) and isinstance(body.get("device"), str):
        return {**body, "device": f"{signer.device}:{body['device']}"}
    return body


async def post(
    session: aiohttp.ClientSession, gateway: str, signer: Signer, path: str, body: bytes
) -> tuple[int, str]:
    """Post a signed body; status and answer."""
    headers = signer.headers("POST", path, body)
    async with session.post(gateway + path, data=body, headers=headers) as answer:
        return answer.status, await answer.text()


async def hand_in(
    session: aiohttp.ClientSession, gateway: str, signer: Signer, *answers: dict[str, Any]
) -> int:
    """Hand answers in as one batch; the status."""
    body = json.dumps(named(signer, list(answers))).encode()
    status, _ = await post(session, gateway, signer, "/v1/feedback/batch", body)
    return status
