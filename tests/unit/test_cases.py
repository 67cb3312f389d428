"""Cases: what may be done when, whose turn it is, and until when."""

from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from method.cases import (
    BY_AGENCY,
    TABLE,
    WAITING,
    CaseState,
    Deadlines,
    Step,
    StepKind,
    allowed,
    broken_rule,
    deadlines,
    deadlines_on,
    state_of,
)
from method.holding import Standing, chain, home, standing
from method.period import local_midnight
from schemas.registry import EntryKind, Registry
from schemas.scope import COUNTRY
from tests.builders import entry

OFFICE, COMMUNE, PROVINCE = "unit:000.00.19.H26", "commune:00004", "province:01"
UP = [OFFICE, COMMUNE, PROVINCE]
FIVE_TEN = (Deadlines(effective_from=date(2026, 1, 1), answer_days=5, confirm_days=10),)
MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
"""09:00 in Vietnam."""

T, A, C, R = StepKind.TAKEN, StepKind.ANSWERED, StepKind.CONFIRMED, StepKind.REOPENED


def day(number: int, hour: int = 9) -> datetime:
    """An hour of a local day, counted from the Monday on which the case was opened."""
    return local_midnight(date(2026, 11, 23)) + timedelta(days=number, hours=hour)


def step(kind: StepKind, number: int, agency: str | None = OFFICE) -> Step:
    text = "Đã kê thêm ghế" if kind in (A, R) else None
    return Step(kind, day(number), agency if kind in BY_AGENCY else None, text)


def at(number: int, *steps: Step, hour: int = 9, agencies: list[str] = UP) -> Standing:
    return standing(MONDAY, steps, agencies, day(number, hour), FIVE_TEN)


def test_the_table_says_what_may_be_done() -> None:
    expected = {
        CaseState.OPEN: ([T, A], []),
        CaseState.TAKEN: ([A], []),
        CaseState.ANSWERED: ([], [C, R]),
        CaseState.REOPENED: ([T, A], []),
        CaseState.CONFIRMED: ([], []),
        CaseState.EXPIRED: ([], []),
    }
    for state, (agency, citizen) in expected.items():
        assert (allowed(state, by_agency=True), allowed(state, by_agency=False)) == (
            agency,
            citizen,
        )


@pytest.mark.parametrize(
    ("state", "kind", "by"), list(product(CaseState, StepKind, (OFFICE, None)))
)
def test_every_other_step_is_refused_by_its_kind(
    state: CaseState, kind: StepKind, by: str | None
) -> None:
    text = "Đã kê thêm ghế" if kind in (A, R) else None
    broken = broken_rule(state, Step(kind, MONDAY, by, text))
    if (state, kind) in TABLE and (kind in BY_AGENCY) == (by is not None):
        assert broken is None
    else:
        assert broken is not None
        assert broken.field == "kind"
        assert state in broken.rule


def test_done_says_what_was_changed_and_not_satisfied_what_is_wrong() -> None:
    for state, kind, by, rule in (
        (CaseState.TAKEN, A, OFFICE, "what was changed"),
        (CaseState.ANSWERED, R, None, "what is still wrong"),
    ):
        for text in (None, ""):
            broken = broken_rule(state, Step(kind, MONDAY, by, text))
            assert broken is not None
            assert (broken.field, rule in broken.rule) == ("text", True)
    for state, kind, by in ((CaseState.OPEN, T, OFFICE), (CaseState.ANSWERED, C, None)):
        broken = broken_rule(state, Step(kind, MONDAY, by, "x"))
        assert broken is not None
        assert broken.field == "text"


def test_an_office_that_does_not_answer_loses_the_case_to_the_next_above() -> None:
    # Opened on day 0, so the office has until the end of day 5, whatever the hour.
    assert at(0) == Standing(CaseState.OPEN, OFFICE, due=day(6, 0))
    assert at(5, hour=23).holder == OFFICE
    assert at(5, hour=23).late_since is None
    assert at(6, hour=0) == Standing(CaseState.OPEN, COMMUNE, day(11, 0), late_since=day(6, 0))
    # Taking it up gives no more time.
    assert at(6, step(T, 4)) == Standing(CaseState.TAKEN, COMMUNE, day(11, 0), day(6, 0))
    assert at(11) == Standing(CaseState.OPEN, PROVINCE, day(16, 0), day(6, 0))
    # Above the province is nobody: its deadline stays, and has passed.
    assert at(40) == Standing(CaseState.OPEN, PROVINCE, day(16, 0), day(6, 0))


def test_who_is_not_satisfied_goes_beyond_those_who_answered() -> None:
    answered = step(A, 3)
    assert at(3, answered) == Standing(CaseState.ANSWERED, OFFICE, closes_at=day(14, 0))
    assert at(4, answered, step(R, 4)) == Standing(CaseState.REOPENED, COMMUNE, due=day(10, 0))
    # The commune answered for its office at once: the next is the province.
    above = step(A, 3, COMMUNE)
    assert at(4, above, step(R, 4)).holder == PROVINCE
    # So it does when the case had come to the commune by itself.
    late = step(A, 7, COMMUNE)
    assert at(8, late, step(R, 8)) == Standing(CaseState.REOPENED, PROVINCE, due=day(14, 0))
    twice = (answered, step(R, 4), step(A, 5, COMMUNE), step(R, 6))
    assert at(6, *twice).holder == PROVINCE
    assert at(9, *twice, step(A, 7, PROVINCE), step(R, 8)).holder == PROVINCE
    confirmed = at(9, *twice, step(A, 7, PROVINCE), step(C, 8))
    assert confirmed == Standing(CaseState.CONFIRMED, PROVINCE)


def test_silence_closes_an_answered_case_without_confirmation() -> None:
    answered = step(A, 3)
    assert at(13, answered, hour=23).state is CaseState.ANSWERED
    assert at(14, answered, hour=0) == Standing(CaseState.EXPIRED, OFFICE)


def test_a_new_version_holds_for_rounds_that_begin_in_it() -> None:
    shorter = Deadlines(effective_from=date(2026, 11, 25), answer_days=1, confirm_days=2)
    both = (*FIVE_TEN, shorter)
    assert standing(MONDAY, (), UP, day(3), both).due == day(6, 0)
    steps = (step(A, 1), step(R, 2))
    assert standing(MONDAY, steps, UP, day(2), both).due == day(4, 0)
    assert state_of(steps[:1], day(9), both) is CaseState.ANSWERED
    assert deadlines_on(date(2020, 1, 1), both) == FIVE_TEN[0]
    assert deadlines()[0].answer_days >= 1


def test_who_answers_for_an_office_follows_the_map_of_the_day() -> None:
    ended = {"valid_to": date(2026, 7, 1)}
    registry = Registry(
        [
            entry(EntryKind.PROVINCE, "01"),
            entry(EntryKind.COMMUNE, "00004", PROVINCE),
            entry(EntryKind.MINISTRY, "G09"),
            entry(EntryKind.UNIT, "000.00.19.H26", COMMUNE),
            entry(EntryKind.UNIT, "000.00.20.H26", COMMUNE, successors=(OFFICE,), **ended),
            entry(EntryKind.UNIT, "000.00.21.H26", COMMUNE, **ended),
            entry(EntryKind.UNIT, "000.00.01.G09", "ministry:G09"),
            entry(EntryKind.COMMUNE, "00005", "province:02", **ended),
            entry(EntryKind.UNIT, "000.00.22.H26", "commune:00005", **ended),
        ]
    )
    today = date(2026, 11, 22)
    assert chain(OFFICE, registry, today) == UP
    assert chain("unit:000.00.20.H26", registry, today) == UP, "its heir"
    assert chain("unit:000.00.20.H26", registry, date(2026, 6, 30))[0] == "unit:000.00.20.H26"
    assert chain("unit:000.00.21.H26", registry, today) == [COMMUNE, PROVINCE], "what was above"
    assert chain("unit:000.00.01.G09", registry, today) == ["unit:000.00.01.G09", "ministry:G09"]
    assert home("unit:000.00.22.H26", registry, today) == COUNTRY
    assert chain("unit:000.00.99.H26", registry, today) == [COUNTRY]
    circle = entry(EntryKind.UNIT, "000.00.23.H26", COMMUNE, successors=("unit:000.00.23.H26",))
    circle = circle.model_copy(update=ended)
    assert home(circle.key, Registry([*registry, circle]), today) == COUNTRY


@given(st.lists(st.tuples(st.sampled_from(StepKind), st.integers(0, 30), st.sampled_from(UP))))
def test_whatever_is_done_somebody_holds_the_case_and_it_never_goes_down(
    tries: list[tuple[StepKind, int, str]],
) -> None:
    """Of a history of steps that the rules let pass."""
    steps: list[Step] = []
    now, rank = MONDAY, 0
    for kind, hours, agency in tries:
        now += timedelta(hours=hours)
        before = standing(MONDAY, steps, UP, now, FIVE_TEN)
        tried = Step(
            kind, now, agency if kind in BY_AGENCY else None, "x" if kind in (A, R) else None
        )
        if broken_rule(before.state, tried) is None:
            steps.append(tried)
        after = standing(MONDAY, steps, UP, now, FIVE_TEN)
        assert UP.index(after.holder) >= rank
        rank = UP.index(after.holder)
        assert (after.due is not None) == (after.state in WAITING)
        assert (after.closes_at is not None) == (after.state is CaseState.ANSWERED)
        if steps and steps[-1] is tried and kind is R:
            answered = next(one for one in reversed(steps) if one.kind is A)
            assert UP.index(after.holder) >= min(2, UP.index(answered.agency or "") + 1)
