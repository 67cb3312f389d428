"""Stores responses once each, and tells a redelivery from the same event sent twice."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from uuid import UUID

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from schemas.collections import RESPONSES
from schemas.feedback import FeedbackSubmitted, SourcePosition
from schemas.scope import Scope
from services.runtime.database import Database, Document

_DUPLICATE_KEY = 11000


class Outcome(Enum):
    """What storing a response came to."""

    NEW = auto()
    REDELIVERED = auto()
    """The very same record was stored before: publish it again, it may not have been."""
    DUPLICATE = auto()
    """The same event from another record: it counts once."""
    ID_REUSED = auto()
    """Another event with the id of one that is stored."""


@dataclass(frozen=True)
class Stored:
    """A response that counts, with its place in the topic and in the country."""

    response: FeedbackSubmitted
    source: SourcePosition
    above: list[Scope]

    @property
    def digest(self) -> bytes:
        """A fingerprint of what was answered. The time of receipt differs between two attempts to
        send one answer, so it is left out."""
        text = self.response.model_dump_json(exclude={"received_at"}, exclude_none=True)
        return hashlib.sha256(text.encode()).digest()

    def document(self) -> Document:
        """As MongoDB keeps it."""
        fields = self.response.model_dump(mode="python", exclude_none=True)
        return {
            **fields,
            "_id": fields.pop("id"),
            "channel": self.response.channel.value,
            "stage": self.response.stage.value,
            "above": self.above,
            "digest": self.digest,
            "source": self.source.model_dump(),
        }


async def _outcome_of_known(database: Database, known: Sequence[Stored]) -> dict[int, Outcome]:
    ids = [item.response.id for item in known]
    found: dict[UUID, Document] = {
        document["_id"]: document
        async for document in database[RESPONSES].find(
            {"_id": {"$in": ids}}, {"source": 1, "digest": 1}
        )
    }
    outcomes: dict[int, Outcome] = {}
    traces: list[UpdateOne] = []
    for item in known:
        before = found[item.response.id]
        if before["source"] == item.source.model_dump():
            outcome = Outcome.REDELIVERED
        elif before["digest"] == item.digest:
            outcome = Outcome.DUPLICATE
            trace = {"$addToSet": {"copies": item.source.model_dump()}}
            traces.append(UpdateOne({"_id": item.response.id}, trace))
        else:
            outcome = Outcome.ID_REUSED
        outcomes[item.source.offset] = outcome
    if traces:
        await database[RESPONSES].bulk_write(traces, ordered=False)
    return outcomes


async def store(database: Database, items: Sequence[Stored]) -> dict[int, Outcome]:
    """Insert the responses of one partition that are not there yet.

    Returns:
        The outcome of every item, by its source offset.

    Raises:
        DatabaseError: when MongoDB fails for another reason than a known id.
    """
    if not items:
        return {}
    outcomes = {item.source.offset: Outcome.NEW for item in items}
    try:
        await database[RESPONSES].insert_many([item.document() for item in items], ordered=False)
    except BulkWriteError as error:
        failures = error.details["writeErrors"]
        concern_errors = error.details.get("writeConcernErrors")
        if concern_errors or any(failure["code"] != _DUPLICATE_KEY for failure in failures):
            raise
        known = [items[failure["index"]] for failure in failures]
        outcomes |= await _outcome_of_known(database, known)
    return outcomes
