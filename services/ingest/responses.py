"""Stores responses once each, and tells a redelivery from the same event sent twice."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import cached_property
from typing import Any, Final
from uuid import UUID

import msgspec
from bson.raw_bson import RawBSONDocument
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from method.counted import Exclusion
from schemas.collections import RESPONSES
from schemas.feedback import FeedbackSubmitted, SourcePosition, Violation
from schemas.scope import Scope
from services.ingest.reading import Rejection
from services.ingest.writing import DUPLICATE_KEY, refusal, without_input
from services.runtime.database import Database, Document, encoded

_NOT_ANSWERED: Final = frozenset({"received_at", "dossier_token"})


class Outcome(Enum):
    """What storing a response came to."""

    NEW = auto()
    REDELIVERED = auto()
    """The very same record was stored before: publish it again, it may not have been."""
    DUPLICATE = auto()
    """The same event from another record: it counts once."""
    ID_REUSED = auto()
    """Another event with the id of one that is stored."""
    SEQUENCE_REUSED = auto()
    """Another event with a number that its device has used before: two machines have one key."""


@dataclass(frozen=True)
class Stored:
    """A response that counts, with its place in the topic and in the country."""

    response: FeedbackSubmitted
    source: SourcePosition
    above: list[Scope]

    @property
    def digest(self) -> bytes:
        """A fingerprint of what was answered. The time of receipt differs between two attempts to
        send one answer, so it is left out; so is the token, which nothing stored may lead to."""
        return _fingerprint(self._answered())

    @cached_property
    def document(self) -> RawBSONDocument:
        """As MongoDB keeps it; the token stays in `spent`, apart."""
        fields = self._answered()
        digest = _fingerprint(fields)
        return encoded(
            {
                "_id": fields.pop("id"),
                **fields,
                "received_at": self.response.received_at,
                "channel": self.response.channel.value,
                "stage": self.response.stage.value,
                "above": self.above,
                "digest": digest,
                "source": vars(self.source),
            }
        )

    def _answered(self) -> dict[str, Any]:
        # The values as they are: to have them copied takes three times as long.
        return {
            name: value
            for name, value in vars(self.response).items()
            if value is not None and name not in _NOT_ANSWERED
        }


def _fingerprint(answered: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(msgspec.json.encode(answered)).digest()


async def _stored(
    database: Database, responses: Sequence[FeedbackSubmitted]
) -> dict[UUID, Document]:
    """What was written down of responses, by id; without what they say."""
    ids = [response.id for response in responses]
    written = {"source": 1, "copies": 1, "digest": 1, "above": 1}
    found = database[RESPONSES].find({"_id": {"$in": ids}}, written)
    return {document["_id"]: document async for document in found}


async def seen_before(
    database: Database, suspects: Sequence[tuple[SourcePosition, FeedbackSubmitted]]
) -> dict[int, Stored]:
    """Those records that were stored before, or recognised as copies, by source offset."""
    if not suspects:
        return {}
    found = await _stored(database, [response for _, response in suspects])
    return {
        source.offset: Stored(response, source, document["above"])
        for source, response in suspects
        if (document := found.get(response.id))
        and source.model_dump() in [document["source"], *document.get("copies", [])]
    }


async def stored_at(database: Database, sources: Sequence[SourcePosition]) -> SourcePosition | None:
    """The first of these places in the topic whose record was stored; None when none was."""
    if not sources:
        return None
    found = await database[RESPONSES].find_one(
        {
            "source.partition": sources[0].partition,
            "source.offset": {"$in": [source.offset for source in sources]},
        },
        {"source": 1},
        sort=[("source.offset", 1)],
    )
    return SourcePosition.model_validate(found["source"]) if found else None


async def _outcomes_of_known(
    database: Database, known: Sequence[Stored]
) -> list[tuple[Stored, Outcome]]:
    found = await _stored(database, [item.response for item in known])
    outcomes: list[tuple[Stored, Outcome]] = []
    traces: list[UpdateOne] = []
    for item in known:
        before = found.get(item.response.id)
        if before is None:
            outcomes.append((item, Outcome.SEQUENCE_REUSED))
        elif before["source"] == item.source.model_dump():
            # What it was first published with, though the registry may say otherwise by now.
            outcomes.append((replace(item, above=before["above"]), Outcome.REDELIVERED))
        elif before["digest"] == item.digest:
            outcomes.append((item, Outcome.DUPLICATE))
            trace = {"$addToSet": {"copies": item.source.model_dump()}}
            traces.append(UpdateOne({"_id": item.response.id}, trace))
        else:
            outcomes.append((item, Outcome.ID_REUSED))
    if traces:
        await database[RESPONSES].bulk_write(traces, ordered=False)
    return outcomes


async def store(
    database: Database, items: Sequence[Stored]
) -> list[tuple[Stored, Outcome | Rejection]]:
    """Insert the responses of one partition that are not there yet.

    Returns:
        Every item with its outcome, in the order of the source offsets; a rejection for a document
        that MongoDB cannot take.

    Raises:
        DatabaseError: when MongoDB fails for a reason that is not one document's.
    """
    if not items:
        return []
    outcomes: dict[int, tuple[Stored, Outcome | Rejection]] = {
        item.source.offset: (item, Outcome.NEW) for item in items
    }
    try:
        await database[RESPONSES].insert_many([item.document for item in items], ordered=False)
    except BulkWriteError as error:
        known: list[Stored] = []
        if error.details.get("writeConcernErrors"):
            raise without_input(error) from None
        for failure in error.details["writeErrors"]:
            item = items[failure["index"]]
            if failure["code"] == DUPLICATE_KEY:
                known.append(item)
            elif why := refusal(failure):
                rule = Violation(field="record", rule=why)
                outcomes[item.source.offset] = (item, Rejection(Exclusion.ERROR, (rule,)))
            else:
                raise without_input(error) from None
        for item, outcome in await _outcomes_of_known(database, known):
            outcomes[item.source.offset] = (item, outcome)
    return list(outcomes.values())
