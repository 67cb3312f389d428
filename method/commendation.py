"""Which offices stood above target and peers over a quarter, beyond chance. Pure.

For each office that has enough answers two things are doubted: that its index is truly over the
target, and that it is truly over that of its peers. Both doubts have to fall, so the larger of the
two p-values counts (intersection-union test: R. L. Berger, Technometrics 24 (1982)); and an office
that was not over the target in each month cannot be believed (p = 1). Of all offices together those
are listed that the false discovery rate allows (`method/discovery.py`).

Answers of one day resemble each other (a good clerk, a slow computer): counted one by one they say
more than they know. So each test is weakened by the office's own design effect, from how its days
differ, as in J. N. K. Rao and A. J. Scott, Biometrics 48 (1992); and, since that is estimated from
so many days, its result is read as Student's t, whose probability is that of D. L. Wallace, Annals
of Mathematical Statistics 30 (1959).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import copysign, log1p, sqrt
from statistics import NormalDist
from typing import Annotated, NamedTuple

from pydantic import Field

from method.dated import Dated, in_force, read_versions
from method.definition import Definition
from method.discovery import benjamini_hochberg
from method.figure import satisfied
from method.quarter import Quarter
from method.window import add
from schemas.figure import NO_ANSWERS, Counts
from schemas.scope import Scope

_STANDARD_NORMAL = NormalDist()


class Conditions(Dated):
    """What it takes; see method/commendation.yaml."""

    target: Annotated[float, Field(gt=0, lt=100)]
    least_answers: Annotated[int, Field(ge=1)]
    least_answers_month: Annotated[int, Field(ge=1)]
    least_days: Annotated[int, Field(ge=2)]
    least_peers: Annotated[int, Field(ge=1)]
    false_discovery_rate: Annotated[float, Field(gt=0, lt=1)]
    publish_after_days: Annotated[int, Field(ge=0)]


@cache
def _versions() -> tuple[Conditions, ...]:
    return read_versions("commendation.yaml", Conditions)


def conditions(quarter: Quarter) -> Conditions | None:
    """What it takes in a quarter; None for those before there were any."""
    versions, day = _versions(), quarter.first
    return None if day < versions[0].effective_from else in_force(versions, day)


@dataclass(frozen=True)
class Office:
    """What is known of an office in a quarter.

    Attributes:
        scope: the office.
        groups: whose offices are its peers, the nearest first.
        days: counts by the key of the local day.
    """

    scope: Scope
    groups: tuple[str, ...]
    days: Mapping[str, Counts]


class Peers(NamedTuple):
    """The other offices of a group, together."""

    group: str
    offices: int
    counts: Counts


@dataclass(frozen=True)
class Assessment:
    """What an office was found to be.

    Attributes:
        scope: the office.
        counts: of the quarter.
        months: counts by month, in order.
        active_days: days with answers.
        peers: what it was compared with.
        p_value: how probable so good a quarter is if it is not above the target or not above its
            peers; 1 if a month was not above the target.
        listed: whether it is commended.
    """

    scope: Scope
    counts: Counts
    months: tuple[Counts, Counts, Counts]
    active_days: int
    peers: Peers
    p_value: float
    listed: bool


class _Tally(NamedTuple):
    """Answers, the satisfied ones of them, and the answers times their design effect."""

    n: int
    satisfied: int
    weight: float


def _tally(office: Office, definition: Definition) -> _Tally:
    days = [(sum(counts), satisfied(counts, definition)) for counts in office.days.values()]
    n, k = sum(day for day, _ in days), sum(good for _, good in days)
    return _Tally(n, k, n * design_effect(days))


def design_effect(days: Sequence[tuple[int, int]]) -> float:
    """How much more the share varies than if answers were independent, at least 1.

    Args:
        days: answers and satisfied answers of each day.
    """
    active = [(n, k) for n, k in days if n]
    n, k = sum(day for day, _ in active), sum(good for _, good in active)
    if len(active) < 2 or k in (0, n):
        return 1.0
    share = k / n
    between = sum((good - share * day) ** 2 for day, good in active)
    variance = between * len(active) / (len(active) - 1) / n**2
    return max(1.0, variance * n / (share * (1 - share)))


def tail(t: float, freedom: int) -> float:
    """The probability that Student's t of some degrees of freedom is larger than `t`."""
    normal = sqrt(freedom * log1p(t * t / freedom)) * (8 * freedom + 1) / (8 * freedom + 3)
    return 1 - _STANDARD_NORMAL.cdf(copysign(normal, t))


def _above(share: float, expected: float, variance: float, freedom: int) -> float:
    return tail((share - expected) / sqrt(variance), freedom) if variance else 1.0


def _p_value(own: _Tally, peers: _Tally, target: float, freedom: int) -> float:
    """That an office is above both by chance."""
    share = own.satisfied / own.n
    effect = own.weight / own.n
    against_target = _above(share, target, effect * target * (1 - target) / own.n, freedom)
    pooled = (own.satisfied + peers.satisfied) / (own.n + peers.n)
    spread = pooled * (1 - pooled) * (own.weight / own.n**2 + peers.weight / peers.n**2)
    return max(against_target, _above(share, peers.satisfied / peers.n, spread, freedom))


def _months(office: Office, quarter: Quarter) -> tuple[Counts, Counts, Counts]:
    one, two, three = (
        add(counts for day, counts in office.days.items() if day.startswith(month))
        for month in quarter.months
    )
    return one, two, three


class _Group:
    """The sums of the offices of a group."""

    def __init__(self) -> None:
        self.offices = 0
        self._sum = _Tally(0, 0, 0.0)
        self._counts = NO_ANSWERS

    def add(self, office: Office, tally: _Tally) -> None:
        """Take an office in."""
        self.offices += 1
        n, good, weight = self._sum
        self._sum = _Tally(n + tally.n, good + tally.satisfied, weight + tally.weight)
        self._counts = add((self._counts, *office.days.values()))

    def without(self, office: Office, own: _Tally) -> tuple[Counts, _Tally]:
        """The sums of the others."""
        n, good, weight = self._sum
        one, two, three, four, five = (
            all_ - part for all_, part in zip(self._counts, add(office.days.values()), strict=True)
        )
        rest = _Tally(n - own.n, good - own.satisfied, weight - own.weight)
        return (one, two, three, four, five), rest


def assess(
    offices: Sequence[Office], quarter: Quarter, wanted: Conditions, definition: Definition
) -> list[Assessment]:
    """Judge the offices that have enough answers; in their order, those without left out.

    Args:
        offices: all of the country that have answers in the quarter: they are each other's peers.
        quarter: that is judged.
        wanted: what it takes.
        definition: of the index.
    """
    tallies = [_tally(office, definition) for office in offices]
    groups: defaultdict[str, _Group] = defaultdict(_Group)
    for office, tally in zip(offices, tallies, strict=True):
        for group in office.groups:
            groups[group].add(office, tally)
    found: list[Assessment] = []
    for office, own in zip(offices, tallies, strict=True):
        months = _months(office, quarter)
        active = sum(any(counts) for counts in office.days.values())
        enough = (
            own.n >= wanted.least_answers
            and active >= wanted.least_days
            and all(sum(month) >= wanted.least_answers_month for month in months)
        )
        near = [name for name in office.groups if groups[name].offices > wanted.least_peers]
        if not enough or not near:
            continue
        counts, peers = groups[near[0]].without(office, own)
        sustained = all(
            100 * satisfied(month, definition) > wanted.target * sum(month) for month in months
        )
        p_value = _p_value(own, peers, wanted.target / 100, active - 1) if sustained else 1.0
        found.append(
            Assessment(
                scope=office.scope,
                counts=add(months),
                months=months,
                active_days=active,
                peers=Peers(near[0], groups[near[0]].offices - 1, counts),
                p_value=p_value,
                listed=False,
            )
        )
    believed = benjamini_hochberg([one.p_value for one in found], wanted.false_discovery_rate)
    return [replace(one, listed=listed) for one, listed in zip(found, believed, strict=True)]
