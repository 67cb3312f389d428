"""Appeals as agencies see them, file them and decide them."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from method.appeals import Party, Verdict, decision_refused, filing_refused
from method.period import local_day
from schemas.alert import ReplyText
from schemas.collections import RESPONSES
from schemas.feedback import AgencyCode, Violation
from schemas.registry import Registry
from schemas.scope import Scope
from services.gateway.appeals import store
from services.gateway.appeals.store import APPEALS, Flag
from services.gateway.audit import Act, audited
from services.gateway.cases.views import Cabinet
from services.gateway.people.access import ALLOWED, Permission
from services.gateway.people.accounts import Account
from services.gateway.people.guard import Guard
from services.gateway.people.routes import Looks
from services.gateway.problems import ProblemError
from services.gateway.published.views import Name
from services.runtime.cached import Cached
from services.runtime.database import Database, Document, Session


class NewAppeal(BaseModel):
    """An office holds one rating for mistaken."""

    model_config = ConfigDict(extra="forbid")

    response: Annotated[UUID, Field(description="Id of the answer")]
    reason: ReplyText


class Decision(BaseModel):
    """What comes of an appeal, and why."""

    model_config = ConfigDict(extra="forbid")

    verdict: Verdict
    words: ReplyText


class DecisionView(BaseModel):
    """What came of an appeal."""

    verdict: Verdict
    words: str
    by: Name
    at: AwareDatetime


class AppealView(BaseModel):
    """An appeal, and the answer that it is about."""

    response: UUID
    unit: AgencyCode
    name: Name
    flag: Flag
    reason: str
    decision: DecisionView | None
    occurred_at: AwareDatetime
    answers: Annotated[dict[str, int], Field(description="Item to level, 1 to 5")]
    comment: str | None
    may_decide: Annotated[bool, Field(description="Whether this account may decide it")]


class AppealList(BaseModel):
    """Appeals of a scope, those that nobody decided first."""

    scope: Scope
    appeals: list[AppealView]


def _party(account: Account) -> Party:
    return Party(account.id, account.scope)


def _refused(rule: str) -> ProblemError:
    return ProblemError(403, "not-yours", f"{rule[:1].upper()}{rule[1:]}.")


class AppealDesk:
    """Reads appeals, and takes them and what is decided about them in."""

    def __init__(
        self, database: Database, guard: Guard, registry: Cached[Registry], cabinet: Cabinet
    ) -> None:
        """Hold what the work needs."""
        self._database = database
        self._guard = guard
        self._registry = registry
        self._cabinet = cabinet
        self._looks = Looks(database, cabinet.clock)

    def _decision_refused(self, account: Account, document: Document) -> str | None:
        today = local_day(self._cabinet.clock())
        filed = store.filer(document)
        return decision_refused(filed, _party(account), self._registry.value, today)

    def _view(self, account: Account, document: Document, answer: Document) -> AppealView:
        decided = document.get("decided")
        writes = Permission.APPEALS_WRITE in ALLOWED[account.role]
        return AppealView(
            response=document["_id"],
            unit=document["unit"],
            name=self._cabinet.name(f"unit:{document['unit']}"),
            flag=store.flag(document),
            reason=document["filed"]["reason"],
            decision=DecisionView(**decided, by=self._cabinet.name(decided["agency"]))
            if decided
            else None,
            occurred_at=answer["occurred_at"],
            answers=answer["answers"],
            comment=answer.get("comment"),
            may_decide=writes and not decided and not self._decision_refused(account, document),
        )

    async def listing(self, account: Account, scope: Scope, limit: int) -> AppealList:
        """The appeals of a scope; the look at what citizens answered is noted first."""
        units = self._cabinet.units(scope)
        found = await store.listing(self._database, units, limit)
        query = {"_id": {"$in": [document["_id"] for document in found]}}
        answers = {a["_id"]: a async for a in self._database[RESPONSES].find(query)}
        views = [self._view(account, d, answers[d["_id"]]) for d in found if d["_id"] in answers]
        await self._looks.note(account, "appeals", scope, len(views))
        return AppealList(scope=scope, appeals=views)

    async def _answer(self, account: Account, response: UUID, session: Session) -> Document:
        found = await self._database[RESPONSES].find_one({"_id": response}, session=session)
        if found is None or not self._guard.covers(account, self._cabinet.home(found["unit"])):
            raise ProblemError(404, "unknown-response", "There is no such answer of your agency.")
        return found

    async def file(self, account: Account, new: NewAppeal) -> AppealView:
        """File an appeal, with its entry in the audit trail.

        Raises:
            ProblemError: 404 for an answer that is not the account's to see, 403 for one that is
                not of its own office, 422 when there is an appeal already.
        """
        now, by = self._cabinet.clock(), _party(account)

        async def work(session: Session) -> tuple[AppealView, Act]:
            answer = await self._answer(account, new.response, session)
            unit = f"unit:{answer['unit']}"
            if rule := filing_refused(by, unit, self._registry.value, local_day(now)):
                raise _refused(rule)
            if await self._database[APPEALS].find_one({"_id": new.response}, session=session):
                broken = Violation(field="response", rule="has been appealed: there is one appeal")
                raise ProblemError(422, "invalid-appeal", "The appeal breaks a rule.", [broken])
            filed = await store.file(self._database, session, answer, by, new.reason, now)
            act = Act(account.actor(), "appeal.file", str(new.response))
            return self._view(account, filed, answer), act

        return await audited(self._database, work, now)

    async def decide(self, account: Account, response: UUID, decision: Decision) -> AppealView:
        """Decide an appeal, once, with its entry in the audit trail.

        Raises:
            ProblemError: 404 when there is none that the account may see, 403 when it is another's
                to decide, 422 when it is decided.
        """
        now, by = self._cabinet.clock(), _party(account)

        async def work(session: Session) -> tuple[AppealView, Act]:
            answer = await self._answer(account, response, session)
            query = {"_id": response}
            document = await self._database[APPEALS].find_one(query, session=session)
            if document is None:
                raise ProblemError(404, "unknown-appeal", "This answer was not appealed.")
            if rule := self._decision_refused(account, document):
                raise _refused(rule)
            if "decided" in document:
                broken = Violation(field="verdict", rule="has been given: it is decided once")
                raise ProblemError(422, "invalid-decision", "It breaks a rule.", [broken])
            await store.decide(
                self._database, session, response, by, decision.verdict, decision.words, now
            )
            after = await self._database[APPEALS].find_one(query, session=session)
            details = {"verdict": decision.verdict.value}
            act = Act(account.actor(), "appeal.decide", str(response), details)
            return self._view(account, after or document, answer), act

        return await audited(self._database, work, now)
