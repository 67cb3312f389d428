"""The durable outbox: what has to be told to whom, until it is told.

An entry is written in the transaction of the transition that it tells of, so neither can be there
without the other. Its id stays the same over every attempt: receivers can recognise a repetition.
"""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from schemas.alert import AlertChanged
from schemas.scope import Scope
from services.notify.storage import OUTBOX
from services.runtime.database import Database, Document, Session

LEASE = timedelta(seconds=60)
"""How long a claim keeps others away; longer than any attempt may take."""

# Standard Webhooks 1.0, "Deliverability": ten attempts over about 75 hours.
PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
)


class Channel(StrEnum):
    """How a message goes out. `topic` is alert.changed.v1, for the rest of the system."""

    TOPIC = "topic"
    WEBHOOK = "webhook"
    EMAIL = "email"


class EntryState(StrEnum):
    """Where a message stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True)
class Entry:
    """A message to one receiver."""

    channel: Channel
    agency: Scope
    target: str
    event: AlertChanged
    attempts: int = 0

    @property
    def id(self) -> str:
        """`msg_` and a fingerprint: no dots, as Standard Webhooks asks of message ids."""
        name = f"{self.event.event_id()}/{self.channel}/{self.agency}"
        return "msg_" + hashlib.sha256(name.encode()).hexdigest()[:32]

    def document(self, now: datetime) -> Document:
        """As MongoDB keeps it."""
        return {
            "_id": self.id,
            "channel": self.channel.value,
            "agency": self.agency,
            "target": self.target,
            "event": self.event.model_dump(mode="json"),
            "attempts": self.attempts,
            "state": EntryState.WAITING.value,
            "due_at": now,
            "created_at": now,
            "last_error": None,
        }


def _entry(document: Document) -> Entry:
    return Entry(
        channel=Channel(document["channel"]),
        agency=document["agency"],
        target=document["target"],
        event=AlertChanged.model_validate(document["event"], strict=False),
        attempts=document["attempts"],
    )


def pause_after(attempts: int) -> timedelta | None:
    """How long to wait after so many failed attempts, with jitter; None when it is enough."""
    if attempts > len(PAUSES):
        return None
    jitter = random.uniform(0.9, 1.1)  # noqa: S311  # spreads load, hides nothing
    return PAUSES[attempts - 1] * jitter


async def put(
    database: Database, entries: Sequence[Entry], now: datetime, session: Session
) -> None:
    """Write messages, inside the transaction of their transition."""
    if entries:
        await database[OUTBOX].insert_many([e.document(now) for e in entries], session=session)


async def claim(database: Database, channel: Channel, now: datetime) -> Entry | None:
    """Take the oldest message of a channel that is due, for as long as the lease lasts."""
    document = await database[OUTBOX].find_one_and_update(
        {"state": EntryState.WAITING.value, "channel": channel.value, "due_at": {"$lte": now}},
        {"$set": {"due_at": now + LEASE}, "$inc": {"attempts": 1}},
        sort=[("created_at", 1), ("event.revision", 1)],
        return_document=True,
    )
    return _entry(document) if document else None


async def delivered(database: Database, entry: Entry, now: datetime) -> None:
    """Note that a message arrived."""
    await database[OUTBOX].update_one(
        {"_id": entry.id},
        {"$set": {"state": EntryState.DELIVERED.value, "delivered_at": now, "last_error": None}},
    )


async def not_delivered(
    database: Database, entry: Entry, error: str, pause: timedelta | None, now: datetime
) -> None:
    """Note a failed attempt: try again after a pause, or never."""
    change: Document = {"last_error": error}
    if pause is None:
        change["state"] = EntryState.FAILED.value
    else:
        change["due_at"] = now + pause
    await database[OUTBOX].update_one({"_id": entry.id}, {"$set": change})


async def due(database: Database, now: datetime) -> dict[Channel, int]:
    """How many messages of each channel are to be delivered now; channels without any are left out.

    A cheap question before many claims: nearly always there is nothing.
    """
    groups = database.aggregate(
        OUTBOX,
        [
            {"$match": {"state": EntryState.WAITING.value, "due_at": {"$lte": now}}},
            {"$group": {"_id": "$channel", "number": {"$sum": 1}}},
        ],
    )
    return {Channel(group["_id"]): group["number"] async for group in groups}


async def waiting(database: Database) -> int:
    """How many messages are not delivered yet."""
    return await database[OUTBOX].count_documents({"state": EntryState.WAITING.value})
