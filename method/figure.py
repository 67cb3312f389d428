"""From five counts to a figure: the only place where an index is computed."""

from functools import lru_cache

from method.definition import Definition
from method.proportion import wilson_interval
from schemas.figure import LEVELS, Counts, Figure


def satisfied(counts: Counts, definition: Definition) -> int:
    """How many answers count as satisfied."""
    return sum(counts[level - 1] for level in LEVELS if level >= definition.satisfied_from)


def figure(counts: Counts, definition: Definition) -> Figure:
    """The figure of five counts: index, interval and shares in percent, mean on the scale 1 to 5.

    With no answers everything but n is None: an index of nothing is not zero. Percentages and the
    mean are rounded to two decimals, the precision of the published programmes.
    """
    return _figure(counts, satisfied(counts, definition), definition.confidence)


# Windows of one scope often hold the same answers, above all none.
@lru_cache(maxsize=16_384)
def _figure(counts: Counts, k: int, confidence: float) -> Figure:
    n = sum(counts)
    if n == 0:
        return Figure(n=0, counts=counts)
    low, high = wilson_interval(k, n, confidence)
    return Figure(
        n=n,
        counts=counts,
        index=round(100 * k / n, 2),
        low=round(100 * low, 2),
        high=round(100 * high, 2),
        mean=round(sum(level * count for level, count in zip(LEVELS, counts, strict=True)) / n, 2),
        shares=tuple(round(100 * count / n, 2) for count in counts),
    )
