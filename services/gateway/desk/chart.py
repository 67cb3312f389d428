"""The geometry of an index by day: percent and days go in, places on a drawing come out. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

from services.gateway.published.closeup import DayFigure

WIDTH: Final = 900
HEIGHT: Final = 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 14, 24, 26


class Dot(NamedTuple):
    """A day's index and the ends of its interval."""

    x: float
    y: float
    low: float
    high: float


class Mark(NamedTuple):
    """A day that matters, by what it is; `number` is written over its line."""

    x: float
    number: int
    name: str
    day: date


class Chart(NamedTuple):
    """What there is to draw."""

    width: int
    height: int
    left: float
    right: float
    top: float
    bottom: float
    ticks: list[tuple[int, float]]
    dots: list[Dot]
    line: str
    marks: list[Mark]
    first: date
    last: date


def chart(days: Sequence[DayFigure], marks: Mapping[str, date]) -> Chart | None:
    """Places for days and marks; None without days.

    Args:
        days: with answers, oldest first.
        marks: days by what they are; the axis reaches to all of them.
    """
    if not days:
        return None
    first = min(days[0].day, *marks.values()) if marks else days[0].day
    last = max(days[-1].day, *marks.values()) if marks else days[-1].day
    span = max(1, (last - first).days)

    def x(day: date) -> float:
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * (day - first).days / span, 1)

    def y(percent: float | None) -> float:
        return round(_TOP + (HEIGHT - _TOP - _BOTTOM) * (100 - (percent or 0)) / 100, 1)

    dots = [
        Dot(x(one.day), y(one.figure.index), y(one.figure.low), y(one.figure.high)) for one in days
    ]
    return Chart(
        width=WIDTH,
        height=HEIGHT,
        left=_LEFT,
        right=WIDTH - _RIGHT,
        top=_TOP,
        bottom=HEIGHT - _BOTTOM,
        ticks=[(tick, y(tick)) for tick in (0, 20, 40, 60, 80, 100)],
        dots=dots,
        line=" ".join(f"{dot.x},{dot.y}" for dot in dots),
        marks=[
            Mark(x(day), number, name, day) for number, (name, day) in enumerate(marks.items(), 1)
        ],
        first=first,
        last=last,
    )
