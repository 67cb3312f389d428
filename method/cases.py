"""What may be done about a case of a citizen who wants to be called back, as one table. Pure.

    state       taken    answered   confirmed   reopened
    open        taken    answered   –           –
    taken       –        answered   –           –
    answered    –        –          confirmed   reopened
    reopened    taken    answered   –           –
    confirmed   –        –          –           –
    expired     –        –          –           –

Agencies take and answer, citizens confirm and reopen: nobody closes a case by saying so, and an
answer says what was changed. A case that is answered expires when the citizen says nothing for
`confirm_days`: closed without confirmation. That follows from the history and the clock; nothing
writes it.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Annotated, Final, NamedTuple

from pydantic import Field

from method.dated import Dated, in_force, read_versions
from method.period import local_day, local_midnight
from schemas.feedback import Violation
from schemas.scope import Scope


class CaseState(StrEnum):
    """Where a case is."""

    OPEN = "open"
    TAKEN = "taken"
    ANSWERED = "answered"
    REOPENED = "reopened"
    CONFIRMED = "confirmed"
    EXPIRED = "expired"


class StepKind(StrEnum):
    """What somebody does about a case."""

    TAKEN = "taken"
    ANSWERED = "answered"
    CONFIRMED = "confirmed"
    REOPENED = "reopened"


class Step(NamedTuple):
    """What was done about a case.

    Attributes:
        kind: what.
        at: when, by the server's clock.
        agency: that did it; None for the citizen.
        text: an agency's answer, or why a citizen is not satisfied; masked.
    """

    kind: StepKind
    at: datetime
    agency: Scope | None = None
    text: str | None = None


_O, _T, _A, _R = CaseState.OPEN, CaseState.TAKEN, CaseState.ANSWERED, CaseState.REOPENED

TABLE: Final[Mapping[tuple[CaseState, StepKind], CaseState]] = MappingProxyType(
    {
        (_O, StepKind.TAKEN): _T,
        (_O, StepKind.ANSWERED): _A,
        (_T, StepKind.ANSWERED): _A,
        (_A, StepKind.CONFIRMED): CaseState.CONFIRMED,
        (_A, StepKind.REOPENED): _R,
        (_R, StepKind.TAKEN): _T,
        (_R, StepKind.ANSWERED): _A,
    }
)

BY_AGENCY: Final = frozenset({StepKind.TAKEN, StepKind.ANSWERED})
"""Steps of agencies; the others are the citizen's."""

WITH_TEXT: Final = frozenset({StepKind.ANSWERED, StepKind.REOPENED})
"""Steps that have to say something."""

WAITING: Final = frozenset({CaseState.OPEN, CaseState.TAKEN, CaseState.REOPENED})
"""States in which an agency has to answer."""


class Deadlines(Dated):
    """One version of how long agencies and citizens have, in local days; see method/cases.yaml."""

    answer_days: Annotated[int, Field(ge=1)]
    confirm_days: Annotated[int, Field(ge=1)]


@cache
def deadlines() -> tuple[Deadlines, ...]:
    """All versions, oldest first."""
    return read_versions("cases.yaml", Deadlines)


def deadlines_on(day: date, versions: Sequence[Deadlines]) -> Deadlines:
    """The version in force on a local day; the oldest one for any day before it."""
    return in_force(versions, day)


def end_of_day(day: date, days: int) -> datetime:
    """The end of the local day that is some days after another."""
    return local_midnight(day + timedelta(days=days + 1))


def closes_at(answered_at: datetime, versions: Sequence[Deadlines]) -> datetime:
    """Until when a citizen may confirm or reopen what was answered."""
    day = local_day(answered_at)
    return end_of_day(day, deadlines_on(day, versions).confirm_days)


def state_of(steps: Sequence[Step], now: datetime, versions: Sequence[Deadlines]) -> CaseState:
    """Where a case with these steps is.

    Raises:
        KeyError: when the steps do not follow from one another.
    """
    state = CaseState.OPEN
    for step in steps:
        state = TABLE[state, step.kind]
    if state is CaseState.ANSWERED and now >= closes_at(steps[-1].at, versions):
        return CaseState.EXPIRED
    return state


def allowed(state: CaseState, *, by_agency: bool) -> list[StepKind]:
    """What agencies, or else the citizen, may do now."""
    kinds = [kind for kind in StepKind if (kind in BY_AGENCY) == by_agency]
    return [kind for kind in kinds if (state, kind) in TABLE]


def broken_rule(state: CaseState, step: Step) -> Violation | None:
    """The rule that a step breaks at this point, if it breaks one."""
    by_agency = step.agency is not None
    may = allowed(state, by_agency=by_agency)
    if step.kind not in may:
        names = ", ".join(may) or "nothing"
        who = "an agency" if by_agency else "the citizen"
        rule = f"of a case that is {state} must be {names}, when {who} does it"
        return Violation(field="kind", rule=rule)
    if step.kind in WITH_TEXT and not step.text:
        what = "was changed" if by_agency else "is still wrong"
        return Violation(field="text", rule=f"must say what {what}, with kind {step.kind}")
    if step.kind not in WITH_TEXT and step.text is not None:
        return Violation(field="text", rule=f"must not be there with kind {step.kind}")
    return None
