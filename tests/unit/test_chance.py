"""Tails of counts against those of scipy, where a float can still tell them."""

from math import isclose

from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from method.chance import binomial_tail, poisson_tail, two_shares_tail

COUNTS = st.integers(0, 60)
SHARES = st.floats(0.01, 0.99)


@given(COUNTS, st.floats(0.01, 40))
def test_poisson(least: int, mean: float) -> None:
    exact = stats.poisson.sf(least - 1, mean)
    assert isclose(poisson_tail(least, mean), exact, rel_tol=1e-7)


@given(COUNTS, COUNTS, SHARES)
def test_binomial(least: int, more: int, share: float) -> None:
    trials = least + more
    exact = stats.binom.sf(least - 1, trials, share)
    assert isclose(binomial_tail(least, trials, share), exact, rel_tol=1e-7)


@given(COUNTS, COUNTS, COUNTS, COUNTS, st.sampled_from([1.0, 3.0]))
def test_two_shares(good: int, bad: int, other_good: int, other_bad: int, odds: float) -> None:
    own, others = good + bad, other_good + other_bad
    exact = stats.nchypergeom_fisher.sf(good - 1, own + others, good + other_good, own, odds)
    found = two_shares_tail(good, own, other_good, others, odds)
    assert isclose(found, exact, rel_tol=1e-6, abs_tol=1e-11)


def test_small_probabilities_are_not_lost() -> None:
    assert isclose(binomial_tail(100, 100, 0.5), 0.5**100, rel_tol=1e-9)
    assert poisson_tail(100, 1) < 1e-150
