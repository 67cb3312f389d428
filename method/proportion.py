"""Statistics of a share: the Wilson interval, its one-sided bound, and the test of two shares.

Sources: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
JASA 22 (1927); A. Agresti and B. A. Coull, The American Statistician 52 (1998), for why the plain
normal interval is not used on small samples.
"""

from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

_STANDARD_NORMAL = NormalDist()


class Interval(NamedTuple):
    """A share's lower and upper bound, each between 0 and 1."""

    low: float
    high: float


def _require_counts(successes: int, trials: int) -> None:
    if not 0 <= successes <= trials or trials == 0:
        msg = f"need 0 <= successes <= trials and trials > 0, got {successes} of {trials}"
        raise ValueError(msg)


def _wilson(successes: int, trials: int, z: float) -> Interval:
    _require_counts(successes, trials)
    share = successes / trials
    denominator = 1 + z * z / trials
    centre = (share + z * z / (2 * trials)) / denominator
    half = z / denominator * sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    # Rounding must not put the share itself outside its interval when it is 0 or 1.
    return Interval(min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half)))


def wilson_interval(successes: int, trials: int, confidence: float) -> Interval:
    """The two-sided Wilson score interval of a share.

    Args:
        successes: answers that count, 0 to `trials`.
        trials: all answers, at least 1.
        confidence: two-sided, e.g. 0.95.

    Raises:
        ValueError: when the counts are impossible.
    """
    return _wilson(successes, trials, _STANDARD_NORMAL.inv_cdf((1 + confidence) / 2))


def wilson_upper_bound(successes: int, trials: int, confidence: float) -> float:
    """The one-sided upper Wilson bound: with `confidence`, the true share is not above it.

    Raises:
        ValueError: when the counts are impossible.
    """
    return _wilson(successes, trials, _STANDARD_NORMAL.inv_cdf(confidence)).high


def fall_p_value(
    successes_before: int, trials_before: int, successes_now: int, trials_now: int
) -> float:
    """One-sided p-value that the share did not fall: the pooled two-proportion z test.

    A small value speaks for a fall. It is 1.0 where the pooled share is 0 or 1, because equal
    extremes are no evidence of anything.

    Raises:
        ValueError: when the counts are impossible.
    """
    _require_counts(successes_before, trials_before)
    _require_counts(successes_now, trials_now)
    pooled = (successes_before + successes_now) / (trials_before + trials_now)
    variance = pooled * (1 - pooled) * (1 / trials_before + 1 / trials_now)
    if variance == 0:
        return 1.0
    difference = successes_before / trials_before - successes_now / trials_now
    return 1 - _STANDARD_NORMAL.cdf(difference / sqrt(variance))
