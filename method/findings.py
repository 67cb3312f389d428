"""Which hours and which questions stand out since satisfaction fell; none where chance would do.

Both are asked in a way that the fall itself does not answer. The answers since then were picked
because many of them are not satisfied, so it would be no news that they are. What is tested is
where the dissatisfaction lies, given how much of it there is:

- an hour of the day, against the other hours since then: is a larger share of answers unsatisfied?
- a question, against the other questions: is more of all dissatisfaction about it than before?

Where everything fell alike, no question stands out. Each list names something that does not stand
out with a chance of at most `WRONGLY_NAMED` (Fisher's exact test, Holm; `method/exact.py`). Who
marks down every question alike adds one to each, which makes the test of questions cautious.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from method.definition import Definition
from method.exact import exact_p_value, holm
from method.figure import satisfied
from schemas.figure import Counts

WRONGLY_NAMED: Final = 0.05


class Split(NamedTuple):
    """Answers, and those of them that are not satisfied."""

    unsatisfied: int
    n: int


def split(counts: Counts, definition: Definition) -> Split:
    """Five counts as answers and those not satisfied."""
    n = sum(counts)
    return Split(n - satisfied(counts, definition), n)


def _named(keys: list[str], p_values: list[float]) -> list[str]:
    pairs = zip(keys, p_values, holm(p_values, WRONGLY_NAMED), strict=True)
    return [key for _, key in sorted((p, key) for key, p, stands_out in pairs if stands_out)]


def hours_standing_out(hours: Mapping[str, Split]) -> list[str]:
    """The hours at which answers are unsatisfied more often than at the others, clearest first.

    Args:
        hours: answers of the same days by local hour, "00" to "23".
    """
    bad = sum(hour.unsatisfied for hour in hours.values())
    n = sum(hour.n for hour in hours.values())
    return _named(
        list(hours),
        [
            exact_p_value(hour.unsatisfied, hour.n, bad - hour.unsatisfied, n - hour.n)
            for hour in hours.values()
        ],
    )


def items_standing_out(since: Mapping[str, Split], before: Mapping[str, Split]) -> list[str]:
    """The questions that more of the dissatisfaction is about than before, clearest first.

    Args:
        since: answers since satisfaction fell, by question, without the overall one.
        before: of a time before that; a question may be missing.
    """
    nothing = Split(0, 0)
    bad = sum(item.unsatisfied for item in since.values())
    was_bad = sum(before.get(name, nothing).unsatisfied for name in since)
    return _named(
        list(since),
        [
            exact_p_value(item.unsatisfied, bad, before.get(name, nothing).unsatisfied, was_bad)
            for name, item in since.items()
        ],
    )
