"""Contacts in MongoDB: kept sealed, looked at with a trace, erased by destroying their key."""

import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from bson import Binary
from pymongo import ASCENDING, IndexModel

from schemas.collections import RESPONSES
from schemas.masking import mask
from services.gateway.audit import Act, Actor, audited
from services.gateway.contacts.asking import ContactRequest
from services.gateway.contacts.sealing import MasterKey, Sealed
from services.runtime.database import Database, Session

CONTACTS: Final = "gateway.contacts"
"""Owner: gateway. One document a contact: what is sealed, for which response, by which consent."""

KEYS: Final = "gateway.contact_keys"
"""Owner: gateway. The key of each contact, wrapped by the master key. Backed up apart, or not."""

# MongoDB removes a document within a minute or so of its time; reading asks for the time as well.
EXPIRING: Final = [IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0)]


class UnknownContactError(Exception):
    """There is no such contact: it was erased, it expired, or it never was."""


class WrongTokenError(Exception):
    """The token is not the one that was given out with the contact."""


class Kept(NamedTuple):
    """What the citizen gets: only now is the token known."""

    id: UUID
    erase_token: str
    expires_at: datetime


class Listed(NamedTuple):
    """A contact without what is sealed in it; the unit is None until the response is stored."""

    id: UUID
    response: UUID
    unit: str | None
    kind: str
    expires_at: datetime


def _hash(token: str) -> bytes:
    """Of 256 random bits: nothing slower is needed."""
    return hashlib.sha256(token.encode()).digest()


async def keep(
    database: Database, key: MasterKey, request: ContactRequest, days: int, now: datetime
) -> Kept:
    """Seal and keep contact data for a number of days."""
    contact, token = uuid4(), secrets.token_urlsafe(32)
    sealed = key.seal(contact, request.value)
    expires_at = now + timedelta(days=days)

    async def work(session: Session) -> None:
        await database[KEYS].insert_one(
            {"_id": contact, "key": Binary(sealed.key), "expires_at": expires_at}, session=session
        )
        await database[CONTACTS].insert_one(
            {
                "_id": contact,
                "response": request.response,
                "kind": request.kind,
                "value": Binary(sealed.value),
                "consent": {"text_version": request.consent.text_version, "given_at": now},
                "erase_hash": Binary(_hash(token)),
                "expires_at": expires_at,
            },
            session=session,
        )

    await database.transaction(work)
    return Kept(contact, token, expires_at)


async def _destroy(database: Database, contact: UUID, session: Session | None = None) -> None:
    # The key first: whatever happens then, nothing can be read any more.
    await database[KEYS].delete_one({"_id": contact}, session=session)
    await database[CONTACTS].delete_one({"_id": contact}, session=session)


async def erase(database: Database, contact: UUID, token: str) -> None:
    """Erase a contact for the citizen, who holds the token.

    Raises:
        UnknownContactError: when there is none, so also when it was erased before.
        WrongTokenError: when the token is another one.
    """
    document = await database[CONTACTS].find_one({"_id": contact}, {"erase_hash": 1})
    if document is None:
        raise UnknownContactError
    if not hmac.compare_digest(document["erase_hash"], _hash(token)):
        raise WrongTokenError
    await _destroy(database, contact)


async def erase_as(
    database: Database, contact: UUID, actor: Actor, why: str, now: datetime
) -> None:
    """Erase a contact on the citizen's word, with an entry in the audit trail.

    Raises:
        UnknownContactError: when there is none.
    """

    async def work(session: Session) -> tuple[None, Act]:
        found = await database[CONTACTS].find_one({"_id": contact}, {"_id": 1}, session=session)
        if found is None:
            raise UnknownContactError
        await _destroy(database, contact, session)
        return None, Act(actor, "contact.erase", str(contact), {"why": mask(why)})

    await audited(database, work, now)


async def look(
    database: Database, key: MasterKey, contact: UUID, actor: Actor, why: str, now: datetime
) -> str:
    """The telephone number or address, given out only once the look stands in the audit trail.

    Raises:
        UnknownContactError: when there is none, or its key is destroyed, or its time is over.
        SealError: when it does not open.
    """

    async def work(session: Session) -> tuple[str, Act]:
        due = {"_id": contact, "expires_at": {"$gt": now}}
        document = await database[CONTACTS].find_one(due, session=session)
        wrapped = await database[KEYS].find_one(due, session=session)
        if document is None or wrapped is None:
            raise UnknownContactError
        value = key.open(contact, Sealed(value=document["value"], key=wrapped["key"]))
        return value, Act(actor, "contact.look", str(contact), {"why": mask(why)})

    return await audited(database, work, now)


async def listing(database: Database, now: datetime) -> AsyncIterator[Listed]:
    """Every contact that has not expired, the next to expire first."""
    fields = {"response": 1, "kind": 1, "expires_at": 1}
    async for document in (
        database[CONTACTS].find({"expires_at": {"$gt": now}}, fields).sort("expires_at", ASCENDING)
    ):
        about = await database[RESPONSES].find_one({"_id": document["response"]}, {"unit": 1})
        yield Listed(
            id=document["_id"],
            response=document["response"],
            unit=about["unit"] if about else None,
            kind=document["kind"],
            expires_at=document["expires_at"],
        )
