"""Which dossier tokens have voted: one vote each, and after a while no telling which vote.

A token's digest stands here, not in the response. Beside it stands the response's id for as long
as Kafka may deliver the record again, so that a repetition is told from a second vote; then the
link is cut, and whoever holds a token can no longer find what was answered with it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from pymongo.errors import BulkWriteError

from schemas.topics import FEEDBACK_SUBMITTED
from services.ingest.responses import Stored
from services.ingest.writing import DUPLICATE_KEY, without_input
from services.runtime.database import Database, Document

SPENT: Final = "ingest.spent_tokens"
"""Owner: ingest. One document a token, `_id` its digest; `response` until the link is cut."""

KEPT_FOR: Final = timedelta(days=400)
"""Longer than any token is good for (`langnghe tokens issue`)."""

_LINKED_FOR: Final = (FEEDBACK_SUBMITTED.retention or timedelta(days=14)) + timedelta(days=1)


async def spend(database: Database, items: Sequence[Stored], now: datetime) -> set[int]:
    """Note the tokens of some responses; source offsets of those whose token voted before.

    Raises:
        DatabaseError: when MongoDB fails for another reason than a known token.
    """
    marks: list[tuple[Stored, Document]] = [
        (item, {"_id": item.response.dossier_token, "response": item.response.id, "at": now})
        for item in items
        if item.response.dossier_token is not None
    ]
    if not marks:
        return set()
    try:
        await database[SPENT].insert_many([mark for _, mark in marks], ordered=False)
    except BulkWriteError as error:
        failures = error.details["writeErrors"]
        concern_errors = error.details.get("writeConcernErrors")
        if concern_errors or any(failure["code"] != DUPLICATE_KEY for failure in failures):
            raise without_input(error) from None
        doubted = [marks[failure["index"]][0] for failure in failures]
    else:
        return set()
    tokens = [item.response.dossier_token for item in doubted]
    found = database[SPENT].find({"_id": {"$in": tokens}}, {"response": 1})
    by = {document["_id"]: document.get("response") async for document in found}
    return {
        item.source.offset
        for item in doubted
        if by.get(item.response.dossier_token) != item.response.id
    }


async def cut_links(database: Database, now: datetime) -> None:
    """Forget which response was whose, where no repetition can come any more."""
    await database[SPENT].update_many(
        {"at": {"$lt": now - _LINKED_FOR}, "response": {"$exists": True}},
        {"$unset": {"response": ""}},
    )
