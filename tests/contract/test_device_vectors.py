"""The test vectors of docs/devices.md hold, and our client signs exactly so."""

import base64
import json
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from client.keys import public_text
from client.signing import Signer
from schemas.feedback import Response
from services.gateway.devices.model import device_id

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "docs" / "devices-vectors.json").read_text(encoding="utf-8")
)


def key() -> Ed25519PrivateKey:
    der = base64.b64decode(VECTORS["private_key_pkcs8_base64"])
    loaded = load_der_private_key(der, password=None)
    assert isinstance(loaded, Ed25519PrivateKey)
    return loaded


def test_the_names_follow_from_the_key() -> None:
    assert public_text(key()) == VECTORS["public_key"]
    assert device_id(VECTORS["public_key"]) == VECTORS["device"]


@pytest.mark.parametrize("vector", VECTORS["requests"], ids=lambda vector: vector["name"])
def test_a_vector_holds_and_the_client_signs_so(
    vector: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    value = vector["headers"]["Signature"].removeprefix("sig=:").removesuffix(":")
    key().public_key().verify(base64.b64decode(value), vector["signature_base"].encode())

    monkeypatch.setattr(secrets, "token_urlsafe", lambda _: vector["nonce"])
    created = datetime.fromtimestamp(vector["created"], UTC)
    body = vector["body"].encode()
    made = Signer(VECTORS["device"], key()).headers("POST", vector["path"], body, created)
    assert made == {"Content-Type": "application/json", **vector["headers"]}
    answers = json.loads(body)
    for answer in answers if isinstance(answers, list) else [answers]:
        Response.model_validate_json(json.dumps(answer))
