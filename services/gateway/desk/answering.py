"""Alerts as the agency responsible sees them, and its answers on their way to notify."""

import asyncio
from datetime import date, timedelta
from typing import Annotated, Any, Final

from pydantic import UUID7, BaseModel, ConfigDict, Field, ValidationError

from method.handling import allowed, broken_rule
from method.overdue import overdue
from schemas.alert import AgencyReplied, AlertChanged, AlertState, ReplyKind
from schemas.collections import ALERTS
from schemas.feedback import Violation
from schemas.history import Moment
from schemas.scope import COUNTRY, Scope
from schemas.topics import AGENCY_REPLIED
from services.gateway import audit
from services.gateway.audit import Act
from services.gateway.people.accounts import Account
from services.gateway.people.guard import Guard
from services.gateway.problems import ProblemError, unavailable
from services.gateway.published.reading import Reader
from services.gateway.published.views import Name
from services.runtime.clock import Clock
from services.runtime.database import Database, Document
from services.runtime.producer import KafkaUnavailableError, Producer

_SEND_SECONDS: Final = 10.0
_SEEN_SECONDS: Final = 3.0
_LOOK_SECONDS: Final = 0.1
_RECENT: Final = timedelta(days=90)
_TOLD: Final = (AlertState.FIRING.value, AlertState.RESOLVED.value)


class Answer(BaseModel):
    """What an officer answers to an alert."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[
        UUID7, Field(description="Minted where it is written: a second time it changes nothing")
    ]
    alert: Annotated[str, Field(max_length=300)]
    kind: ReplyKind
    text: Annotated[str | None, Field(max_length=2000)] = None
    due: Annotated[date | None, Field(description="With kind plan: local day it is done by")] = None


class DeskAlert(BaseModel):
    """An alert with all its figures, what was answered, and what may be answered now."""

    name: Name
    alert: AlertChanged
    replies: list[AgencyReplied]
    history: Annotated[list[Moment], Field(description="What befell it, oldest first")]
    allowed: list[ReplyKind]
    overdue: Annotated[bool, Field(description="An answer should be there by now, and is not")]


class DeskList(BaseModel):
    """Alerts that fire, and those that were over in the last 90 days; the newest change first."""

    scope: Scope
    alerts: list[DeskAlert]


class Desk:
    """Reads what notify keeps, and hands it answers."""

    def __init__(
        self, database: Database, producer: Producer, guard: Guard, reader: Reader, clock: Clock
    ) -> None:
        """Hold what the work needs."""
        self._database = database
        self._producer = producer
        self._guard = guard
        self._reader = reader
        self._clock = clock

    def _view(self, document: Document) -> DeskAlert:
        alert = AlertChanged.model_validate(document["event"], strict=False)
        replies, history = _replies(document), _history(document)
        return DeskAlert(
            name=self.name(alert.scope),
            alert=alert,
            replies=replies,
            history=history,
            allowed=allowed(alert.handling),
            overdue=overdue(alert, replies, history, self._clock()),
        )

    def name(self, scope: Scope) -> Name:
        """A scope's name; the scope itself, if nobody knows it."""
        return self._reader.name(scope) or Name(vi=scope, en=scope)

    async def one(self, account: Account, key: str) -> DeskAlert:
        """An alert that fired, of an account's part of the registry.

        Raises:
            ProblemError: 404 for an alert that is not there or not of that part.
        """
        document = await self._database[ALERTS].find_one(
            {"_id": key, "state": {"$in": list(_TOLD)}}, {"event": 1, "replies": 1, "history": 1}
        )
        if document is None or not self._guard.covers(account, document["event"]["scope"]):
            raise ProblemError(404, "unknown-alert", "There is no such alert of your agency.")
        return self._view(document)

    async def alerts(self, scope: Scope, limit: int) -> DeskList:
        """So many alerts of a scope and of what stands below it."""
        query: dict[str, Any] = {
            "state": {"$in": list(_TOLD)},
            "changed_at": {"$gte": self._clock() - _RECENT},
        }
        firing: dict[str, Any] = {"state": AlertState.FIRING.value}
        within = {} if scope == COUNTRY else {"scope": {"$in": self._reader.within(scope)}}
        cursor = self._database[ALERTS].find({"$or": [query, firing], **within})
        found = await cursor.sort("changed_at", -1).limit(limit).to_list(None)
        return DeskList(scope=scope, alerts=[self._view(document) for document in found])

    async def answer(self, account: Account, answer: Answer) -> AgencyReplied:
        """Hand an answer in: checked, written into the audit trail, and then on the topic.

        Raises:
            ProblemError: 404 for an alert that is not there or is not the account's to answer, 422
                naming the rule that the answer breaks, 503 when Kafka does not have it.
        """
        view = await self.one(account, answer.alert)
        given = self._given(account, answer)
        known = [reply for reply in view.replies if reply.id == given.id]
        if known:
            return known[0]
        broken = broken_rule(view.alert.handling, given)
        if broken is not None:
            raise ProblemError(422, "invalid-reply", "The answer breaks a rule.", [broken])
        act = Act(account.actor(), "alert.reply", answer.alert, {"kind": given.kind.value})
        await audit.note(self._database, act, given.replied_at)
        try:
            await self._producer.send(AGENCY_REPLIED, [given], timeout=_SEND_SECONDS)
        except KafkaUnavailableError:
            detail = "The answer was not stored; send it again."
            raise unavailable("unavailable", detail, round(_SEND_SECONDS)) from None
        await self._seen(given)
        return given

    def _given(self, account: Account, answer: Answer) -> AgencyReplied:
        try:
            return AgencyReplied(
                **answer.model_dump(), agency=account.scope, replied_at=self._clock()
            )
        except ValidationError as error:
            errors = Violation.all_of(error)
            raise ProblemError(422, "invalid-reply", "The answer breaks a rule.", errors) from None

    async def _seen(self, given: AgencyReplied) -> None:
        """Wait a moment for notify, so that whoever answered finds the answer on the page."""
        query = {"_id": given.alert, "replies.id": str(given.id)}
        for _ in range(round(_SEEN_SECONDS / _LOOK_SECONDS)):
            if await self._database[ALERTS].find_one(query, {"_id": 1}):
                return
            await asyncio.sleep(_LOOK_SECONDS)


def _replies(document: Document) -> list[AgencyReplied]:
    return [
        AgencyReplied.model_validate(reply, strict=False) for reply in document.get("replies", ())
    ]


def _history(document: Document) -> list[Moment]:
    return [Moment.model_validate(moment) for moment in document.get("history", ())]
