"""Signs requests: HTTP Message Signatures (RFC 9421) with Ed25519, body and all."""

import secrets
from datetime import UTC, datetime
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver
from http_message_signatures.algorithms import ED25519

_COMPONENTS: Final = ("@method", "@path", "content-digest")
_TAG: Final = "langnghe"


class _Key(HTTPSignatureKeyResolver):
    """The one key of this device."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def resolve_private_key(self, key_id: str) -> Ed25519PrivateKey:  # noqa: ARG002
        """The library asks for the key to sign with."""
        return self._key


class _Message(NamedTuple):
    method: str
    url: str
    headers: dict[str, str]


class Signer:
    """Signs the requests of one device."""

    def __init__(self, device: str, key: Ed25519PrivateKey) -> None:
        """Hold who signs.

        Args:
            device: id that the enrolment gave.
            key: whose public half was enrolled.
        """
        self.device = device
        self._signer = HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=_Key(key))

    def headers(
        self, method: str, path: str, body: bytes, now: datetime | None = None
    ) -> dict[str, str]:
        """Headers for one attempt to send a body; sign anew for each attempt.

        Args:
            method: in capitals.
            path: without query.
            body: exactly the bytes that are sent.
            now: for a device that has learned that its clock is wrong.
        """
        headers = {"Content-Type": "application/json"}
        self._signer.sign(
            _Message(method, f"http://gateway{path}", headers),
            key_id=self.device,
            created=now or datetime.now(UTC),
            nonce=secrets.token_urlsafe(16),
            tag=_TAG,
            label="sig",
            covered_component_ids=_COMPONENTS,
            body=body,
        )
        return headers
