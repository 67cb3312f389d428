"""Seals contact data under a key of its own for each contact, and that key under the master key.

The master key can be changed: what the key before wrapped opens until it is wrapped anew.

AES-256-GCM; what is sealed begins with its nonce of 96 random bits (NIST SP 800-38D). The id of the
contact and the purpose are authenticated with it, so nothing opens in another place.
"""

import base64
import secrets
from contextlib import suppress
from typing import Final, NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_VALUE: Final = b"langnghe contact value "
_KEY: Final = b"langnghe contact key "


class SealError(Exception):
    """It does not open: sealed under another key, for another contact, or changed."""


class Sealed(NamedTuple):
    """A value that only its key opens, and the key, which only the master key opens."""

    value: bytes
    key: bytes


def _seal(key: bytes, text: bytes, purpose: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, text, purpose)


def _open(key: bytes, sealed: bytes, purpose: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose)
    except (InvalidTag, ValueError):
        msg = "it does not open: sealed under another key, for another contact, or changed"
        raise SealError(msg) from None


def key_of(text: str) -> bytes:
    """A master key as it stands in the environment.

    Raises:
        ValueError: when it is not the base64 of 32 bytes; the text does not repeat it.
    """
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        msg = f"must be the base64 of {_KEY_BYTES} bytes, as `openssl rand -base64 32` makes it"
        raise ValueError(msg)
    return key


class MasterKey:
    """Seals with the key of the setting `contact_key`; opens with that or the one before."""

    def __init__(self, key: bytes, before: bytes | None = None) -> None:
        """Take 32 bytes, and those of the key before, while anything may be wrapped by it."""
        self._key = key
        self._before = before

    def seal(self, contact: UUID, value: str) -> Sealed:
        """Seal a value under a new key."""
        key = AESGCM.generate_key(bit_length=8 * _KEY_BYTES)
        return Sealed(
            value=_seal(key, value.encode(), _VALUE + contact.bytes),
            key=_seal(self._key, key, _KEY + contact.bytes),
        )

    def open(self, contact: UUID, sealed: Sealed) -> str:
        """The value.

        Raises:
            SealError: when it does not open.
        """
        key, _ = self._unwrapped(contact, sealed.key)
        return _open(key, sealed.value, _VALUE + contact.bytes).decode()

    def anew(self, contact: UUID, wrapped: bytes) -> bytes | None:
        """A contact's key that the key before wrapped, wrapped by this one; None if it is already.

        Raises:
            SealError: when neither opens it.
        """
        key, by = self._unwrapped(contact, wrapped)
        return None if by == self._key else _seal(self._key, key, _KEY + contact.bytes)

    def _unwrapped(self, contact: UUID, wrapped: bytes) -> tuple[bytes, bytes]:
        """A contact's key, and the master key that opened it."""
        purpose = _KEY + contact.bytes
        if self._before is not None:
            with suppress(SealError):
                return _open(self._before, wrapped, purpose), self._before
        return _open(self._key, wrapped, purpose), self._key
