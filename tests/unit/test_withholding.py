"""What a list of commendations shows beside all large days and offices gives no small one away.

Everything that is large counts as known to whoever attacks; the attack knows nothing of the code.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from method.commendation import Office
from method.quarter import Quarter
from services.gateway.commendations.withholding import (
    WHOLE,
    withheld_groups,
    withheld_periods,
)

FROM = 10
QUARTER = Quarter(2026, 3)
NUMBERS = st.sampled_from([0, 1, 3, 5, 9, 10, 11, 40])


def given_away(shown: Iterable[set[str]], small: Mapping[str, Sequence[int]]) -> list[set[str]]:
    """Unions of parts whose small pieces follow from shown sums and say too much.

    Args:
        shown: each sum that is shown, as the parts that it is of.
        small: the small pieces of each part.
    """
    names = sorted(small)
    rows = np.array([[name in sum_ for name in names] for sum_ in shown], dtype=int)
    rows = rows.reshape(-1, len(names))
    rank = np.linalg.matrix_rank(rows) if len(rows) else 0
    found: list[set[str]] = []
    for size in range(1, len(names) + 1):
        for union in combinations(names, size):
            one = np.array([[name in union for name in names]], dtype=int)
            if np.linalg.matrix_rank(np.vstack([rows, one])) > rank:
                continue
            pieces = [n for name in union for n in small[name]]
            if pieces and (sum(pieces) < FROM or len(pieces) == 1):
                found.append(set(union))
    return found


def tiny(numbers: Iterable[int]) -> list[int]:
    return [n for n in numbers if 0 < n < FROM]


def office(name: str, days: Mapping[str, int], *groups: str) -> Office:
    return Office(name, groups, {day: (0, 0, 0, n, 0) for day, n in days.items()})


@settings(max_examples=200)
@given(st.lists(st.lists(NUMBERS, min_size=1, max_size=4), min_size=3, max_size=3))
def test_months_and_quarter_give_no_small_day_away(numbers: list[list[int]]) -> None:
    months = dict(zip(QUARTER.months, numbers, strict=True))
    days = {
        f"{month}-{place:02d}": n
        for month, of_days in months.items()
        for place, n in enumerate(of_days, 1)
    }
    hidden = withheld_periods(office("unit:a", days), QUARTER, FROM)
    shown = [{month} for month in months if month not in hidden]
    if WHOLE not in hidden:
        shown.append(set(months))
    assert given_away(shown, {month: tiny(n) for month, n in months.items()}) == []


@settings(max_examples=200)
@given(st.lists(st.lists(NUMBERS, max_size=4), min_size=1, max_size=4))
def test_sums_of_offices_give_no_small_office_away(numbers: list[list[int]]) -> None:
    groups = {f"commune/{place}": of_offices for place, of_offices in enumerate(numbers)}
    offices = [
        office(f"unit:{group}-{place}", {"2026-07-01": n}, group, "commune")
        for group, of_offices in groups.items()
        for place, n in enumerate(of_offices)
    ]
    hidden = withheld_groups(offices, FROM)
    shown = [{group} for group in groups if group not in hidden]
    if "commune" not in hidden:
        shown.append(set(groups))
    assert given_away(shown, {group: tiny(n) for group, n in groups.items()}) == []


def test_what_is_safe_is_shown() -> None:
    full = {f"{month}-{day:02d}": 12 for month in QUARTER.months for day in range(1, 25)}
    assert withheld_periods(office("unit:a", full), QUARTER, FROM) == set()
    # Four Saturdays of four answers hide one another.
    saturdays = {f"2026-07-{day}": 4 for day in (25, 26, 27, 28)}
    assert withheld_periods(office("unit:a", full | saturdays), QUARTER, FROM) == set()
    # One does not.
    one = full | {"2026-07-25": 4}
    assert withheld_periods(office("unit:a", one), QUARTER, FROM) == {WHOLE, "2026-07"}
    offices = [office(f"unit:{n}", {"2026-07-01": n}, "commune/x", "commune") for n in (40, 30, 20)]
    assert withheld_groups(offices, FROM) == set()
    small = office("unit:5", {"2026-07-01": 5}, "commune/y", "commune")
    assert withheld_groups([*offices, small], FROM) == {"commune", "commune/y"}
