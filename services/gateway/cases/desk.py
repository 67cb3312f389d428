"""Cases as agencies see them, and what they do about them."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from method.cases import CaseState, Step, StepKind, broken_rule
from schemas.collections import RESPONSES
from schemas.feedback import Channel
from schemas.scope import Scope
from services.gateway.appeals.store import Flag, flags
from services.gateway.audit import Act, audited
from services.gateway.cases import store
from services.gateway.cases.store import Case
from services.gateway.cases.views import Cabinet, CaseList, CaseView, NewStep, may
from services.gateway.contacts import store as contacts
from services.gateway.contacts.sealing import MasterKey, SealError
from services.gateway.people.access import ALLOWED, Permission
from services.gateway.people.accounts import Account
from services.gateway.people.guard import Guard
from services.gateway.people.routes import Looks
from services.gateway.problems import ProblemError
from services.runtime.database import Database, Session

_CLOSED = (CaseState.CONFIRMED, CaseState.EXPIRED)


class AnswerView(BaseModel):
    """What somebody answered, masked."""

    occurred_at: AwareDatetime
    channel: Channel
    answers: Annotated[dict[str, int], Field(description="Item to level, 1 to 5")]
    comment: str | None = None
    appeal: Annotated[
        Flag | None, Field(description="Its office holds it for mistaken; it is counted")
    ] = None


class ContactNote(BaseModel):
    """That there is contact data, not what it is."""

    kind: str
    expires_at: AwareDatetime


class CaseDetail(CaseView):
    """A case, what it is about, and what this account may do now."""

    answer: AnswerView
    contact: Annotated[ContactNote | None, Field(description="None once it expired or was erased")]
    allowed: list[StepKind]
    may_look: Annotated[bool, Field(description="Whether this account may see the contact data")]


class ContactValue(BaseModel):
    """The contact data itself; this look is in the audit trail."""

    value: str


def _unknown() -> ProblemError:
    return ProblemError(404, "unknown-case", "There is no such case of your agency.")


def acts(account: Account) -> bool:
    """Whether an account may do anything about cases, when it is its turn."""
    return Permission.CASES_WRITE in ALLOWED[account.role]


class CaseDesk:
    """Reads cases, and takes in what agencies do about them."""

    def __init__(
        self, database: Database, guard: Guard, cabinet: Cabinet, key: MasterKey | None
    ) -> None:
        """Hold what the work needs; without the master key there is no contact data to see."""
        self._database = database
        self._guard = guard
        self._cabinet = cabinet
        self._looks = Looks(database, cabinet.clock)
        self._key = key

    async def listing(self, scope: Scope, limit: int) -> CaseList:
        """The cases of a scope."""
        now, units = self._cabinet.clock(), self._cabinet.units(scope)
        waiting = await store.waiting(self._database, units, limit)
        done = await store.answered(self._database, units, limit - len(waiting), now)
        views = [self._cabinet.view(case, now) for case in (*waiting, *done)]
        # Sorting is stable: within each part they stay in their order.
        return CaseList(scope=scope, cases=sorted(views, key=lambda view: not view.late_since))

    async def _case(self, account: Account, key: UUID, session: Session | None = None) -> Case:
        case = await store.find(self._database, {"_id": key}, session)
        if case is None or case.unit is None:
            raise _unknown()
        if not self._guard.covers(account, self._cabinet.home(case.unit)):
            raise _unknown()
        return case

    async def read(self, account: Account, key: UUID) -> CaseDetail:
        """One case; the look at what a citizen wrote is noted before it is shown.

        Raises:
            ProblemError: 404 when it is not there, or not the account's to see.
        """
        case = await self._case(account, key)
        now = self._cabinet.clock()
        answer = await self._database[RESPONSES].find_one({"_id": case.response})
        if answer is None:
            raise _unknown()
        appealed = await flags(self._database, [case.response])
        contact = await contacts.of_case(self._database, case.id, now)
        view = self._cabinet.view(case, now)
        turn = acts(account) and self._guard.covers(account, view.holder)
        await self._looks.note(account, "case", str(case.id), 1)
        return CaseDetail(
            **dict(view),
            answer=AnswerView.model_validate({**answer, "appeal": appealed.get(case.response)}),
            contact=ContactNote.model_validate(contact._asdict()) if contact else None,
            allowed=may(view, by_agency=True) if turn else [],
            may_look=turn and contact is not None and view.state not in _CLOSED,
        )

    async def _held(self, account: Account, key: UUID, session: Session | None) -> Case:
        """A case that it is the account's turn to deal with.

        Raises:
            ProblemError: 404, or 403 when another agency holds it.
        """
        case = await self._case(account, key, session)
        holder = self._cabinet.standing(case, self._cabinet.clock()).holder
        if not self._guard.covers(account, holder):
            raise ProblemError(403, "not-your-turn", f"The case is with {holder} now.")
        return case

    async def act(self, account: Account, key: UUID, new: NewStep) -> CaseView:
        """Add a step of an agency, and its entry in the audit trail.

        Raises:
            ProblemError: 404, 403 when another agency holds the case, 422 naming the broken rule.
        """
        now = self._cabinet.clock()
        step = Step(new.kind, now, account.scope, new.text)

        async def work(session: Session) -> tuple[Case, Act]:
            case = await self._held(account, key, session)
            broken = broken_rule(self._cabinet.standing(case, now).state, step)
            if broken is not None:
                raise ProblemError(422, "invalid-step", "The step breaks a rule.", [broken])
            added = await store.add(self._database, session, case, step)
            act = Act(account.actor(), "case.step", str(key), {"kind": step.kind.value})
            return added, act

        return self._cabinet.view(await audited(self._database, work, now), now)

    async def look(self, account: Account, key: UUID) -> ContactValue:
        """The contact data of a case, for who has to answer it; written into the audit trail.

        Raises:
            ProblemError: 404 without such a case or contact data, 403 when another agency holds the
                case, 422 when it is closed.
        """
        case = await self._held(account, key, None)
        now = self._cabinet.clock()
        if self._cabinet.standing(case, now).state in _CLOSED:
            raise ProblemError(422, "closed", "The case is closed: nobody is to be called back.")
        contact = await contacts.of_case(self._database, case.id, now)
        gone = ProblemError(404, "no-contact", "The contact data expired, or was erased.")
        if contact is None or self._key is None:
            raise gone
        why, actor = "to answer the case", account.actor()
        try:
            value = await contacts.look(self._database, self._key, contact.id, actor, why, now)
        except contacts.UnknownContactError:
            raise gone from None
        except SealError:
            detail = "The contact data was sealed under another master key."
            raise ProblemError(503, "no-contacts", detail) from None
        return ContactValue(value=value)
