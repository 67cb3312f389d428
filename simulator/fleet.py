"""The kiosks of invented offices: enrolled like real ones, each with its key and its numbers."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client.keys import public_text
from client.signing import Signer
from schemas.device import DeviceKind
from services.gateway.audit import Actor
from services.gateway.devices.store import enrol_directly
from services.runtime.database import Database


class Fleet:
    """One kiosk an office. One fleet serves a whole run: a number is never used twice."""

    def __init__(self, signers: Mapping[str, Signer]) -> None:
        """Take the kiosks over.

        Args:
            signers: by agency code.
        """
        self._by_unit = signers
        self._by_device = {signer.device: signer for signer in signers.values()}
        self._numbers: Counter[str] = Counter()

    def stamp(self, unit: str) -> dict[str, Any]:
        """Device and number of the next answer of an office."""
        self._numbers[unit] += 1
        return {"device": self._by_unit[unit].device, "sequence": self._numbers[unit]}

    def headers(self, device: str, path: str, body: bytes) -> dict[str, str]:
        """Headers of one signed attempt to post a body."""
        return self._by_device[device].headers("POST", path, body)


async def enrol_fleet(database: Database, units: Iterable[str]) -> Fleet:
    """Invite and enrol a kiosk for every office."""
    actor = Actor(kind="command", name="simulator", role="command")
    signers: dict[str, Signer] = {}
    for unit in units:
        key = Ed25519PrivateKey.generate()
        device = await enrol_directly(
            database,
            kind=DeviceKind.KIOSK,
            scope=f"unit:{unit}",
            name="simulator",
            key=public_text(key),
            actor=actor,
            now=datetime.now(UTC),
        )
        signers[unit] = Signer(device.id, key)
    return Fleet(signers)
