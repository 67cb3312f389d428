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
from method.period import day_key, hour_key, local_hour_start
from schemas.figure import NO_ANSWERS, Counts, Figure
from schemas.index import WindowFigures

Grain = Literal["day", "hour"]


class Segment(NamedTuple):
    """A run of local days or hours behind `as_of`, both ends included, as period keys."""

    name: str
    grain: Grain
    first: str
    last: str


def _segment(grain: Grain, first: datetime, last: datetime, young: int) -> Segment:
    if grain == "hour":
        return Segment(f"hour:{young}", grain, hour_key(first), hour_key(last))
    return Segment(f"day:{young}", grain, day_key(first.date()), day_key(last.date()))


def _length(window: WindowLength) -> tuple[Grain, int]:
    if window.hours is not None:
        return "hour", window.hours
    if window.days is not None:
        return "day", window.days
    raise AssertionError


def _cut(lengths: Iterable[int]) -> list[tuple[int, int]]:
    """Ages at which each segment begins and ends, the youngest first."""
    return list(pairwise(sorted({0} | {n * length for length in lengths for n in (1, 2)})))


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


class _Window(NamedTuple):
    """One window: its name and ends, and the segments that it and its predecessor are sums of."""

    name: str
    start: datetime
    end: datetime
    current: tuple[str, ...]
    previous: tuple[str, ...]


class Windows:
    """The windows of a definition as of a moment, of which only the local hour matters.

    Attributes:
        segments: behind the hour, the current hour and day included. Age 0 is the period that is
            still running: a window of 7 days is today and the six days before.
    """

    def __init__(self, definition: Definition, as_of: datetime) -> None:
        """Cut the time behind a moment."""
        self._definition = definition
        self.segments: list[Segment] = []
        self._windows: list[_Window] = []
        hour = local_hour_start(as_of)
        lengths = {name: _length(window) for name, window in definition.windows.items()}
        starts: dict[Grain, datetime] = {"hour": hour, "day": hour.replace(hour=0)}
        for grain, newest in starts.items():
            one = timedelta(hours=1) if grain == "hour" else timedelta(days=1)
            of_grain = {name: n for name, (kind, n) in lengths.items() if kind == grain}
            cut = _cut(of_grain.values())
            self.segments += [
                _segment(grain, newest - (old - 1) * one, newest - young * one, young)
                for young, old in cut
            ]
            end = newest + one
            for name, length in of_grain.items():
                inside = [f"{grain}:{young}" for young, _ in cut if young < length]
                before = [f"{grain}:{young}" for young, _ in cut if length <= young < 2 * length]
                self._windows.append(
                    _Window(name, end - length * one, end, tuple(inside), tuple(before))
                )
        self._windows.sort(key=lambda window: list(lengths).index(window.name))

    def figures(self, by_segment: Mapping[str, Counts]) -> dict[str, WindowFigures]:
        """Every window of a scope, now and one window ago, from the counts of its segments.

        Args:
            by_segment: counts by `Segment.name`; a segment without answers may be missing.
        """

        def summed(names: tuple[str, ...]) -> Figure:
            parts = (by_segment[name] for name in names if name in by_segment)
            return figure(add(parts), self._definition)

        return {
            window.name: WindowFigures(
                start=window.start,
                end=window.end,
                current=summed(window.current),
                previous=summed(window.previous),
            )
            for window in self._windows
        }
