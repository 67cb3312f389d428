"""Reads an index by a rule. Pure: the statistics are in `method`, the thresholds in the rule."""

from datetime import timedelta
from typing import NamedTuple

from method.change import design, threshold
from method.definition import Definition
from method.figure import satisfied
from method.proportion import fall_p_value, wilson_upper_bound
from schemas.figure import Figure
from schemas.index import ChangeFigures, IndexUpdated, TrendFigures, WindowFigures
from services.notify.rules.kinds import BelowTarget, Change, Drift, Drop, IndexRule

QUIET = 1.0
"""A chart below this holds no evidence worth the name: odds of less than 3 to 1."""


_WAY_BACK = 0.5
"""A drift is over when less than this part of its limit is left: it moves slowly both ways."""


class Reading(NamedTuple):
    """What an index says under a rule.

    Attributes:
        raised: the condition to open an alert holds.
        recovered: an open alert could close. Not the opposite of `raised`: between the two, an
            alert stays as it is.
    """

    raised: bool
    recovered: bool


def _below_target(rule: BelowTarget, current: Figure, definition: Definition) -> Reading | None:
    if current.n < rule.min_n or current.index is None:
        return None
    upper = wilson_upper_bound(satisfied(current.counts, definition), current.n, rule.confidence)
    return Reading(raised=100 * upper < rule.target, recovered=current.index >= rule.target)


def fall_of(rule: Drop, window: WindowFigures, definition: Definition) -> float | None:
    """The p-value of a fall against the window before; None where either has too few answers."""
    current, previous = window.current, window.previous
    if min(current.n, previous.n) < rule.min_n:
        return None
    return fall_p_value(
        satisfied(previous.counts, definition),
        previous.n,
        satisfied(current.counts, definition),
        current.n,
    )


def _drop(
    rule: Drop, window: WindowFigures, baseline: float | None, definition: Definition
) -> Reading | None:
    current, previous = window.current, window.previous
    if current.n < rule.min_n or current.index is None:
        return None
    if baseline is not None:
        # The window before soon holds the fall itself; recovery is measured to where it fell from.
        recovered = current.index > baseline - rule.min_points
        return Reading(raised=not recovered, recovered=recovered)
    p_value = fall_of(rule, window, definition)
    if p_value is None or previous.index is None:
        return None
    raised = previous.index - current.index >= rule.min_points and p_value < rule.alpha
    return Reading(raised=raised, recovered=not raised)


def answers_a_day(index: IndexUpdated) -> float:
    """The volume of an office: of its windows of days, the busiest; at least 1.

    A new office has few answers in 90 days and many in 7.
    """
    days = (
        (figures.current.n, (figures.end - figures.start).days)
        for figures in index.windows.values()
    )
    return max([1.0, *(n / length for n, length in days if length > 1)])


def _change(rule: Change, change: ChangeFigures, volume: float) -> Reading:
    answers = volume * (rule.false_alarm_every / timedelta(days=1))
    how = design()
    high = threshold(answers, 1 - change.usual / 100, how.odds_ratio)
    return Reading(
        raised=change.statistic >= min(high, how.ceiling),
        recovered=change.statistic < QUIET,
    )


def _drift(rule: Drift, trend: TrendFigures) -> Reading | None:
    if trend.n < rule.min_n:
        return None
    return Reading(
        raised=trend.deviation >= rule.limit,
        recovered=trend.deviation < rule.limit * _WAY_BACK,
    )


def detect(
    rule: IndexRule, index: IndexUpdated, baseline: float | None, definition: Definition
) -> Reading | None:
    """Read an index by one rule; None where there are too few answers to say anything.

    Args:
        rule: to read by.
        index: with the window of the rule.
        baseline: for a drop that already fires, the index it fell from, in percent.
        definition: the method that the index was made with.
    """
    match rule:
        case BelowTarget():
            return _below_target(rule, index.windows[rule.window].current, definition)
        case Drop():
            return _drop(rule, index.windows[rule.window], baseline, definition)
        case Change():
            return _change(rule, index.change, answers_a_day(index)) if index.change else None
        case Drift():
            return _drift(rule, index.trend) if index.trend else None
