"""Which of many tests are believed."""

import random

import pytest

from method.discovery import benjamini_hochberg

# Benjamini and Hochberg 1995, section 4.1: fifteen tests of thrombolysis; at 5 % they find four
# (Bonferroni three, single tests nine).
PUBLISHED = (
    *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
    *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000),
)


def test_the_published_example() -> None:
    assert benjamini_hochberg(PUBLISHED, 0.05) == [True] * 4 + [False] * 11


def test_answers_stand_in_the_order_of_the_questions() -> None:
    assert benjamini_hochberg([0.9, 0.001, 0.5, 0.0001], 0.05) == [False, True, False, True]


def test_a_test_above_its_own_step_is_believed_for_the_sake_of_a_later_one() -> None:
    # 0.04 lies over its step of 0.025; 0.05 lies on its step of 0.05.
    assert benjamini_hochberg([0.04, 0.05], 0.05) == [True, True]


def test_equal_values_share_their_fate() -> None:
    assert benjamini_hochberg([0.02, 0.02, 0.02, 0.9], 0.03) == [True, True, True, False]


def test_no_tests_no_discoveries() -> None:
    assert benjamini_hochberg([], 0.05) == []


def test_where_nothing_is_to_be_found_a_list_is_rarely_not_empty() -> None:
    chance = random.Random(1)
    lists = [benjamini_hochberg([chance.random() for _ in range(200)], 0.05) for _ in range(2000)]
    # Without anything to find each discovery is false, and the rate is that of lists with any.
    assert 0.035 < sum(any(found) for found in lists) / len(lists) < 0.065


@pytest.mark.parametrize(
    ("p_values", "rate", "rule"),
    [
        ([0.5], 0.0, "rate: must be between 0 and 1, got 0.0"),
        ([0.5], 1.0, "rate: must be between 0 and 1, got 1.0"),
        ([0.5, 1.2], 0.05, "p_values.1: must be 0 to 1, got 1.2"),
        ([-0.1], 0.05, "p_values.0: must be 0 to 1, got -0.1"),
        ([float("nan")], 0.05, "p_values.0: must be 0 to 1, got nan"),
    ],
)
def test_what_is_no_probability_is_refused_by_its_rule(
    p_values: list[float], rate: float, rule: str
) -> None:
    with pytest.raises(ValueError, match=f"^{rule}$"):
        benjamini_hochberg(p_values, rate)
