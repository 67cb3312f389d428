"""What waits in the outbox: whose turn it is, and what is noted of an attempt.

A message moves by compare-and-set on its version, so of two that try it at once one decides:

    waiting ──▶ delivered
       │  ▲
       ▼  │ an operator's retry
    given_up
"""

from datetime import datetime
from typing import NamedTuple

from schemas.alert import AlertChanged
from schemas.scope import Scope
from services.notify.findings import Findings
from services.notify.outbox import Channel, Entry, EntryState
from services.notify.storage import OUTBOX
from services.runtime.database import Database, Document, Session

_HISTORY = 100
"""So many attempts are remembered, the newest; only those at Kafka are ever more."""


class Due(NamedTuple):
    """The message that is next for a receiver."""

    receiver: str
    alert: str
    revision: int

    @property
    def channel(self) -> Channel:
        """How it goes out."""
        return Channel(self.receiver.partition("/")[0])

    @property
    def agency(self) -> Scope:
        """To whom."""
        return self.receiver.partition("/")[2]


class Taken(NamedTuple):
    """A stored message, as it was when its turn came.

    Attributes:
        id: of the message.
        channel: how it goes out.
        agency: to whom.
        target: the address of the day when it was written.
        event: what it tells of, as JSON, perhaps of an older version of ours.
        findings: what it says beside the figures, as JSON; None where it says nothing.
        attempts: how many failed since its schedule began.
        version: grows with every change of it.
    """

    id: str
    channel: Channel
    agency: Scope
    target: str
    event: Document
    findings: Document | None
    attempts: int
    version: int

    def entry(self, target: str) -> Entry:
        """The message, to an address.

        Raises:
            ValidationError: when its event cannot be read.
        """
        event = AlertChanged.model_validate(self.event, strict=False)
        findings = Findings.model_validate(self.findings) if self.findings else None
        return Entry(self.channel, self.agency, target, event, findings)


async def due(database: Database, now: datetime, receiver: str | None = None) -> list[Due]:
    """The next message of each receiver for whom one is due, longest due first.

    Of one alert a receiver is told in order: while an earlier message waits, a later one is not
    due, so that nobody hears that it fires after hearing that it is over.

    Args:
        database: of the outbox.
        now: the present.
        receiver: only this one.
    """
    waiting = {"state": EntryState.WAITING.value}
    rows = database.aggregate(
        OUTBOX,
        [
            {"$match": waiting if receiver is None else waiting | {"receiver": receiver}},
            {"$sort": {"receiver": 1, "event.alert": 1, "event.revision": 1}},
            {
                "$group": {
                    "_id": {"receiver": "$receiver", "alert": "$event.alert"},
                    "revision": {"$first": "$event.revision"},
                    "due_at": {"$first": "$due_at"},
                    "created_at": {"$first": "$created_at"},
                }
            },
            {"$match": {"due_at": {"$lte": now}}},
            {"$sort": {"created_at": 1, "_id": 1}},
            {
                "$group": {
                    "_id": "$_id.receiver",
                    "alert": {"$first": "$_id.alert"},
                    "revision": {"$first": "$revision"},
                    "due_at": {"$first": "$due_at"},
                }
            },
            {"$sort": {"due_at": 1, "_id": 1}},
        ],
    )
    return [Due(row["_id"], row["alert"], row["revision"]) async for row in rows]


async def next_for(database: Database, receiver: str, now: datetime) -> Taken | None:
    """The next message of a receiver; None when none is due."""
    for found in await due(database, now, receiver):
        document = await database[OUTBOX].find_one(
            {
                "receiver": found.receiver,
                "event.alert": found.alert,
                "event.revision": found.revision,
                "state": EntryState.WAITING.value,
            }
        )
        if document is not None:
            return Taken(
                id=document["_id"],
                channel=Channel(document["channel"]),
                agency=document["agency"],
                target=document["target"],
                event=document["event"],
                findings=document.get("findings"),
                attempts=document["attempts"],
                version=document["version"],
            )
    return None


def _attempted(outcome: str, now: datetime) -> Document:
    attempt = {"at": now, "outcome": outcome}
    return {
        "$push": {"history": {"$each": [attempt], "$slice": -_HISTORY}},
        "$inc": {"attempts": 1, "version": 1},
    }


async def delivered(database: Database, taken: Taken, now: datetime) -> None:
    """Note that a message arrived: a fact, whatever somebody else noted meanwhile."""
    await database[OUTBOX].update_one(
        {"_id": taken.id, "state": {"$ne": EntryState.DELIVERED.value}},
        {
            "$set": {"state": EntryState.DELIVERED.value, "delivered_at": now},
            **_attempted("taken", now),
        },
    )


async def not_delivered(
    database: Database, taken: Taken, reason: str, again_at: datetime | None, now: datetime
) -> bool:
    """Note a failed attempt: try again at a moment, or give up.

    Returns:
        Whether that holds; False when the message has moved on since it was read.
    """
    change: Document = (
        {"state": EntryState.GIVEN_UP.value} if again_at is None else {"due_at": again_at}
    )
    result = await database[OUTBOX].update_one(
        {"_id": taken.id, "state": EntryState.WAITING.value, "version": taken.version},
        {"$set": change, **_attempted(reason, now)},
    )
    return result.matched_count == 1


async def begin_anew(database: Database, query: Document, now: datetime, session: Session) -> int:
    """Let messages wait for an attempt at once, and then the whole schedule; how many."""
    result = await database[OUTBOX].update_many(
        query,
        {
            "$set": {"state": EntryState.WAITING.value, "due_at": now, "attempts": 0},
            "$inc": {"version": 1},
        },
        session=session,
    )
    return int(result.matched_count)
