"""The kiosks of invented offices: enrolled like real ones, each with its key and its numbers."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client.keys import public_text
from client.signing import Signer
from schemas.device import DeviceKind
from services.gateway.audit import Actor
from services.gateway.devices.store import enrol_directly, revoke
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

    @property
    def devices(self) -> list[str]:
        """The kiosks, by their ids."""
        return list(self._by_device)

    def stamp(self, unit: str) -> dict[str, Any]:
        """Device and number of the next answer of an office."""
        self._numbers[unit] += 1
        return {"device": self._by_unit[unit].device, "sequence": self._numbers[unit]}

    def headers(self, device: str, path: str, body: bytes) -> dict[str, str]:
        """Headers of one signed attempt to post a body."""
        return self._by_device[device].headers("POST", path, body)


_ACTOR: Final = Actor(kind="command", name="simulator", role="command")


async def enrol_fleet(database: Database, units: Iterable[str]) -> Fleet:
    """Invite and enrol a kiosk for every office."""
    signers: dict[str, Signer] = {}
    for unit in units:
        key = Ed25519PrivateKey.generate()
        device = await enrol_directly(
            database,
            kind=DeviceKind.KIOSK,
            scope=f"unit:{unit}",
            name="simulator",
            key=public_text(key),
            actor=_ACTOR,
            now=datetime.now(UTC),
        )
        signers[unit] = Signer(device.id, key)
    return Fleet(signers)


async def dismiss_fleet(database: Database, fleet: Fleet) -> None:
    """Revoke the kiosks of a fleet: nobody is to miss them when they are silent from now on."""
    for device in fleet.devices:
        await revoke(database, device, "the simulation is over", _ACTOR, datetime.now(UTC))
