"""What is shown of a case: to agencies all of it, to the citizen what concerns them."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from method.cases import CaseState, Deadlines, Step, StepKind, allowed, deadlines
from method.holding import Standing, chain, home, standing
from method.period import local_day
from schemas.alert import ReplyText
from schemas.feedback import AgencyCode
from schemas.registry import EntryKind, Registry
from schemas.scope import COUNTRY, Scope
from services.gateway.cases.store import Case
from services.gateway.published.reading import Reader
from services.gateway.published.views import Name
from services.runtime.cached import Cached
from services.runtime.clock import Clock


class NewStep(BaseModel):
    """What somebody does about a case. When they did is the server's to say."""

    model_config = ConfigDict(extra="forbid")

    kind: StepKind
    text: Annotated[
        ReplyText | None,
        Field(description="With answered: what was changed. With reopened: what is still wrong"),
    ] = None


class StepView(BaseModel):
    """Something that was done; `by` is None for the citizen."""

    kind: StepKind
    at: AwareDatetime
    by: Name | None
    text: str | None


class Stage(BaseModel):
    """Where a case stands."""

    state: CaseState
    holder: Scope
    holder_name: Name
    due: Annotated[AwareDatetime | None, Field(description="End of the holder's time to answer")]
    late_since: Annotated[
        AwareDatetime | None, Field(description="First deadline of this round that was missed")
    ]
    closes_at: Annotated[
        AwareDatetime | None, Field(description="Until when the citizen may confirm or reopen")
    ]


class CaseView(Stage):
    """A case of an office."""

    id: UUID
    unit: AgencyCode
    name: Name
    response: UUID
    opened_at: AwareDatetime
    steps: list[StepView]


class CaseList(BaseModel):
    """Cases that wait for an agency, those that are late first; then those answered of late."""

    scope: Scope
    cases: list[CaseView]


class Cabinet:
    """Says of cases where they stand, by the clock, the registry and the deadlines."""

    def __init__(
        self,
        registry: Cached[Registry],
        reader: Reader,
        clock: Clock,
        versions: Sequence[Deadlines] | None = None,
    ) -> None:
        """Hold what it needs; the versions of the deadlines are those of the method."""
        self._registry = registry
        self._reader = reader
        self._versions = deadlines() if versions is None else versions
        self.clock = clock

    def home(self, unit: str) -> Scope:
        """The agency that answers for an office today."""
        return home(f"unit:{unit}", self._registry.value, local_day(self.clock()))

    def units(self, scope: Scope) -> list[str] | None:
        """Codes of the offices, of today or before, that a scope answers for; None for all."""
        if scope == COUNTRY:
            return None
        registry, today = self._registry.value, local_day(self.clock())
        below = {scope, *(entry.key for entry in registry.below(scope, today))}
        keys = {entry.key for entry in registry if entry.kind is EntryKind.UNIT}
        return [key.partition(":")[2] for key in keys if home(key, registry, today) in below]

    def standing(self, case: Case, now: datetime) -> Standing:
        """Where a case stands; with the country as long as its office is not known."""
        today = local_day(now)
        agencies = (
            chain(f"unit:{case.unit}", self._registry.value, today) if case.unit else [COUNTRY]
        )
        return standing(case.opened_at, case.steps, agencies, now, self._versions)

    def name(self, scope: Scope) -> Name:
        """A name for a scope, whatever became of it."""
        return self._reader.name(scope) or Name(vi=scope, en=scope)

    def steps(self, steps: Sequence[Step]) -> Iterator[StepView]:
        """The history of a case."""
        for step in steps:
            by = self.name(step.agency) if step.agency else None
            yield StepView(kind=step.kind, at=step.at, by=by, text=step.text)

    def stage(self, case: Case, now: datetime) -> Stage:
        """Where a case stands, with names."""
        found = self.standing(case, now)
        return Stage(**found._asdict(), holder_name=self.name(found.holder))

    def view(self, case: Case, now: datetime) -> CaseView:
        """A case whose office is known."""
        return CaseView(
            **dict(self.stage(case, now)),
            id=case.id,
            unit=case.unit or "",
            name=self.name(f"unit:{case.unit}"),
            response=case.response,
            opened_at=case.opened_at,
            steps=list(self.steps(case.steps)),
        )


def may(stage: Stage, *, by_agency: bool) -> list[StepKind]:
    """What may be done now."""
    return allowed(stage.state, by_agency=by_agency)
