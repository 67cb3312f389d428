"""What waits in the outbox: whose turn it is, and what is noted of an attempt.

A message moves by compare-and-set on its version, so of two that try it at once one decides:

    waiting ──▶ delivered
       │  ▲
       ▼  │ an operator's retry
    given_up
"""

from datetime import datetime
from typing import NamedTuple

from schemas.scope import Scope
from services.notify.alerts.findings import Findings
from services.notify.delivery import content
from services.notify.delivery.outbox import Channel, Entry, EntryState
from services.notify.storage import OUTBOX
from services.runtime.database import Database, Document, Session

_HISTORY = 100
"""So many attempts are remembered, the newest; only those at Kafka are ever more."""


class Due(NamedTuple):
    """The message that is next for a receiver."""

    receiver: str
    series: str | None
    number: int | None

    @property
    def channel(self) -> Channel:
        """How it goes out."""
        return Channel(self.receiver.partition("/")[0])

    @property
    def agency(self) -> Scope:
        """To whom."""
        return self.receiver.split("/")[1]

    @property
    def route(self) -> str | None:
        """Which contact of the agency; None for its own address."""
        return next(iter(self.receiver.split("/")[2:]), None)


class Taken(NamedTuple):
    """A stored message, as it was when its turn came.

    Attributes:
        id: of the message.
        channel: how it goes out.
        agency: to whom.
        route: which contact of the agency; None for its own address.
        content: what it tells, as stored, perhaps by an older version of ours.
        attempts: how many failed since its schedule began.
        version: grows with every change of it.
    """

    id: str
    channel: Channel
    agency: Scope
    route: str | None
    content: Document
    attempts: int
    version: int

    def entry(self) -> Entry:
        """The message.

        Raises:
            ValidationError: when its event cannot be read.
        """
        stored = self.content.get("findings")
        findings = Findings.model_validate(stored) if stored else None
        told = content.of_document(self.content)
        return Entry(self.channel, self.agency, told, findings, self.route)


async def due(database: Database, now: datetime, receiver: str | None = None) -> list[Due]:
    """The next message of each receiver for whom one is due, longest due first.

    What belongs to one series (`content.order`) a receiver is told in order: while an earlier
    message waits, a later one is not due.

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
            {"$sort": {"receiver": 1, "series": 1, "number": 1}},
            {
                "$group": {
                    "_id": {"receiver": "$receiver", "series": "$series"},
                    "number": {"$first": "$number"},
                    "due_at": {"$first": "$due_at"},
                    "created_at": {"$first": "$created_at"},
                }
            },
            {"$match": {"due_at": {"$lte": now}}},
            {"$sort": {"created_at": 1, "_id": 1}},
            {
                "$group": {
                    "_id": "$_id.receiver",
                    "series": {"$first": "$_id.series"},
                    "number": {"$first": "$number"},
                    "due_at": {"$first": "$due_at"},
                }
            },
            {"$sort": {"due_at": 1, "_id": 1}},
        ],
    )
    return [Due(row["_id"], row.get("series"), row["number"]) async for row in rows]


async def next_for(database: Database, receiver: str, now: datetime) -> Taken | None:
    """The next message of a receiver; None when none is due."""
    for found in await due(database, now, receiver):
        document = await database[OUTBOX].find_one(
            {
                "receiver": found.receiver,
                "series": found.series,
                "number": found.number,
                "state": EntryState.WAITING.value,
            }
        )
        if document is not None:
            return Taken(
                id=document["_id"],
                channel=Channel(document["channel"]),
                agency=document["agency"],
                route=document.get("route"),
                content=document,
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
