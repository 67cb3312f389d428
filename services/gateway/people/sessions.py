"""Sessions: a cookie holds a random id, the database its hash and when it ends.

Whoever reads the database cannot take a session over, and deleting its document ends it at once.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final, Literal

from fastapi import Request
from pymongo import IndexModel
from starlette.responses import Response

from services.runtime.clock import Clock
from services.runtime.database import Database, Session

SESSIONS: Final = "gateway.sessions"
"""Owner: gateway. One document a session, `_id` the hash of its id: account, begun_at, seen_at,
ends_at."""

INDEXES: Final = [IndexModel("ends_at", expireAfterSeconds=0), IndexModel("account")]

SameSite = Literal["strict", "lax"]

_SEEN_EVERY: Final = timedelta(minutes=1)
"""How exactly the last use is known: not every request shall cost a write."""


def cookie_name(request: Request, name: str) -> str:
    """A cookie's name: by https with `__Host-`, so that no other host or path can have set it."""
    return f"__Host-{name}" if request.url.scheme == "https" else name


def set_cookie(
    request: Request, response: Response, name: str, token: str, same_site: SameSite
) -> None:
    """Give the browser a token that no script reads and no other site can send along."""
    response.set_cookie(
        cookie_name(request, name),
        token,
        httponly=True,
        samesite=same_site,
        secure=request.url.scheme == "https",
    )


def delete_cookie(request: Request, response: Response, name: str) -> None:
    """Have the browser forget a token."""
    response.delete_cookie(
        cookie_name(request, name), httponly=True, secure=request.url.scheme == "https"
    )


def new_token() -> str:
    """256 random bits, as text."""
    return secrets.token_urlsafe(32)


def fingerprint(token: str) -> str:
    """What the database knows a token by. It is random, so a fast hash will do."""
    return hashlib.sha256(token.encode()).hexdigest()


async def end_all(database: Database, session: Session, account: str) -> None:
    """End every session of an account, in the transaction that gives the reason."""
    await database[SESSIONS].delete_many({"account": account}, session=session)


class Sessions:
    """The sessions of everybody."""

    def __init__(
        self, database: Database, clock: Clock, lifetime: timedelta, idle: timedelta
    ) -> None:
        """Hold what the work needs.

        Args:
            database: that keeps them.
            clock: the present.
            lifetime: from beginning to end, whatever happens.
            idle: from the last use to the end.
        """
        self._database = database
        self._clock = clock
        self._lifetime = lifetime
        self._idle = idle

    def _ends_at(self, begun_at: datetime, seen_at: datetime) -> datetime:
        return min(begun_at + self._lifetime, seen_at + self._idle)

    async def begin(self, session: Session, account: str) -> str:
        """A new session in a transaction; its token, which is kept nowhere else."""
        token, now = new_token(), self._clock()
        await self._database[SESSIONS].insert_one(
            {
                "_id": fingerprint(token),
                "account": account,
                "begun_at": now,
                "seen_at": now,
                "ends_at": self._ends_at(now, now),
            },
            session=session,
        )
        return token

    async def account(self, token: str) -> str | None:
        """Whose session a token is, None if it has ended; being asked for keeps it from ending."""
        sessions, key, now = self._database[SESSIONS], fingerprint(token), self._clock()
        found = await sessions.find_one({"_id": key})
        if found is None or found["ends_at"] <= now:
            return None
        if found["seen_at"] + _SEEN_EVERY <= now:
            ends_at = self._ends_at(found["begun_at"], now)
            await sessions.update_one({"_id": key}, {"$set": {"seen_at": now, "ends_at": ends_at}})
        return str(found["account"])

    async def end(self, token: str) -> None:
        """End one session."""
        await self._database[SESSIONS].delete_one({"_id": fingerprint(token)})
