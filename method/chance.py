"""Tails of counts: how probable so many or more are. Exact, for small probabilities too. Pure."""

from collections.abc import Iterable
from math import exp, inf, lgamma, log


def _sum(logarithms: Iterable[float]) -> float:
    """The sum of what logarithms stand for, at most 1."""
    terms = list(logarithms)
    largest = max(terms, default=-inf)
    if largest == -inf:
        return 0.0
    return min(1.0, exp(largest) * sum(exp(term - largest) for term in terms))


def _choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def poisson_tail(least: int, mean: float) -> float:
    """The probability of `least` or more events of a Poisson distribution."""
    if least <= 0:
        return 1.0
    # Beyond this the terms are smaller than what a float can tell from nothing.
    most = int(max(least, mean) + 12 * (max(least, mean) ** 0.5 + 1))
    return _sum(k * log(mean) - mean - lgamma(k + 1) for k in range(least, most))


def binomial_tail(least: int, trials: int, share: float) -> float:
    """The probability of `least` or more successes.

    Args:
        least: successes.
        trials: of them.
        share: of success, between 0 and 1, neither included.
    """
    if least <= 0:
        return 1.0
    return _sum(
        _choose(trials, k) + k * log(share) + (trials - k) * log(1 - share)
        for k in range(least, trials + 1)
    )


def two_shares_tail(
    successes: int, trials: int, other_successes: int, other_trials: int, odds: float
) -> float:
    """How probable so many successes are, if the odds are at most `odds` times the others'.

    Fisher's exact test with an odds ratio other than 1: the noncentral hypergeometric distribution
    of the successes, given all of them (R. A. Fisher, "The logic of inductive inference", JRSS 98
    (1935)).
    """
    together = successes + other_successes
    support = range(max(0, together - other_trials), min(trials, together) + 1)
    terms = [
        _choose(trials, k) + _choose(other_trials, together - k) + k * log(odds) for k in support
    ]
    largest = max(terms)
    whole = sum(exp(term - largest) for term in terms)
    upper = sum(
        exp(term - largest) for k, term in zip(support, terms, strict=True) if k >= successes
    )
    return min(1.0, upper / whole)
