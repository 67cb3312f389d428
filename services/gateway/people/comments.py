"""What citizens wrote to the offices of a scope: masked, newest first."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from method.definition import definition_on
from method.period import local_day
from schemas.collections import RESPONSES
from schemas.feedback import AgencyCode, Channel
from schemas.instrument import OVERALL
from schemas.registry import EntryKind, Registry
from schemas.scope import Scope, scope_kind
from services.runtime.cached import Cached
from services.runtime.clock import Clock
from services.runtime.database import Database, Document

CURSOR_PATTERN = r"^[0-9]{1,14}\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"


class CommentView(BaseModel):
    """What somebody wrote, with personal data masked, and what they answered."""

    id: UUID
    unit: AgencyCode
    occurred_at: AwareDatetime
    channel: Channel
    language: str
    answers: Annotated[dict[str, int], Field(description="Item to level, 1 to 5")]
    comment: str


class CommentList(BaseModel):
    """Comments, newest first."""

    scope: Scope
    comments: list[CommentView]
    next: Annotated[str | None, Field(description="`after` of the next page, if there is one")]


def _view(document: Document) -> CommentView:
    return CommentView.model_validate({**document, "id": document["_id"]})


def _cursor(document: Document) -> str:
    milliseconds = round(document["occurred_at"].timestamp() * 1000)
    return f"{milliseconds}.{document['_id']}"


def _older_than(cursor: str, at: datetime) -> dict[str, Any]:
    milliseconds, _, key = cursor.partition(".")
    moment = at.fromtimestamp(int(milliseconds) / 1000, at.tzinfo)
    return {
        "$or": [
            {"occurred_at": {"$lt": moment}},
            {"occurred_at": moment, "_id": {"$lt": UUID(key)}},
        ]
    }


class Comments:
    """The comments in `ingest.responses`."""

    def __init__(self, database: Database, registry: Cached[Registry], clock: Clock) -> None:
        """Hold what the work needs."""
        self._database = database
        self._registry = registry
        self._clock = clock

    def _units(self, scope: Scope) -> list[str]:
        """Codes of the units that a scope is or has below it today."""
        if scope_kind(scope) == EntryKind.UNIT:
            return [scope.partition(":")[2]]
        below = self._registry.value.below(scope, local_day(self._clock()))
        return [entry.code for entry in below if entry.kind is EntryKind.UNIT]

    async def dissatisfied(self, scope: Scope, since: datetime, limit: int) -> list[CommentView]:
        """The newest comments since a moment, of answers whose overall level is not satisfied."""
        satisfied_from = definition_on(local_day(self._clock())).satisfied_from
        query: dict[str, Any] = {
            "unit": {"$in": self._units(scope)},
            "comment": {"$type": "string"},
            "occurred_at": {"$gte": since},
            f"answers.{OVERALL}": {"$lt": satisfied_from},
        }
        found = self._database[RESPONSES].find(query).sort([("occurred_at", -1), ("_id", -1)])
        return [_view(document) async for document in found.limit(limit)]

    async def read(self, scope: Scope, days: int, after: str | None, limit: int) -> CommentList:
        """A page of the comments of a scope's units, no older than some days."""
        now = self._clock()
        query: dict[str, Any] = {
            "unit": {"$in": self._units(scope)},
            "comment": {"$type": "string"},
            "occurred_at": {"$gte": now - timedelta(days=days)},
        }
        if after is not None:
            query = {"$and": [query, _older_than(after, now)]}
        cursor = self._database[RESPONSES].find(query)
        found = await cursor.sort([("occurred_at", -1), ("_id", -1)]).limit(limit + 1).to_list(None)
        page = found[:limit]
        return CommentList(
            scope=scope,
            comments=[_view(document) for document in page],
            next=_cursor(page[-1]) if len(found) > limit else None,
        )
