"""Tests that hold for few answers, and for many tests at once. Pure.

Sources: R. A. Fisher, "The logic of inductive inference", Journal of the Royal Statistical Society
98 (1935), for the exact test of two shares; S. Holm, "A simple sequentially rejective multiple test
procedure", Scandinavian Journal of Statistics 6 (1979).
"""

from collections.abc import Sequence
from math import exp, lgamma


def _log_choose(of: int, taken: int) -> float:
    return lgamma(of + 1) - lgamma(taken + 1) - lgamma(of - taken + 1)


def exact_p_value(hits: int, trials: int, other_hits: int, other_trials: int) -> float:
    """One-sided p-value that hits are no more frequent here than elsewhere: Fisher's exact test.

    It is conditional on how many hits there are in all, so it also holds where just that number
    was the reason to look.

    Args:
        hits: here, 0 to `trials`.
        trials: here.
        other_hits: elsewhere, 0 to `other_trials`.
        other_trials: elsewhere.

    Raises:
        ValueError: when the counts are impossible.
    """
    if not (0 <= hits <= trials and 0 <= other_hits <= other_trials):
        msg = f"need 0 <= hits <= trials, got {hits} of {trials} and {other_hits} of {other_trials}"
        raise ValueError(msg)
    total, all_hits = trials + other_trials, hits + other_hits
    whole = _log_choose(total, all_hits)
    return min(
        1.0,
        sum(
            exp(_log_choose(trials, here) + _log_choose(other_trials, all_hits - here) - whole)
            for here in range(hits, min(trials, all_hits) + 1)
            if all_hits - here <= other_trials
        ),
    )


def holm(p_values: Sequence[float], rate: float) -> list[bool]:
    """Which of many tests speak for something, in their order.

    If none has anything to say, the chance that one is named is at most `rate`; so is the chance
    that one is named wrongly beside others that are right.
    """
    named = [False] * len(p_values)
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[place] > rate / (len(p_values) - rank):
            break
        named[place] = True
    return named
