"""Which agency has to deal with a case now, and until when. Pure.

The office first. When the citizen had no answer in time, or is not satisfied with the one there
was, the next authority up: office → commune → province or ministry, as far as the registry goes.
Nobody hands a case on, so nobody can forget to.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from method.cases import (
    WAITING,
    CaseState,
    Deadlines,
    Step,
    StepKind,
    closes_at,
    deadlines_on,
    end_of_day,
    state_of,
)
from method.period import local_day
from schemas.registry import Registry
from schemas.scope import COUNTRY, Scope


class Standing(NamedTuple):
    """Where a case is, who holds it, and until when.

    Attributes:
        state: see the table in method/cases.py.
        holder: agency that has to deal with it, or dealt with it last.
        due: the end of the holder's time to answer, None when it need not.
        late_since: when the first deadline of this round passed without an answer, if it did.
        closes_at: until when the citizen may confirm or reopen, None when they may not.
    """

    state: CaseState
    holder: Scope
    due: datetime | None = None
    late_since: datetime | None = None
    closes_at: datetime | None = None


def home(unit: Scope, registry: Registry, day: date) -> Scope:
    """The agency that answers for an office on a day: itself, else its heir, else what was above.

    The country, when nothing of that is in force.
    """
    key, seen = unit, set[Scope]()
    while key != COUNTRY and key not in seen and registry.on(key, day) is None:
        seen.add(key)
        last = registry.latest(key, day)
        if last is None:
            return COUNTRY
        key = last.successors[0] if last.successors else last.parent
    return COUNTRY if key in seen else key


def chain(unit: Scope, registry: Registry, day: date) -> list[Scope]:
    """Who answers for an office on a day, the nearest first; the country if nobody else does."""
    first = home(unit, registry, day)
    if first == COUNTRY:
        return [COUNTRY]
    return [first, *(scope for scope in registry.above(first, day) if scope != COUNTRY)]


def _missed(since: datetime, until: datetime, versions: Sequence[Deadlines]) -> int:
    """How many times the end of a deadline passed between two moments."""
    day = local_day(since)
    days = (local_day(until) - day).days
    return max(0, (days - 1) // deadlines_on(day, versions).answer_days)


def standing(
    opened_at: datetime,
    steps: Sequence[Step],
    agencies: Sequence[Scope],
    now: datetime,
    versions: Sequence[Deadlines],
) -> Standing:
    """Where a case stands.

    Args:
        opened_at: when the citizen asked.
        steps: what was done since, the oldest first.
        agencies: the office's `chain`.
        now: the present.
        versions: of the deadlines.
    """
    level, since, top = 0, opened_at, len(agencies) - 1
    for step in steps:
        if step.kind is StepKind.ANSWERED:
            level += _missed(since, step.at, versions)
            # Somebody above may answer for those below: who is not satisfied goes beyond them.
            if step.agency in agencies:
                level = max(level, agencies.index(step.agency))
        elif step.kind is StepKind.REOPENED:
            level, since = level + 1, step.at
    state = state_of(steps, now, versions)
    if state not in WAITING:
        closes = closes_at(steps[-1].at, versions) if state is CaseState.ANSWERED else None
        return Standing(state, agencies[min(level, top)], closes_at=closes)
    missed = _missed(since, now, versions)
    day = local_day(since)
    days = deadlines_on(day, versions).answer_days
    # At the top there is nobody to go on to: its deadline stays, and passes.
    turns = min(missed, max(0, top - level))
    return Standing(
        state,
        agencies[min(level + missed, top)],
        due=end_of_day(day, (turns + 1) * days),
        late_since=end_of_day(day, days) if missed else None,
    )
