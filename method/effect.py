"""Did it work? One office's change against that of comparable offices. Pure.

The difference in differences of shares: what the satisfied share of the office changed by, less
what comparable offices changed by over the same days, so that a holiday, a new law or a new kiosk
does not count as anybody's work (D. Card and A. B. Krueger, American Economic Review 84 (1994); J.
D. Angrist and J.-S. Pischke, Mostly Harmless Econometrics (2009), ch. 5).

One office is compared, and offices drift on their own. So the interval holds not only how few
answered but also how differently the others changed (T. G. Conley and C. R. Taber, Review of
Economics and Statistics 93 (2011)): their variance beyond sampling, by the method of moments (L. V.
Hedges, Journal of Educational Statistics 8 (1983)). Sampling variances after A. Agresti and B.
Caffo, The American Statistician 54 (2000): one more answer of each kind, so that 10 of 10 is not
taken for certainty. Student's t, with one degree of freedom less than there are offices to compare
with.

Which days are compared decides whether the answer is honest: `method/episode.py`.
"""

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist, fmean, variance
from typing import Final, NamedTuple

ENOUGH_ANSWERS: Final = 30
"""Of each office, in each of the two times: fewer say nothing of it."""

ENOUGH_OFFICES: Final = 10
"""To compare with: of fewer, how differently offices change is not known."""

CONFIDENCE: Final = 0.95


class Sample(NamedTuple):
    """Answers, and those of them that are satisfied."""

    satisfied: int
    n: int


class Pair(NamedTuple):
    """One office before and after."""

    before: Sample
    after: Sample

    @property
    def enough(self) -> bool:
        """Whether there are answers enough to say something."""
        return min(self.before.n, self.after.n) >= ENOUGH_ANSWERS

    @property
    def change(self) -> float:
        """Of the satisfied share; both times need answers."""
        return self.after.satisfied / self.after.n - self.before.satisfied / self.before.n

    @property
    def variance(self) -> float:
        """Of `change`, by sampling alone."""
        return _variance(self.before) + _variance(self.after)


class Effect(NamedTuple):
    """What an office changed by beyond the others, in percentage points, with its interval.

    Attributes:
        points: more is better.
        low: lower end.
        high: upper end.
        offices: how many it was compared with.
        others: what those changed by on average.
    """

    points: float
    low: float
    high: float
    offices: int
    others: float


def _variance(sample: Sample) -> float:
    share = (sample.satisfied + 1) / (sample.n + 2)
    return share * (1 - share) / (sample.n + 2)


def _student(degrees: int) -> float:
    """The two-sided quantile of Student's t (Abramowitz and Stegun 26.7.5)."""
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / degrees + second / degrees**2 + third / degrees**3


def effect(office: Pair, others: Sequence[Pair]) -> Effect | None:
    """What an office changed by beyond others; None where there are too few answers or offices.

    Args:
        office: that did something.
        others: that did not; those with too few answers are left out.
    """
    compared = [other for other in others if other.enough]
    if not office.enough or len(compared) < ENOUGH_OFFICES:
        return None
    changes = [other.change for other in compared]
    spread = variance(changes)
    drift = max(0.0, spread - fmean(other.variance for other in compared))
    points = office.change - fmean(changes)
    half = _student(len(compared) - 1) * sqrt(office.variance + drift + spread / len(compared))
    return Effect(
        points=round(100 * points, 2),
        low=round(100 * (points - half), 2),
        high=round(100 * (points + half), 2),
        offices=len(compared),
        others=round(100 * fmean(changes), 2),
    )
