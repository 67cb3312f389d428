"""From counts to figures."""

from datetime import date

import pytest

from method.definition import definition_on
from method.figure import figure

DEFINITION = definition_on(date(2026, 11, 22))


def test_index_is_the_share_at_four_or_five() -> None:
    result = figure((5, 5, 6, 44, 40), DEFINITION)
    assert result.n == 100
    assert result.index == 84.0
    assert (result.low, result.high) == (75.58, 89.9)
    assert result.mean == 4.09
    assert result.shares == (5.0, 5.0, 6.0, 44.0, 40.0)


def test_no_answers_is_no_index_rather_than_zero() -> None:
    result = figure((0, 0, 0, 0, 0), DEFINITION)
    assert result.n == 0
    assert result.index is None
    assert result.low is None
    assert result.high is None
    assert result.mean is None
    assert result.shares is None


def test_all_satisfied_keeps_an_honest_interval() -> None:
    result = figure((0, 0, 0, 0, 3), DEFINITION)
    assert result.index == 100.0
    assert result.high == 100.0
    assert result.low is not None
    assert result.low < 50


def test_the_satisfied_threshold_is_data() -> None:
    stricter = DEFINITION.model_copy(update={"satisfied_from": 5})
    assert figure((0, 0, 0, 1, 1), stricter).index == 50.0


@pytest.mark.parametrize("day", [date(2020, 1, 1), date(2026, 11, 22)])
def test_every_day_has_a_definition(day: date) -> None:
    assert definition_on(day).version == "rolling-1"
