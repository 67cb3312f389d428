"""Which figures of a list are withheld, so that they give away no small one. Pure.

A quarter is the sum of its months, a month of its days; the offices of a kind are those of its
provinces. Days and offices that are large enough may be known: days are shown elsewhere
(`services.gateway.published.daily`), and so may offices be. So they are taken off every sum, and
what is left of it, made of small pieces alone, is what showing it would tell: `method.disclosure`
decides about that.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from method.commendation import Office
from method.disclosure import Sums, Whole
from method.quarter import Quarter

WHOLE: Final = "quarter"
"""Stands for the whole quarter beside the keys of months."""


def withheld(
    wholes: Sequence[Whole[str]], pieces: Mapping[str, int], publish_from: int
) -> set[str]:
    """Which sums are withheld when every piece that is large enough is known.

    Args:
        wholes: what is the sum of what, those further up first; the parts of the last are pieces.
        pieces: answers of each.
        publish_from: the smallest number that is shown.
    """
    n = {name: count for name, count in pieces.items() if count < publish_from}
    for whole in reversed(wholes):
        n[whole.figure] = sum(n.get(part, 0) for part in whole.parts)
    return Sums(wholes).withheld(n, publish_from) - pieces.keys()


def withheld_periods(office: Office, quarter: Quarter, publish_from: int) -> set[str]:
    """Which of an office's months, by key, and whether its quarter, are withheld."""
    days = {day: sum(counts) for day, counts in office.days.items()}
    months = [
        Whole(month, tuple(day for day in days if day.startswith(month)))
        for month in quarter.months
    ]
    return withheld([Whole(WHOLE, quarter.months), *months], days, publish_from)


def withheld_groups(offices: Iterable[Office], publish_from: int) -> set[str]:
    """The groups whose sum is withheld, and with it what an office's peers have."""
    inner: dict[str, list[str]] = {}
    outer: dict[str, dict[str, None]] = {}
    pieces: dict[str, int] = {}
    for office in offices:
        pieces[office.scope] = sum(map(sum, office.days.values()))
        chain = (office.scope, *office.groups)
        for part, whole in zip(chain, office.groups, strict=False):
            if whole == office.groups[-1]:
                outer.setdefault(whole, {})[part] = None
            else:
                inner.setdefault(whole, []).append(part)
    wholes = [
        *(Whole(name, tuple(parts)) for name, parts in outer.items()),
        *(Whole(name, tuple(parts)) for name, parts in inner.items()),
    ]
    return withheld(wholes, pieces, publish_from)
