"""What an operator makes of a record that was set aside: sent again, or discarded. Kept for good.

A replayed record is a new record with the response id of the old one. So sending it twice, as after
a crash between the sending and the marking, is harmless: ingest knows the second by its id.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import ValidationError

from method.counted import Exclusion
from schemas.base import read
from schemas.collections import QUARANTINE
from schemas.feedback import FeedbackSubmitted, SourcePosition, Violation
from services.runtime.database import Database, Document, Session

_AS_IT_CAME = ("id", "received_at")
"""An edited record keeps its id, by which it counts once, and the time that lateness is measured
from."""


@dataclass(frozen=True)
class Resolution:
    """What became of a record.

    Attributes:
        kind: sent again to feedback.submitted.v1, or left aside for good.
        at: when.
        by: the operator.
        edited: whether what was sent differs from what came.
        why: in the operator's words, for one that is discarded.
    """

    kind: Literal["replayed", "discarded"]
    at: datetime
    by: str
    edited: bool = False
    why: str | None = None


@dataclass(frozen=True)
class Aside:
    """A record that was set aside, as it is kept."""

    id: str
    reason: Exclusion
    violations: tuple[Violation, ...]
    unit: str | None
    source: SourcePosition
    value: bytes | None
    quarantined_at: datetime
    resolution: Resolution | None

    @classmethod
    def of(cls, document: Document) -> "Aside":
        """From how MongoDB keeps it."""
        resolution = document.get("resolution")
        return cls(
            id=document["_id"],
            reason=Exclusion(document["reason"]),
            violations=tuple(Violation.model_validate(v) for v in document["violations"]),
            unit=document["unit"],
            source=SourcePosition.model_validate(document["source"]),
            value=document["value"],
            quarantined_at=document["quarantined_at"],
            resolution=Resolution(**resolution) if resolution else None,
        )


async def open_reasons(database: Database) -> dict[Exclusion, int]:
    """How many records wait for an operator, by reason, most first."""
    rows = database.aggregate(
        QUARANTINE,
        [
            {"$match": {"resolution": None}},
            {"$group": {"_id": "$reason", "n": {"$sum": 1}}},
            {"$sort": {"n": -1, "_id": 1}},
        ],
    )
    return {Exclusion(row["_id"]): int(row["n"]) async for row in rows}


async def open_records(
    database: Database, reason: Exclusion | None, unit: str | None, limit: int
) -> list[Aside]:
    """Records that wait for an operator, newest first; of one reason or unit, if given."""
    query: dict[str, Any] = {"resolution": None}
    if reason is not None:
        query["reason"] = reason.value
    if unit is not None:
        query["unit"] = unit
    cursor = database[QUARANTINE].find(query).sort([("quarantined_at", -1), ("_id", 1)])
    return [Aside.of(document) async for document in cursor.limit(limit)]


async def one(database: Database, identity: str) -> Aside | None:
    """The record of an id; None when there is none."""
    document = await database[QUARANTINE].find_one({"_id": identity})
    return Aside.of(document) if document else None


async def resolve(
    database: Database, session: Session, identity: str, resolution: Resolution
) -> bool:
    """Write down what became of an open record; False when that was written down before."""
    done = await database[QUARANTINE].update_one(
        {"_id": identity, "resolution": None},
        {"$set": {"resolution": asdict(resolution)}},
        session=session,
    )
    return done.modified_count == 1


def to_send(came: bytes | None, edited: bytes | None) -> FeedbackSubmitted | list[Violation]:
    """The response to send again, or the rules that it breaks.

    Args:
        came: the record as it was set aside.
        edited: what an operator made of it, if anything.
    """
    value = came if edited is None else edited
    if value is None:
        return [Violation(field="body", rule="must not be empty")]
    try:
        response = read(FeedbackSubmitted, value)
    except ValidationError as error:
        return Violation.all_of(error)
    changed = _changed(came, value, response) if edited is not None else []
    if changed:
        return [Violation(field=name, rule="must stay as it came") for name in changed]
    return response


def _changed(came: bytes | None, edited: bytes, response: FeedbackSubmitted) -> list[str]:
    """Which of `_AS_IT_CAME` differ, of those that were well-formed in the record that came."""
    try:
        before = json.loads(came or b"")
    except (ValueError, RecursionError):
        return []
    if not isinstance(before, dict):
        return []
    after = json.loads(edited)
    changed: list[str] = []
    for name in _AS_IT_CAME:
        if name in before:
            restored = json.dumps(after | {name: before[name]}).encode()
            try:
                kept = read(FeedbackSubmitted, restored)
            except ValidationError:
                continue  # it was the fault
            if getattr(kept, name) != getattr(response, name):
                changed.append(name)
    return changed
