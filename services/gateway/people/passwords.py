"""Passwords: what one must be like, and Argon2id."""

import asyncio
import secrets
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 256

Rule = Literal["password_length", "password_names"]

RULES: Final[Mapping[Rule, str]] = MappingProxyType(
    {
        "password_length": f"must have {MIN_LENGTH} to {MAX_LENGTH} characters",
        "password_names": "must not contain the account's name",
    }
)
"""The rules of a new password, in words."""

_AT_ONCE: Final = 2
"""Hashes computed at the same time: each takes 64 MiB, and anybody may ask for one."""


def broken_rule(password: str, *names: str) -> Rule | None:
    """The rule that a new password breaks, if it breaks one.

    Args:
        password: as it was typed.
        names: of its account: none of them may be a part of it, in small or capital letters.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        return "password_length"
    if any(name.casefold() in password.casefold() for name in names):
        return "password_names"
    return None


def _bytes(password: str) -> bytes:
    # The same letters, however the keyboard composed them (RFC 8265, OpaqueString).
    return unicodedata.normalize("NFC", password).encode()


class Passwords:
    """Makes and checks hashes, in threads, a few at a time."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        """Use a hasher; without one, the parameters of RFC 9106 for 64 MiB (section 4)."""
        self._hasher = hasher or PasswordHasher()
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._nobodys = self._hasher.hash(secrets.token_bytes())

    async def hash(self, password: str) -> str:
        """The Argon2id hash of a password, with its parameters and salt."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, _bytes(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether a password is the one that was hashed.

        Without a hash the answer is no, after the same work: how long it takes tells nobody
        whether there is an account.
        """
        async with self._turn:
            return await asyncio.to_thread(self._matches, stored or self._nobodys, password)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False

    def outdated(self, stored: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)
