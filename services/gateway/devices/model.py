"""What a device is, and all of them in memory."""

import base64
import hashlib
from collections.abc import Iterable
from typing import Annotated, Any, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import AfterValidator, ConfigDict

from schemas.device import EnrolledDevice


def key_bytes(text: str) -> bytes:
    """The 32 bytes of a public key in base64url (RFC 8037 `x`).

    Raises:
        ValueError: when it is none.
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raw = b""
    if len(raw) != 32:
        msg = "must be the 32 bytes of an Ed25519 public key in base64url"
        raise ValueError(msg)
    return raw


def _public_key(text: str) -> str:
    return base64.urlsafe_b64encode(key_bytes(text)).decode().rstrip("=")


PublicKey = Annotated[str, AfterValidator(_public_key)]
"""An Ed25519 public key in base64url without padding."""


class Device(EnrolledDevice):
    """One enrolled device. We hold its public key; the private one never leaves it."""

    model_config = ConfigDict(extra="forbid")

    public_key: PublicKey


def device_id(public_key: PublicKey) -> str:
    """The name of a device: from its key, so that two devices never share one."""
    return "d-" + hashlib.sha256(key_bytes(public_key)).hexdigest()[:24]


class Devices:
    """All devices, by id. Immutable: a change makes a new one."""

    def __init__(self, devices: Iterable[Device]) -> None:
        """Index the devices and make their keys ready."""
        self._devices = {device.id: device for device in devices}
        self._keys: dict[str, Ed25519PublicKey] = {}

    @classmethod
    def of_documents(cls, documents: Iterable[dict[str, Any]]) -> Self:
        """From stored devices (`Device.model_dump(mode="json")`)."""
        return cls(Device.model_validate(document) for document in documents)

    def get(self, name: str) -> Device | None:
        """A device, revoked or not; None if nobody knows it."""
        return self._devices.get(name)

    def key(self, device: Device) -> Ed25519PublicKey:
        """The public key of a device, decoded once."""
        if device.id not in self._keys:
            self._keys[device.id] = Ed25519PublicKey.from_public_bytes(key_bytes(device.public_key))
        return self._keys[device.id]
