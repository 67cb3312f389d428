"""What an operator sees of the outbox, and does to it. Never an address: it may hold a secret."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Self

from services.notify.delivery import content, endpoints, waiting
from services.notify.delivery.endpoints import Closed
from services.notify.delivery.outbox import EntryState
from services.notify.storage import ENDPOINTS, OUTBOX
from services.runtime.database import Database, Document, Session


class DeliveryError(Exception):
    """What was asked for cannot be done, and why."""


class BusyError(Exception):
    """Something is being delivered to the receiver just now."""


class Standing(StrEnum):
    """Where a delivery stands; `disabled` is one that waits for an endpoint that is gone."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    DISABLED = "disabled"


class Tried(NamedTuple):
    """One attempt: when, and what came back."""

    at: datetime
    outcome: str


@dataclass(frozen=True)
class Delivery:
    """A message to one receiver.

    Attributes:
        id: of the message; the same over all attempts.
        receiver: channel and agency.
        alert: that it tells of; of several, how many.
        told: the state that it tells of; of several, `together`, or `digest`.
        standing: where it stands.
        created_at: when the alert moved.
        next_at: when it is tried again, while it waits.
        tried: the attempts, oldest first.
    """

    id: str
    receiver: str
    alert: str
    told: str
    standing: Standing
    created_at: datetime
    next_at: datetime | None
    tried: tuple[Tried, ...]

    @classmethod
    def of(cls, document: Document, closed: dict[str, Closed]) -> Self:
        """From the stored message and the receivers that are closed now."""
        shut = closed.get(document["receiver"])
        standing = Standing(document["state"])
        next_at: datetime | None = None
        if standing is Standing.WAITING:
            if shut is not None and shut.disabled_at is not None:
                standing = Standing.DISABLED
            else:
                until = shut.until if shut else None
                next_at = max(document["due_at"], until or document["due_at"])
        alert, told = _about(document)
        return cls(
            id=document["_id"],
            receiver=document["receiver"],
            alert=alert,
            told=told,
            standing=standing,
            created_at=document["created_at"],
            next_at=next_at,
            tried=tuple(Tried(one["at"], one["outcome"]) for one in document["history"]),
        )


def _about(document: Document) -> tuple[str, str]:
    event, kind = document["event"], document.get("content", "alert")
    match kind:
        case "together":
            return f"{len(event['events'])} alerts", kind
        case "digest":
            return event["day"], kind
    return event["alert"], event["state"]


async def listing(
    database: Database,
    standing: Standing | None,
    receiver: str | None,
    limit: int,
    now: datetime,
) -> list[Delivery]:
    """Deliveries, newest first; of one standing or receiver, if given."""
    closed = await endpoints.closed(database, now)
    disabled = [name for name, one in closed.items() if one.disabled_at is not None]
    query: list[Document] = [{} if receiver is None else {"receiver": receiver}]
    match standing:
        case Standing.DISABLED:
            query.append({"state": EntryState.WAITING.value, "receiver": {"$in": disabled}})
        case Standing.WAITING:
            query.append({"state": EntryState.WAITING.value, "receiver": {"$nin": disabled}})
        case Standing():
            query.append({"state": standing.value})
    cursor = database[OUTBOX].find({"$and": query}).sort([("created_at", -1), ("_id", 1)])
    return [Delivery.of(document, closed) async for document in cursor.limit(limit)]


async def one(database: Database, identity: str, now: datetime) -> Delivery | None:
    """The delivery of an id; None when there is none."""
    document = await database[OUTBOX].find_one({"_id": identity})
    return Delivery.of(document, await endpoints.closed(database, now)) if document else None


async def earlier(database: Database, delivery: Delivery) -> str | None:
    """The id of the message of the same alert that has to be told, or given up, before this one."""
    document = await database[OUTBOX].find_one({"_id": delivery.id})
    first = document and await database[OUTBOX].find_one(
        _of_the_same(document, EntryState.WAITING, "$lt"), sort=[("number", 1)]
    )
    return str(first["_id"]) if first else None


def _of_the_same(document: Document, state: EntryState, than: str) -> Document:
    """Messages to the same receiver that tell an earlier or a later part of what this one tells."""
    parts = [
        {"tells": {"$elemMatch": {"of": told.of, "number": {than: told.number}}}}
        for told in content.tells(content.of_document(document))
    ]
    return {"receiver": document["receiver"], "state": state.value, "$or": parts}


async def retry(database: Database, session: Session, identity: str, now: datetime) -> None:
    """Have a message that waits or was given up tried now, and then by the whole schedule again.

    Raises:
        DeliveryError: when it was delivered, its endpoint is disabled, or a later message of the
            same alert was delivered: nobody is told that an alert fires after it is over.
        BusyError: when something is being delivered to the receiver.
    """
    document = await database[OUTBOX].find_one({"_id": identity}, session=session)
    if document is None:
        msg = "no such delivery"
        raise DeliveryError(msg)
    if document["state"] == EntryState.DELIVERED.value:
        msg = "was delivered"
        raise DeliveryError(msg)
    later = _of_the_same(document, EntryState.DELIVERED, "$gt")
    if await database[OUTBOX].find_one(later, session=session):
        msg = "a later message of the same alert was delivered"
        raise DeliveryError(msg)
    # Those of one series are told in order all the same.
    later = _of_the_same(document, EntryState.WAITING, "$gt")
    later["series"] = {"$ne": document.get("series")}
    if await database[OUTBOX].find_one(later, session=session):
        msg = "a later message of the same alert waits"
        raise DeliveryError(msg)
    # Written to, not only read: whoever claims it at the same time is told of a conflict.
    endpoint = await database[ENDPOINTS].find_one_and_update(
        {"_id": document["receiver"]}, {"$set": {"not_before": None}}, session=session
    )
    if endpoint is not None and endpoint.get("disabled"):
        msg = f"{document['receiver']} is disabled: see `langnghe deliveries enable`"
        raise DeliveryError(msg)
    if endpoint is not None and (busy := endpoint.get("busy_until")) and busy > now:
        raise BusyError
    await waiting.begin_anew(database, {"_id": identity}, now, session)
