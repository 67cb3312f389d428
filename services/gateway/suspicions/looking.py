"""Suspicions that ingest found, and what came of the looks at them.

An office does not see what it is suspected of before somebody looked: who stuffs would learn where
the bounds are, and who does not would be reproached with chance. Afterwards it does.
"""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from method.period import day_key
from schemas.collections import SUSPICIONS
from schemas.masking import mask
from schemas.scope import COUNTRY, Scope
from schemas.suspicion import Suspicion
from services.gateway.audit import Act, audited
from services.gateway.people.access import ALLOWED, Permission, Role
from services.gateway.people.accounts import Account
from services.gateway.people.guard import Guard
from services.gateway.problems import ProblemError
from services.gateway.published.reading import Reader
from services.gateway.published.views import Name
from services.runtime.clock import Clock
from services.runtime.database import Database, Document, Session

OUTCOMES: Final = "gateway.suspicion_outcomes"
"""Owner: gateway. One document a suspicion that was looked at, `_id` its id: `looks`, oldest first,
and `confirmed`, which the newest of them says."""


class Outcome(StrEnum):
    """What a look came to."""

    HARMLESS = "harmless"
    CONFIRMED = "confirmed"


class Look(BaseModel):
    """What came of a look. Who it was stands in the audit trail."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: AwareDatetime
    outcome: Outcome
    why: str


class NewLook(BaseModel):
    """What somebody says of a suspicion."""

    model_config = ConfigDict(extra="forbid")

    suspicion: Annotated[str, Field(max_length=100, description="Its id")]
    outcome: Outcome
    why: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=1000),
        AfterValidator(mask),
        Field(description="In words; masked like a comment"),
    ]


class SuspicionView(BaseModel):
    """A suspicion, the name of its office, and the looks at it, oldest first."""

    name: Name
    suspicion: Suspicion
    looks: list[Look]


class SuspicionList(BaseModel):
    """Suspicions, the newest days first."""

    scope: Scope
    suspicions: list[SuspicionView]


class Suspicions:
    """Reads what ingest found, and keeps what came of it."""

    def __init__(self, database: Database, guard: Guard, reader: Reader, clock: Clock) -> None:
        """Hold what the work needs."""
        self._database = database
        self._guard = guard
        self._reader = reader
        self._clock = clock

    async def listed(
        self, account: Account, scope: Scope, units: Sequence[Scope], limit: int
    ) -> SuspicionList:
        """Suspicions of offices, as somebody may see them.

        Args:
            account: who looks.
            scope: that is asked for.
            units: keys of the offices in it, itself if it is one.
            limit: most to return.
        """
        codes = [unit.partition(":")[2] for unit in units]
        query: dict[str, Any] = {} if scope == COUNTRY else {"unit": {"$in": codes}}
        if not sees_unlooked(account):
            looked_at = [one["_id"] async for one in self._database[OUTCOMES].find({}, {"_id": 1})]
            query |= {"_id": {"$in": looked_at}}
        found = self._database[SUSPICIONS].find(query).sort([("first", -1), ("_id", 1)])
        documents = await found.limit(limit).to_list(None)
        looks = await self._looks([document["_id"] for document in documents])
        return SuspicionList(
            scope=scope,
            suspicions=[self._view(one, looks.get(one["_id"], [])) for one in documents],
        )

    async def note(self, account: Account, new: NewLook) -> SuspicionView:
        """Write down what came of a look, with who it was in the audit trail.

        Raises:
            ProblemError: 404 for a suspicion that is not there, or not the account's to look at.
        """
        document = await self._database[SUSPICIONS].find_one({"_id": new.suspicion})
        unit = f"unit:{document['unit']}" if document else ""
        if document is None or not may_look(account) or not self._guard.covers(account, unit):
            raise ProblemError(404, "unknown-suspicion", "There is no such suspicion to look at.")
        look = Look(at=self._clock(), outcome=new.outcome, why=new.why)

        async def work(session: Session) -> tuple[None, Act]:
            confirmed = new.outcome is Outcome.CONFIRMED
            await self._database[OUTCOMES].update_one(
                {"_id": new.suspicion},
                {
                    "$push": {"looks": look.model_dump() | {"outcome": look.outcome.value}},
                    "$set": {"confirmed": confirmed},
                },
                upsert=True,
                session=session,
            )
            details = {"outcome": new.outcome.value}
            return None, Act(account.actor(), "suspicion.look", new.suspicion, details)

        await audited(self._database, work, look.at)
        return self._view(document, (await self._looks([new.suspicion]))[new.suspicion])

    async def _looks(self, ids: Sequence[str]) -> dict[str, list[Look]]:
        found = self._database[OUTCOMES].find({"_id": {"$in": list(ids)}})
        return {
            one["_id"]: [Look.model_validate(look, strict=False) for look in one["looks"]]
            async for one in found
        }

    def _view(self, document: Document, looks: list[Look]) -> SuspicionView:
        suspicion = as_suspicion(document)
        scope = f"unit:{suspicion.unit}"
        return SuspicionView(
            name=self._reader.name(scope) or Name(vi=scope, en=scope),
            suspicion=suspicion,
            looks=looks,
        )


def sees_unlooked(account: Account) -> bool:
    """Whether somebody sees what nobody has looked at: no officer, and no office at itself."""
    return account.role is not Role.OFFICER and not account.scope.startswith("unit:")


def may_look(account: Account) -> bool:
    """Whether somebody may say what came of a look."""
    return Permission.SUSPICIONS_WRITE in ALLOWED[account.role] and sees_unlooked(account)


def as_suspicion(document: Document) -> Suspicion:
    """A suspicion as it is stored."""
    fields = {name: value for name, value in document.items() if name != "_id"}
    return Suspicion.model_validate({"id": document["_id"], **fields}, strict=False)


async def confirmed_between(database: Database, first: date, last: date) -> list[Suspicion]:
    """Suspicions of some days that were looked at and confirmed, by day and kind.

    Raises:
        DatabaseError: when they cannot be read.
    """
    ids = [one["_id"] async for one in database[OUTCOMES].find({"confirmed": True}, {"_id": 1})]
    found = database[SUSPICIONS].find(
        {"_id": {"$in": ids}, "first": {"$lte": day_key(last)}, "last": {"$gte": day_key(first)}}
    )
    return [as_suspicion(one) async for one in found.sort([("first", 1), ("_id", 1)])]
