"""The audit trail: every write by a person or a command, every look at personal data.

Append-only and hash-chained: each entry holds the hash of the one before, so an entry that is
changed, removed or moved breaks the chain behind it. Cutting entries off the end leaves a chain
that is whole; what shows that is the head: it stands in a document of its own, and each new head is
logged, out of the database's reach (`langnghe audit verify --head`).
"""

import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Final, Literal, NamedTuple, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.runtime.database import Database, Document, Session

log = logging.getLogger(__name__)

Result = TypeVar("Result")

ENTRIES: Final = "gateway.audit"
"""Owner: gateway. One `Entry` a document, `_id` its number."""

HEAD: Final = "gateway.audit_head"
"""Owner: gateway. One document: number and hash of the newest entry."""

_START: Final = "0" * 64


class Actor(BaseModel):
    """Who did it.

    Attributes:
        kind: an account that signed in, a command on a machine of the operator, a device.
        name: of the account, of the operating system's user, or the id of the device.
        role: what the account was allowed as, the kind of the device; `command` for a command.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["account", "command", "device"]
    name: str
    role: str


class Entry(BaseModel):
    """One entry of the trail. Holds no personal data: `about` and `details` are ids and rules."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: Annotated[int, Field(ge=1)]
    at: AwareDatetime
    actor: Actor
    action: Annotated[str, Field(description="verb after noun: device.revoke")]
    about: Annotated[str, Field(description="Id of what was written or looked at")]
    details: dict[str, str]
    previous: Annotated[str, Field(description="Hash of the entry before")]

    @property
    def hash(self) -> str:
        """SHA-256 of the entry as canonical JSON (sorted keys, no spaces, times in UTC)."""
        content = self.model_dump(mode="json") | {"at": self.at.astimezone(UTC).isoformat()}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


class Head(NamedTuple):
    """The newest entry: its number, 0 when there is none, and its hash."""

    number: int
    hash: str

    def __str__(self) -> str:
        """As it is logged and given to `langnghe audit verify --head`."""
        return f"{self.number}:{self.hash}"


class Act(NamedTuple):
    """What is to be written down: who did what to which thing."""

    actor: Actor
    action: str
    about: str
    details: Mapping[str, str] = {}


async def begin(database: Database) -> None:
    """Write the head of an empty trail, once; two first entries at a time could not both do it."""
    await database[HEAD].update_one(
        {"_id": "head"}, {"$setOnInsert": {"number": 0, "hash": _START}}, upsert=True
    )


async def _append(database: Database, session: Session, act: Act, now: datetime) -> Head:
    """Add one entry, inside a transaction."""
    before = await database[HEAD].find_one_and_update(
        {"_id": "head"}, {"$inc": {"number": 1}}, return_document=True, session=session
    )
    if not before:
        msg = f"database {database.name} is not prepared: run `langnghe prepare`"
        raise RuntimeError(msg)
    # MongoDB keeps milliseconds: the hash is of what can be read back.
    at = now.replace(microsecond=now.microsecond // 1000 * 1000)
    entry = Entry(
        number=before["number"],
        at=at,
        actor=act.actor,
        action=act.action,
        about=act.about,
        details=dict(act.details),
        previous=before["hash"],
    )
    await database[ENTRIES].insert_one(
        {"_id": entry.number, **entry.model_dump(exclude={"number"}), "hash": entry.hash},
        session=session,
    )
    await database[HEAD].update_one(
        {"_id": "head"}, {"$set": {"hash": entry.hash}}, session=session
    )
    return Head(entry.number, entry.hash)


async def audited(
    database: Database,
    work: Callable[[Session], Awaitable[tuple[Result, Act | None]]],
    now: datetime,
) -> Result:
    """Do something and write it into the trail, in one transaction: neither is there alone.

    The new head is logged: whoever keeps the log can prove what the trail held.

    Args:
        database: of both.
        work: does it and says what to write down; None where nothing was done. May run again.
        now: when it was done.
    """

    async def whole(session: Session) -> tuple[Result, Head | None]:
        result, act = await work(session)
        return result, await _append(database, session, act, now) if act else None

    result, head = await database.transaction(whole)
    if head is not None:
        log.info("audit head %s", head)
    return result


async def note(database: Database, act: Act, now: datetime) -> None:
    """Add one entry that stands for itself, as for a look at personal data."""

    async def nothing(_session: Session) -> tuple[None, Act]:
        return None, act

    await audited(database, nothing, now)


def _entry(document: Document) -> Entry:
    fields = {name: value for name, value in document.items() if name not in {"_id", "hash"}}
    return Entry.model_validate({"number": document["_id"], **fields})


async def entries(database: Database, before: int | None, limit: int) -> list[Entry]:
    """The newest entries, newest first; only those below a number, if one is given."""
    query = {} if before is None else {"_id": {"$lt": before}}
    cursor = database[ENTRIES].find(query).sort("_id", -1).limit(limit)
    return [_entry(document) async for document in cursor]


async def verify(database: Database, known: Head | None) -> tuple[Head, list[str]]:
    """Walk the chain from its start; the head, and what is wrong with it, in words.

    Args:
        database: that holds the trail.
        known: a head from a log, if there is one: the trail must still contain it.
    """
    problems: list[str] = []
    number, previous = 0, _START
    met = known is None
    async for document in database[ENTRIES].find().sort("_id", 1):
        expected = number + 1
        if document["_id"] != expected:
            problems.append(f"entries {expected} to {document['_id'] - 1} are missing")
        try:
            entry = _entry(document)
        except (ValueError, KeyError):
            problems.append(f"entry {document['_id']} cannot be read")
            number, previous = document["_id"], str(document.get("hash"))
            continue
        if entry.hash != document["hash"]:
            problems.append(f"entry {entry.number} was changed")
        if entry.previous != previous:
            problems.append(f"entry {entry.number} does not follow the one before it")
        number, previous = entry.number, document["hash"]
        if known is not None and (number, previous) == known:
            met = True
    head = await database[HEAD].find_one({"_id": "head"})
    stated = Head(head["number"], head["hash"]) if head else Head(0, _START)
    if stated != (number, previous):
        problems.append(f"the head says {stated.number} entries, the last one is {number}")
    if not met:
        problems.append(f"entry {known.number if known else 0} is not the one that was logged")
    return Head(number, previous), problems
