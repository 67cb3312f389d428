"""Cases in MongoDB: one document a case, and its steps, which are only ever added to."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from bson import Binary
from pymongo import ASCENDING, DESCENDING, IndexModel

from method.cases import Step, StepKind
from schemas.collections import RESPONSES
from services.runtime.database import Database, Document, Session

CASES: Final = "gateway.cases"
"""Owner: gateway. One document a case: its response, when it was opened, the hash of the citizen's
secret, and `last`, the kind and time of its newest step, to find it by. `unit` is None until the
response is stored; until then it has an `expires_at`, because there may never be one."""

STEPS: Final = "gateway.case_steps"
"""Owner: gateway. One document a step, `_id` case/number, from 1. Never changed, never removed."""

CASE_INDEXES: Final = [
    IndexModel([("secret_hash", ASCENDING)], unique=True),
    IndexModel([("unit", ASCENDING), ("opened_at", ASCENDING)]),
    IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
]
STEP_INDEXES: Final = [IndexModel([("case", ASCENDING), ("number", ASCENDING)], unique=True)]

RECENT: Final = timedelta(days=90)
"""How long cases are listed that no agency has to answer any more."""

_AT_ONCE: Final = 500
_WAITING: Final = (None, StepKind.TAKEN.value, StepKind.REOPENED.value)


@dataclass(frozen=True)
class Case:
    """A case and its history."""

    id: UUID
    response: UUID
    unit: str | None
    opened_at: datetime
    steps: tuple[Step, ...] = ()


def secret_hash(secret: str) -> bytes:
    """Of 256 random bits: nothing slower is needed."""
    return hashlib.sha256(secret.encode()).digest()


async def begin(
    database: Database,
    session: Session,
    response: UUID,
    secret: str,
    expires_at: datetime,
    now: datetime,
) -> UUID:
    """Open a case; its id.

    Args:
        database: to write to.
        session: of the transaction that keeps the contact.
        response: it is about.
        secret: that the citizen gets; only its hash is kept.
        expires_at: when the case goes if there is no such response until then.
        now: the time of opening.
    """
    case = uuid4()
    document = {
        "_id": case,
        "response": response,
        "secret_hash": Binary(secret_hash(secret)),
        "opened_at": now,
        "unit": None,
        "last": None,
        "expires_at": expires_at,
    }
    await database[CASES].insert_one(document, session=session)
    return case


async def give_to_offices(database: Database) -> None:
    """Find the offices of cases whose responses have been stored by now."""
    query = {"expires_at": {"$exists": True}}
    lost = await database[CASES].find(query, {"response": 1}).to_list(None)
    for part in (lost[start : start + _AT_ONCE] for start in range(0, len(lost), _AT_ONCE)):
        about = {"_id": {"$in": [document["response"] for document in part]}}
        async for found in database[RESPONSES].find(about, {"unit": 1}):
            await database[CASES].update_many(
                {"response": found["_id"], "unit": None},
                {"$set": {"unit": found["unit"]}, "$unset": {"expires_at": ""}},
            )


def _step(document: Document) -> Step:
    return Step(
        StepKind(document["kind"]), document["at"], document.get("agency"), document.get("text")
    )


async def _with_steps(
    database: Database, documents: Sequence[Document], session: Session | None = None
) -> list[Case]:
    steps: dict[UUID, list[Step]] = defaultdict(list)
    query = {"case": {"$in": [document["_id"] for document in documents]}}
    async for found in database[STEPS].find(query, session=session).sort("number", ASCENDING):
        steps[found["case"]].append(_step(found))
    return [
        Case(d["_id"], d["response"], d["unit"], d["opened_at"], tuple(steps[d["_id"]]))
        for d in documents
    ]


async def find(
    database: Database, query: dict[str, Any], session: Session | None = None
) -> Case | None:
    """The one case that answers to a query, if there is one."""
    document = await database[CASES].find_one(query, session=session)
    return (await _with_steps(database, [document], session))[0] if document else None


def by_secret(secret: str) -> dict[str, Any]:
    """The query for the case that a secret opens."""
    return {"secret_hash": Binary(secret_hash(secret))}


async def add(database: Database, session: Session, case: Case, step: Step) -> Case:
    """Add a step that the rules allow; of two at a time, one fails and is run again."""
    number = len(case.steps) + 1
    document = {"_id": f"{case.id}/{number}", "case": case.id, "number": number}
    fields = {name: value for name, value in step._asdict().items() if value is not None}
    await database[STEPS].insert_one(
        {**document, **fields, "kind": step.kind.value}, session=session
    )
    last = {"kind": step.kind.value, "at": step.at}
    await database[CASES].update_one({"_id": case.id}, {"$set": {"last": last}}, session=session)
    return Case(case.id, case.response, case.unit, case.opened_at, (*case.steps, step))


def _of(units: Iterable[str] | None) -> dict[str, Any]:
    return {"unit": {"$ne": None} if units is None else {"$in": list(units)}}


async def waiting(database: Database, units: Iterable[str] | None, limit: int | None) -> list[Case]:
    """Cases that an agency has to answer, the oldest first; of all units, if none are given."""
    query = {**_of(units), "last.kind": {"$in": _WAITING}}
    found = database[CASES].find(query).sort("opened_at", ASCENDING)
    return await _with_steps(database, await found.to_list(limit))


async def answered(
    database: Database, units: Iterable[str] | None, limit: int, now: datetime
) -> list[Case]:
    """Cases that were answered or confirmed of late, the newest first."""
    query = {**_of(units), "last.kind": {"$nin": _WAITING}, "last.at": {"$gte": now - RECENT}}
    found = database[CASES].find(query).sort("last.at", DESCENDING)
    return await _with_steps(database, await found.to_list(limit))
