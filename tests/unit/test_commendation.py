"""Who is commended: known answers, what each condition is for, and how often chance would do it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from math import isclose

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from method.commendation import (
    Assessment,
    Conditions,
    Office,
    assess,
    conditions,
    design_effect,
    tail,
)
from method.definition import definitions
from method.quarter import Quarter
from schemas.figure import Counts

QUARTER = Quarter(2026, 3)
DEFINITION = definitions()[-1]
ALL_DAYS = [
    QUARTER.first + timedelta(days=age) for age in range((QUARTER.last - QUARTER.first).days + 1)
]
WORKING_DAYS = [day.isoformat() for day in ALL_DAYS if day.weekday() < 5]


def wanted() -> Conditions:
    found = conditions(QUARTER)
    assert found is not None
    return found


def counts(n: int, good: int) -> Counts:
    return (0, 0, n - good, good, 0)


def office(
    name: str, n: int, good: int, days: Sequence[str] = WORKING_DAYS, group: str = "a"
) -> Office:
    """The same answers on each day."""
    return Office(f"unit:{name}", (group, "all"), dict.fromkeys(days, counts(n, good)))


PEERS = [office(f"peer-{number}", 20, 17) for number in range(8)]
"""85 % each."""


def judged(*offices: Office) -> dict[str, Assessment]:
    return {one.scope[5:]: one for one in assess(offices, QUARTER, wanted(), DEFINITION)}


def test_an_office_above_target_and_peers_is_listed_with_what_it_rests_on() -> None:
    found = judged(office("good", 20, 19), *PEERS)
    assert [name for name, one in found.items() if one.listed] == ["good"]
    good = found["good"]
    assert good.counts == (0, 0, 66, 66 * 19, 0)
    assert [sum(month) for month in good.months] == [23 * 20, 21 * 20, 22 * 20]
    assert good.active_days == 66
    assert good.peers == ("a", 8, (0, 0, 8 * 66 * 3, 8 * 66 * 17, 0))
    # 95 % of 1,320 against 90 % and against 85 % of 10,560: the nearer of the two decides.
    z = 0.05 / (0.9 * 0.1 / 1320) ** 0.5
    assert isclose(good.p_value, stats.t.sf(z, 65), rel_tol=0.1)


def test_peers_as_good_as_oneself_are_no_reason_to_be_commended() -> None:
    found = judged(*(office(f"{number}", 20, 19) for number in range(9)))
    assert len(found) == 9
    assert not any(one.listed for one in found.values())


def test_better_than_peers_is_not_enough_below_the_target() -> None:
    assert not judged(office("better", 50, 44), *PEERS)["better"].listed


def test_an_office_below_the_target_in_one_month_is_not_commended() -> None:
    july, *_ = QUARTER.months
    days = {day: counts(20, 18) if day.startswith(july) else counts(20, 20) for day in WORKING_DAYS}
    found = judged(Office("unit:x", ("a",), days), *PEERS)["x"]
    assert (found.listed, found.p_value) == (False, 1.0)


@pytest.mark.parametrize(
    ("days", "n"),
    [
        pytest.param(WORKING_DAYS[::3], 100, id="too few days"),
        pytest.param(WORKING_DAYS, 1, id="too few answers"),
        pytest.param(WORKING_DAYS[22:], 20, id="a month without enough"),
    ],
)
def test_who_has_too_little_is_not_judged(days: list[str], n: int) -> None:
    assert "x" not in judged(office("x", n, n, days), *PEERS)


def test_one_busy_afternoon_does_not_win() -> None:
    """900 satisfied visitors on one day in August, 87 % of a few on all others."""
    days = dict.fromkeys(WORKING_DAYS, counts(15, 13)) | {WORKING_DAYS[30]: counts(900, 900)}
    steady = judged(office("x", 28, 26), *PEERS)["x"]
    months = judged(Office("unit:x", ("a",), days), *PEERS)["x"]
    assert steady.listed
    assert not months.listed
    # And if its months would do: with one day left to speak, the quarter says next to nothing.
    even = {
        day: counts(300, 300) if day in WORKING_DAYS[10::22] else counts(5, 4)
        for day in WORKING_DAYS
    }
    found = judged(Office("unit:x", ("a",), even), *PEERS)["x"]
    assert 0.001 < found.p_value < 1


def test_where_there_are_few_beside_it_an_office_is_compared_with_those_of_the_country() -> None:
    lonely = office("lonely", 20, 19, group="b")
    beside = office("beside", 20, 16, group="b")
    assert judged(lonely, beside, *PEERS)["lonely"].peers[:2] == ("all", 9)
    assert judged(lonely, beside, *PEERS[:3]) == {}


def test_offices_are_judged_by_what_held_when_the_quarter_began() -> None:
    assert conditions(Quarter(2025, 2)) is None
    first = conditions(Quarter(2025, 3))
    assert first is not None
    assert conditions(Quarter(2026, 3)) == first


def test_days_that_differ_more_than_chance_makes_them_weaken_what_they_say() -> None:
    assert design_effect([(10, 9)] * 20) == 1
    assert design_effect([(10, 10)] * 20) == 1
    assert design_effect([(100, 50)]) == 1
    assert design_effect([(10, 10), (0, 0)]) == 1
    # Two days of 10, all and none satisfied: the day is what counts, not its answers.
    assert isclose(design_effect([(10, 10), (10, 0)]), 20)


@given(st.floats(-6, 6), st.integers(1, 120))
def test_students_tail(t: float, freedom: int) -> None:
    """Close for what is asked here, 29 degrees of freedom and more; never far off.

    Beyond 6 nothing is decided: the least p-value that counts, for one of 3,321, is 1 in 66,000.
    """
    exact = stats.t.sf(t, freedom)
    assert isclose(tail(t, freedom), exact, rel_tol=0.02 if freedom >= 29 else 0.2)


@given(st.lists(st.floats(-8, 8), min_size=2, max_size=10), st.integers(1, 120))
def test_the_tail_falls(values: list[float], freedom: int) -> None:
    tails = [tail(t, freedom) for t in sorted(values)]
    assert all(one >= other for one, other in pairwise(tails))


@dataclass
class Country:
    """Invented offices whose days differ: an answer is like the others of its day."""

    rng: np.random.Generator
    likeness: float

    def quarter(self, levels: Sequence[float], a_day: float) -> list[Assessment]:
        """A quarter of offices of these true levels."""
        odds = 1 / self.likeness - 1
        offices = []
        for number, level in enumerate(levels):
            n = self.rng.poisson(a_day, len(WORKING_DAYS))
            share = self.rng.beta(level * odds, (1 - level) * odds, len(WORKING_DAYS))
            good = self.rng.binomial(n, share)
            days = {
                day: counts(int(all_), int(some))
                for day, all_, some in zip(WORKING_DAYS, n, good, strict=True)
            }
            offices.append(Office(f"unit:{number}", (f"{number // 50}", "all"), days))
        return assess(offices, QUARTER, wanted(), DEFINITION)


@pytest.mark.parametrize("a_day", [5, 25])
def test_where_nobody_is_better_lists_are_empty_in_95_of_100_quarters(a_day: int) -> None:
    """The hardest case: half the country exactly at the target, the others far below."""
    country = Country(np.random.default_rng(a_day), likeness=0.03)
    levels = [0.9 if number % 2 else 0.8 for number in range(100)]
    lists = [any(one.listed for one in country.quarter(levels, a_day)) for _ in range(100)]
    assert sum(lists) <= 5


def test_of_those_listed_few_are_there_by_chance_and_those_who_are_better_are_found() -> None:
    country = Country(np.random.default_rng(1), likeness=0.02)
    levels = [{0: 0.94, 1: 0.9}.get(number % 10, 0.88) for number in range(200)]
    false, found, shares = 0, 0, []
    for _ in range(30):
        listed = [int(one.scope[5:]) % 10 for one in country.quarter(levels, 25) if one.listed]
        false = sum(kind != 0 for kind in listed)
        found += len(listed) - false
        shares.append(false / max(1, len(listed)))
    assert sum(shares) / len(shares) <= wanted().false_discovery_rate
    assert found / (30 * 20) > 0.9
