"""Rolling windows as sums of segments.

Windows nest (7 days are inside 30), so the days behind now are cut once, at every edge that any
window or its predecessor needs; each window is then a sum of whole segments. A store counts each
day once into one segment instead of once for every window.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal, NamedTuple

from method.definition import Definition, WindowLength
from method.figure import figure
from method.period import day_key, hour_key, local_day, local_hour_start
from schemas.figure import NO_ANSWERS, Counts
from schemas.index import WindowFigures

Grain = Literal["day", "hour"]


class Segment(NamedTuple):
    """A run of local days or hours behind `as_of`, both ends included, as period keys."""

    name: str
    grain: Grain
    first: str
    last: str


def _length(window: WindowLength) -> tuple[Grain, int]:
    if window.hours is not None:
        return "hour", window.hours
    if window.days is not None:
        return "day", window.days
    raise AssertionError


def _edges(definition: Definition, grain: Grain) -> list[int]:
    lengths = [length for g, length in map(_length, definition.windows.values()) if g == grain]
    return sorted({0, *lengths, *(2 * length for length in lengths)})


def segments(definition: Definition, as_of: datetime) -> list[Segment]:
    """All segments behind the hour of `as_of`, the current hour and day included.

    Age 0 is the period that is still running: a window of 7 days is today and the six days before.
    """
    hour, today = local_hour_start(as_of), local_day(as_of)
    cut: list[Segment] = []
    for young, old in pairwise(_edges(definition, "hour")):
        first, last = hour - timedelta(hours=old - 1), hour - timedelta(hours=young)
        cut.append(Segment(f"hour:{young}", "hour", hour_key(first), hour_key(last)))
    for young, old in pairwise(_edges(definition, "day")):
        first_day, last_day = today - timedelta(days=old - 1), today - timedelta(days=young)
        cut.append(Segment(f"day:{young}", "day", day_key(first_day), day_key(last_day)))
    return cut


def add(parts: Iterable[Counts]) -> Counts:
    """The sum of counts, level by level."""
    one, two, three, four, five = NO_ANSWERS
    for part in parts:
        one += part[0]
        two += part[1]
        three += part[2]
        four += part[3]
        five += part[4]
    return one, two, three, four, five


def window_figures(
    definition: Definition, as_of: datetime, by_segment: Mapping[str, Counts]
) -> dict[str, WindowFigures]:
    """Every window of a scope, now and one window ago, from the counts of its segments.

    Args:
        definition: the method in force.
        as_of: any moment; only its local hour matters.
        by_segment: counts by `Segment.name`; a segment without answers may be missing.
    """
    hour = local_hour_start(as_of)
    midnight = hour.replace(hour=0)
    result: dict[str, WindowFigures] = {}
    for name, window in definition.windows.items():
        grain, length = _length(window)
        edges = _edges(definition, grain)

        def summed(young: int, old: int, grain: Grain = grain, edges: list[int] = edges) -> Counts:
            return add(
                by_segment.get(f"{grain}:{edge}", NO_ANSWERS)
                for edge in edges
                if young <= edge < old
            )

        unit = timedelta(hours=1) if grain == "hour" else timedelta(days=1)
        end = (hour if grain == "hour" else midnight) + unit
        result[name] = WindowFigures(
            start=end - length * unit,
            end=end,
            current=figure(summed(0, length), definition),
            previous=figure(summed(length, 2 * length), definition),
        )
    return result
