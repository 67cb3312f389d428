"""A case as the citizen sees it, who holds its secret."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from method.cases import Step, StepKind, broken_rule
from services.gateway.cases import store
from services.gateway.cases.desk import ContactNote
from services.gateway.cases.store import Case
from services.gateway.cases.views import Cabinet, NewStep, Stage, StepView, may
from services.gateway.contacts import store as contacts
from services.gateway.problems import ProblemError
from services.gateway.published.views import Name
from services.runtime.database import Database, Session


class OwnCase(Stage):
    """A citizen's own case."""

    office: Annotated[Name | None, Field(description="None until the opinion has arrived there")]
    opened_at: AwareDatetime
    steps: list[StepView]
    contact: Annotated[ContactNote | None, Field(description="None once it expired or was erased")]
    allowed: Annotated[list[StepKind], Field(description="What the citizen may do now")]


class CitizenDesk:
    """Shows a case to whoever has its secret, and takes in what they say."""

    def __init__(self, database: Database, cabinet: Cabinet) -> None:
        """Hold what the work needs."""
        self._database = database
        self._cabinet = cabinet

    async def _find(self, secret: str, session: Session | None = None) -> Case:
        case = await store.find(self._database, store.by_secret(secret), session)
        if case is None:
            raise ProblemError(404, "unknown-case", "There is no case with this secret.")
        return case

    async def _view(self, case: Case) -> OwnCase:
        now = self._cabinet.clock()
        stage = self._cabinet.stage(case, now)
        contact = await contacts.of_case(self._database, case.id, now)
        return OwnCase(
            **dict(stage),
            office=self._cabinet.name(f"unit:{case.unit}") if case.unit else None,
            opened_at=case.opened_at,
            steps=list(self._cabinet.steps(case.steps)),
            contact=ContactNote.model_validate(contact._asdict()) if contact else None,
            allowed=may(stage, by_agency=False),
        )

    async def read(self, secret: str) -> OwnCase:
        """The case that a secret opens.

        Raises:
            ProblemError: 404 when there is none.
        """
        return await self._view(await self._find(secret))

    async def act(self, secret: str, new: NewStep) -> OwnCase:
        """Add a step of the citizen.

        Raises:
            ProblemError: 404 when there is no such case, 422 naming the broken rule.
        """
        now = self._cabinet.clock()
        step = Step(new.kind, now, text=new.text)

        async def work(session: Session) -> Case:
            case = await self._find(secret, session)
            broken = broken_rule(self._cabinet.standing(case, now).state, step)
            if broken is not None:
                raise ProblemError(422, "invalid-step", "The step breaks a rule.", [broken])
            return await store.add(self._database, session, case, step)

        return await self._view(await self._database.transaction(work))

    async def erase_contact(self, secret: str) -> None:
        """Erase the contact data of a case; the case stays.

        Raises:
            ProblemError: 404 when there is no such case or contact data.
        """
        case: UUID = (await self._find(secret)).id
        try:
            await contacts.erase_of_case(self._database, case)
        except contacts.UnknownContactError:
            detail = "The contact data was erased before, or expired."
            raise ProblemError(404, "no-contact", detail) from None
