"""Receivers: one message at a time goes to each, and nothing to one that said that it is gone.

A document a receiver, `_id` its name: `busy_until` and `claim` while somebody delivers to it,
`not_before` when it asked to be left alone, `disabled` (`at`, `target`) since it answered 410.
Taking one is a compare-and-set, so this holds over all processes; the claim of one that died runs
out.
"""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import uuid4

from pymongo.errors import DuplicateKeyError

from services.notify.delivery import waiting
from services.notify.delivery.outbox import EntryState
from services.notify.storage import ENDPOINTS
from services.runtime.database import Database, Document, Session

LEASE = timedelta(seconds=60)
"""How long a claim keeps others away; longer than any attempt may take."""


class Closed(NamedTuple):
    """A receiver that nothing is to be sent to now.

    Attributes:
        until: when that ends by itself; None when it does not.
        disabled_at: since when it is gone, None when it is not.
        target: the address that is gone.
    """

    until: datetime | None
    disabled_at: datetime | None
    target: str | None


async def take(database: Database, receiver: str, now: datetime) -> str | None:
    """Claim a receiver; None when it is busy, wants to be left alone, or is disabled."""
    claim = uuid4().hex
    try:
        await database[ENDPOINTS].update_one(
            {
                "_id": receiver,
                "busy_until": {"$not": {"$gt": now}},
                "not_before": {"$not": {"$gt": now}},
                "disabled": None,
            },
            {"$set": {"busy_until": now + LEASE, "claim": claim}},
            upsert=True,
        )
    except DuplicateKeyError:  # it is there, and not free
        return None
    return claim


async def release(database: Database, receiver: str, claim: str, asked: Document) -> None:
    """Let go of a receiver, unless the claim ran out and it is somebody else's now.

    Args:
        database: of the outbox.
        receiver: its name.
        claim: what `take` gave.
        asked: `not_before` or `disabled`, if the receiver asked for it.
    """
    await database[ENDPOINTS].update_one(
        {"_id": receiver, "claim": claim},
        {"$set": {"busy_until": None, "claim": None, **asked}},
    )


async def closed(database: Database, now: datetime) -> dict[str, Closed]:
    """All receivers that nothing is to be sent to now, by name."""
    found = database[ENDPOINTS].find(
        {
            "$or": [
                {"busy_until": {"$gt": now}},
                {"not_before": {"$gt": now}},
                {"disabled": {"$ne": None}},
            ]
        }
    )
    result: dict[str, Closed] = {}
    async for document in found:
        gone = document.get("disabled") or {}
        ends = [document.get("busy_until"), document.get("not_before")]
        until = max((end for end in ends if end is not None), default=None)
        result[document["_id"]] = Closed(until, gone.get("at"), gone.get("target"))
    return result


async def enable(
    database: Database, receiver: str, target: str | None, now: datetime, session: Session
) -> int | None:
    """Send to a disabled receiver again: what waits for it begins its schedule anew.

    Args:
        database: of the outbox.
        receiver: its name.
        target: only if this is the address that is gone.
        now: the present.
        session: of the transaction that this is part of.

    Returns:
        How many messages wait for it; None when it is not disabled.
    """
    gone: Document = {"disabled": {"$ne": None}} if target is None else {"disabled.target": target}
    result = await database[ENDPOINTS].update_one(
        {"_id": receiver, **gone},
        {"$set": {"disabled": None, "not_before": None}},
        session=session,
    )
    if result.matched_count == 0:
        return None
    query: Document = {"receiver": receiver, "state": EntryState.WAITING.value}
    return await waiting.begin_anew(database, query, now, session)
