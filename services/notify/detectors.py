"""Reads an index by a rule. Pure: the statistics are in `method`, the thresholds in the rule."""

from typing import NamedTuple

from method.definition import Definition
from method.figure import satisfied
from method.proportion import fall_p_value, wilson_upper_bound
from schemas.figure import Figure
from schemas.index import WindowFigures
from services.notify.rules import BelowTarget, Drop, Rule


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
    if previous.n < rule.min_n or previous.index is None:
        return None
    p_value = fall_p_value(
        satisfied(previous.counts, definition),
        previous.n,
        satisfied(current.counts, definition),
        current.n,
    )
    raised = previous.index - current.index >= rule.min_points and p_value < rule.alpha
    return Reading(raised=raised, recovered=not raised)


def detect(
    rule: Rule, window: WindowFigures, baseline: float | None, definition: Definition
) -> Reading | None:
    """Read one window by one rule; None where there are too few answers to say anything.

    Args:
        rule: to read by.
        window: of the rule's length.
        baseline: for a drop that already fires, the index it fell from, in percent.
        definition: the method that the index was made with.
    """
    if isinstance(rule, BelowTarget):
        return _below_target(rule, window.current, definition)
    return _drop(rule, window, baseline, definition)
