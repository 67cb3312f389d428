"""Which windows and days of one scope lie inside which: a longer window is the sum of shorter ones.

Windows of hours end with the running hour, those of days with the running day. So an hour window
lies in a day window only if it does at every hour of the day, and the running day lies in 24 hours.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Literal, NamedTuple

from method.definition import Definition
from method.disclosure import Whole

Side = Literal["current", "previous"]
SIDES: tuple[Side, Side] = ("current", "previous")


class Span(NamedTuple):
    """Periods counted back from the running one, which has age 0: from `young` up to `old`."""

    grain: Literal["hour", "day"]
    young: int
    old: int


def side_key(window: str, side: Side) -> str:
    """`7d/current`: names the figure of a window, or of the one before it."""
    return f"{window}/{side}"


def window_spans(definition: Definition) -> dict[str, Span]:
    """The span of every window and of the one before it, by `side_key`."""
    spans: dict[str, Span] = {}
    for name, window in definition.windows.items():
        grain: Literal["hour", "day"] = "day" if window.hours is None else "hour"
        length = window.hours or window.days or 0
        for place, side in enumerate(SIDES):
            spans[side_key(name, side)] = Span(grain, place * length, (place + 1) * length)
    return spans


def _inside(inner: Span, outer: Span) -> bool:
    if inner.grain == outer.grain:
        return outer.young <= inner.young and inner.old <= outer.old
    if inner.grain == "hour":
        return outer.young <= inner.young // 24 and (inner.old + 22) // 24 < outer.old
    return outer.young <= max(0, 24 * inner.young - 23) and 24 * inner.old <= outer.old


def nested(spans: Mapping[str, Span]) -> list[Whole[str]]:
    """Each span with those directly inside it, longest first; hours and days apart.

    Of equal spans, the one named first is the whole.
    """
    order = list(spans)
    hours = {key: (s.old - s.young) * (24 if s.grain == "day" else 1) for key, s in spans.items()}
    parts: dict[tuple[str, str], list[str]] = defaultdict(list)
    for place, key in enumerate(order):
        for grain in ("day", "hour"):
            around = [
                other
                for at, other in enumerate(order)
                if spans[other].grain == grain
                and _inside(spans[key], spans[other])
                and (at < place or hours[other] > hours[key])
                and at != place
            ]
            if around:
                nearest = min(around, key=lambda other: (hours[other], -order.index(other)))
                parts[nearest, spans[key].grain].append(key)
    wholes = [Whole(outer, tuple(inner)) for (outer, _), inner in parts.items()]
    return sorted(wholes, key=lambda whole: -hours[whole.figure])
