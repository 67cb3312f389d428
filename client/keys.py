"""A device's key: made on the device, kept on the device."""

import base64
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)


def public_text(key: Ed25519PrivateKey) -> str:
    """The public half, as the enrolment wants it: 32 bytes in base64url without padding."""
    raw = key.public_key().public_bytes_raw()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def load_or_make(path: Path) -> Ed25519PrivateKey:
    """The key in a file; made there, readable by its owner only, if there is none.

    Raises:
        ValueError: when the file holds something else.
    """
    if path.exists():
        key = load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            msg = f"{path}: must hold an Ed25519 private key"
            raise ValueError(msg)
        return key
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "wb") as stream:
        stream.write(pem)
    return key
