"""Dossier tokens: one vote for each step of a dossier, without saying which dossier.

A token holds the office, the step, the last day it is good for and 80 random bits, under an
HMAC-SHA-256 of a key that only we have. Nothing about the dossier goes in, so nothing about it can
come out; who printed it on which paper is never told to us. What goes onto the topic is a digest;
ingest keeps that apart from the response (services/ingest/spent.py).
"""

import base64
import hashlib
import hmac
import secrets
import struct
from datetime import date, timedelta
from typing import Final, NamedTuple

from schemas.feedback import Stage

_VERSION: Final = 1
_STAGES: Final = (Stage.RECEIPT, Stage.SUPPLEMENT, Stage.REFUSAL, Stage.RESULT)
_EPOCH: Final = date(2020, 1, 1)
_LAYOUT: Final = struct.Struct(">BBH13s10s")
_MAC_BYTES: Final = 16


class TokenError(Exception):
    """The token is not ours, or no longer good; says which."""


class Token(NamedTuple):
    """What a token says: which office, which step, until when, and a number that is its own."""

    unit: str
    stage: Stage
    good_until: date
    random: bytes


def issue(unit: str, stage: Stage, good_until: date) -> Token:
    """A new token.

    Args:
        unit: agency code.
        stage: step of the dossier.
        good_until: last local day on which it may be used.
    """
    return Token(unit, stage, good_until, secrets.token_bytes(10))


def _mac(key: bytes, payload: bytes) -> bytes:
    return hmac.new(key, b"langnghe token" + payload, hashlib.sha256).digest()[:_MAC_BYTES]


def seal(token: Token, key: bytes) -> str:
    """The token as it is printed: 58 characters of base64url."""
    payload = _LAYOUT.pack(
        _VERSION,
        _STAGES.index(token.stage),
        (token.good_until - _EPOCH).days,
        token.unit.encode(),
        token.random,
    )
    return _printed(payload + _mac(key, payload))


def _printed(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def open_token(text: str, key: bytes, today: date) -> Token:
    """What a printed token says.

    Raises:
        TokenError: when it is not one of ours, or its last day has passed.
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raw = b""
    payload, mac = raw[: _LAYOUT.size], raw[_LAYOUT.size :]
    # The last letter has bits to spare: of several spellings one is right.
    right = len(payload) == _LAYOUT.size and _printed(raw) == text
    if not right or not hmac.compare_digest(mac, _mac(key, payload)):
        msg = "must be a token that was issued here"
        raise TokenError(msg)
    _, stage, days, unit, random = _LAYOUT.unpack(payload)
    good_until = _EPOCH + timedelta(days=days)
    if today > good_until:
        msg = f"was good until {good_until.isoformat()}"
        raise TokenError(msg)
    return Token(unit.decode(), _STAGES[stage], good_until, random)


def digest(token: Token) -> str:
    """What stands for a used token: tells two tokens apart, and neither can be made from it."""
    content = f"{token.unit}/{token.stage}/{token.good_until}".encode() + token.random
    return "t-" + hashlib.sha256(content).hexdigest()[:40]
