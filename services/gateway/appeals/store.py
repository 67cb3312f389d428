"""Appeals in MongoDB: one document a response that is appealed."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field
from pymongo import ASCENDING, DESCENDING, IndexModel

from method.appeals import Party, Verdict
from services.runtime.database import Database, Document, Session

APPEALS: Final = "gateway.appeals"
"""Owner: gateway. One document an appeal, `_id` its response: `filed` and, once, `decided`, each
with account, agency, time and words."""

INDEXES: Final = [IndexModel([("unit", ASCENDING), ("filed.at", DESCENDING)])]


class FlagState(StrEnum):
    """What is known of a rating that was appealed."""

    FILED = "filed"
    UPHELD = "upheld"
    REJECTED = "rejected"


class Flag(BaseModel):
    """Stands at an answer that its office holds for mistaken. It is counted all the same."""

    state: FlagState
    filed_at: AwareDatetime
    decided_at: Annotated[AwareDatetime | None, Field(description="None while it is undecided")]


def flag(document: Document) -> Flag:
    """The flag that an appeal puts at its answer."""
    decided = document.get("decided")
    return Flag(
        state=FlagState(decided["verdict"]) if decided else FlagState.FILED,
        filed_at=document["filed"]["at"],
        decided_at=decided["at"] if decided else None,
    )


async def flags(database: Database, responses: Iterable[UUID]) -> dict[UUID, Flag]:
    """The flags of those responses that were appealed."""
    query = {"_id": {"$in": list(responses)}}
    return {found["_id"]: flag(found) async for found in database[APPEALS].find(query)}


def filer(document: Document) -> Party:
    """Who filed an appeal."""
    return Party(document["filed"]["account"], document["filed"]["agency"])


async def file(
    database: Database,
    session: Session,
    response: Document,
    by: Party,
    reason: str,
    now: datetime,
) -> Document:
    """File an appeal against the rating of a response that has none yet."""
    filed = {**by._asdict(), "at": now, "reason": reason}
    document = {"_id": response["_id"], "unit": response["unit"], "filed": filed}
    await database[APPEALS].insert_one(document, session=session)
    return document


async def decide(
    database: Database,
    session: Session,
    response: UUID,
    by: Party,
    verdict: Verdict,
    words: str,
    now: datetime,
) -> None:
    """Decide an appeal that is not decided yet."""
    decided = {**by._asdict(), "at": now, "verdict": verdict.value, "words": words}
    await database[APPEALS].update_one(
        {"_id": response, "decided": {"$exists": False}},
        {"$set": {"decided": decided}},
        session=session,
    )


async def listing(
    database: Database, units: Iterable[str] | None, limit: int
) -> list[dict[str, Any]]:
    """Appeals of units, of all if none are given: the undecided first, then the newest."""
    of: dict[str, Any] = {} if units is None else {"unit": {"$in": list(units)}}
    found: list[Document] = []
    for decided in (False, True):
        query = {**of, "decided": {"$exists": decided}}
        part = database[APPEALS].find(query).sort("filed.at", DESCENDING)
        if limit > len(found):
            found += await part.to_list(limit - len(found))
    return found
