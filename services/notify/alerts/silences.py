"""Silences: for a while, and for a reason, agencies are not told of alerts.

A silence holds for a scope and all that stands below it by the registry, and for one rule or for
all. It ends by itself; none is removed, so that it can be told who kept what from whom, and why.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Self
from uuid import uuid4

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from schemas.scope import COUNTRY, Scope
from services.notify.rules.kinds import RuleId
from services.notify.storage import SILENCES
from services.runtime.database import Database, Document, Session

LONGEST: Final = timedelta(days=30)
"""What has to be silent for longer is no alert: change the rule."""

_Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Silence(BaseModel):
    """One silence.

    Attributes:
        id: names it.
        scope: where; with all that stands below.
        rule: of which rule; of any without it.
        author: who wants it.
        reason: why.
        since: from when on.
        until: when it ends by itself.
        ended_at: when somebody ended it before that.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id: str = Field(default_factory=lambda: f"sil_{uuid4().hex[:12]}")
    scope: Scope
    rule: RuleId | None = None
    author: _Words
    reason: _Words
    since: AwareDatetime
    until: AwareDatetime
    ended_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _not_for_ever(self) -> Self:
        if not timedelta(0) < self.until - self.since <= LONGEST:
            msg = f"until: must be later than now, by {LONGEST.days} days at most"
            raise ValueError(msg)
        return self

    def covers(self, line: set[Scope], rule: str) -> bool:
        """Whether it holds for a rule at a scope, given with all that stand above it."""
        here = self.scope == COUNTRY or self.scope in line
        return here and self.rule in {None, rule}

    def holds(self, now: datetime) -> bool:
        """Whether it is in force."""
        return self.since <= now < (self.ended_at or self.until)


class SilenceError(Exception):
    """What was asked for cannot be done, and why."""


def _of(document: Document) -> Silence:
    values: dict[str, Any] = {**document, "id": document["_id"]}
    del values["_id"]
    return Silence.model_validate(values)


async def in_force(database: Database, now: datetime) -> list[Silence]:
    """The silences that hold now, the newest first."""
    cursor = database[SILENCES].find({"until": {"$gt": now}}).sort("since", -1)
    found = [_of(document) async for document in cursor]
    return [one for one in found if one.holds(now)]


async def every(database: Database, limit: int) -> list[Silence]:
    """All silences that ever were, the newest first."""
    cursor = database[SILENCES].find({}).sort("since", -1).limit(limit)
    return [_of(document) async for document in cursor]


async def add(database: Database, silence: Silence, session: Session) -> None:
    """Let a silence begin."""
    document = silence.model_dump()
    document["_id"] = document.pop("id")
    await database[SILENCES].insert_one(document, session=session)


async def end(database: Database, identity: str, now: datetime, session: Session) -> None:
    """End a silence before its time.

    Raises:
        SilenceError: when there is none of that name, or it is over.
    """
    document = await database[SILENCES].find_one({"_id": identity}, session=session)
    if document is None:
        msg = "no such silence"
        raise SilenceError(msg)
    if not _of(document).holds(now):
        msg = "is over"
        raise SilenceError(msg)
    await database[SILENCES].update_one(
        {"_id": identity}, {"$set": {"ended_at": now}}, session=session
    )
