"""Known values of the exact test, and how often Holm's procedure names something wrongly."""

from random import Random

import pytest

from method.exact import exact_p_value, holm


def test_known_values() -> None:
    # The lady tasting tea (Fisher 1935): all 4 of 4 right, 1 of C(8, 4) = 70; 3 or more: 17 of 70.
    assert exact_p_value(4, 4, 0, 4) == pytest.approx(1 / 70)
    assert exact_p_value(3, 4, 1, 4) == pytest.approx(17 / 70)
    # R: fisher.test(matrix(c(1, 11, 9, 3), 2), alternative = "less"), Wikipedia's example.
    assert exact_p_value(9, 12, 1, 12) == pytest.approx(0.001379728, rel=1e-6)


def test_what_says_nothing_is_one() -> None:
    assert exact_p_value(0, 10, 3, 10) == 1.0
    assert exact_p_value(0, 0, 0, 0) == 1.0
    assert exact_p_value(5, 5, 5, 5) == 1.0


def test_many_answers_are_no_trouble() -> None:
    assert exact_p_value(5_000, 10_000, 2_000, 90_000) < 1e-300
    assert 0.3 < exact_p_value(505, 5_000, 1_000, 10_000) < 0.5


@pytest.mark.parametrize("counts", [(5, 4, 0, 1), (-1, 4, 0, 1), (0, 1, 2, 1)])
def test_impossible_counts_are_refused(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="hits"):
        exact_p_value(*counts)


def test_holm_steps_down() -> None:
    assert holm([], 0.05) == []
    assert holm([0.01, 0.04, 0.03, 0.005], 0.05) == [True, False, False, True]
    assert holm([0.04, 0.06], 0.05) == [False, False], "the smallest is asked for half"


def test_holm_seldom_names_what_is_nothing() -> None:
    random = Random(3)
    rounds = 4_000
    wrong = sum(any(holm([random.random() for _ in range(12)], 0.05)) for _ in range(rounds))
    assert 0.035 < wrong / rounds < 0.062
