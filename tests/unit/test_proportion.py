"""The statistics against published examples and an independent library."""

import pytest
from scipy.stats import binomtest, norm

from method.proportion import fall_p_value, wilson_interval, wilson_upper_bound


def test_the_published_example() -> None:
    low, high = wilson_interval(84, 100, 0.95)
    assert (round(low, 3), round(high, 3)) == (0.756, 0.899)


@pytest.mark.parametrize(("n", "points"), [(10, 22.7), (30, 13.1), (100, 7.2), (385, 3.7)])
def test_published_half_widths_near_84_percent(n: int, points: float) -> None:
    # The published half-widths are those of the normal approximation at p = .84; Wilson's differ
    # by less than two points from n = 30 on, and are tighter below.
    low, high = wilson_interval(round(0.84 * n), n, 0.95)
    assert 100 * (high - low) / 2 == pytest.approx(points, abs=2.0)


@pytest.mark.parametrize("n", [1, 2, 10, 31, 1000])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.84, 1.0])
def test_wilson_agrees_with_scipy(n: int, share: float) -> None:
    k = round(share * n)
    expected = binomtest(k, n).proportion_ci(confidence_level=0.95, method="wilson")
    low, high = wilson_interval(k, n, 0.95)
    assert low == pytest.approx(expected.low, abs=1e-12)
    assert high == pytest.approx(expected.high, abs=1e-12)
    assert 0 <= low <= k / n <= high <= 1


def test_one_sided_bound_is_the_two_sided_one_with_double_the_error() -> None:
    assert wilson_upper_bound(70, 100, 0.95) == pytest.approx(wilson_interval(70, 100, 0.90).high)


def test_fall_p_value_is_the_pooled_z_test() -> None:
    pooled = (85 + 60) / 200
    z = (0.85 - 0.60) / (pooled * (1 - pooled) * (1 / 100 + 1 / 100)) ** 0.5
    assert fall_p_value(85, 100, 60, 100) == pytest.approx(norm.sf(z), rel=1e-9)


def test_a_rise_is_no_fall() -> None:
    assert fall_p_value(60, 100, 85, 100) > 0.99


@pytest.mark.parametrize("k", [0, 50])
def test_equal_extremes_prove_nothing(k: int) -> None:
    assert fall_p_value(k, 50, k, 50) == 1.0


@pytest.mark.parametrize(("k", "n"), [(-1, 10), (11, 10), (0, 0)])
def test_impossible_counts_are_refused(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="need 0 <= successes <= trials"):
        wilson_interval(k, n, 0.95)
