"""Answers that are too good: what looks as if somebody else than citizens had given them. Pure.

Each detector gives the probability of what it sees, or more, at an honest office; honest is what
`suspicion.yaml` says. Several devices, or several questions to them, share one probability
(Bonferroni). Nothing here excludes an answer: what is found is for somebody to look at.

Sources: for bursts, the expected number of answers that begin a crowded window bounds the
probability that there is one (Markov's inequality and Mecke's formula; J. I. Naus, JASA 77 (1982),
has the exact distribution of this scan statistic). For rhythms the same bound, with a density of
pauses that is nowhere over the rate. For the others the tails of `method/chance.py`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from itertools import pairwise
from statistics import median
from typing import Annotated, Final, NamedTuple

from pydantic import Field

from method.calendar import is_open
from method.chance import binomial_tail, poisson_tail, two_shares_tail
from method.dated import Dated, in_force, read_versions
from method.definition import definition_on
from method.period import hour_key, local_day

TOP: Final = 5
_LEAST_ITEMS: Final = 3
_HOURS: Final = 24


class Kind(StrEnum):
    """What is suspicious."""

    BURST = "burst"
    """More answers of one device within minutes than its visitors can give."""
    RHYTHM = "rhythm"
    """Best answers one after another, at pauses as a machine makes them."""
    SHUT_HOURS = "shut_hours"
    """Best answers while the office is shut, far more of them than while it is open."""
    ONE_DEVICE = "one_device"
    """One of several devices has nearly all answers, or far better ones."""
    STRAIGHT_LINING = "straight_lining"
    """Whole questionnaires with one answer to everything, far more than elsewhere."""


OF_THE_DAY: Final = frozenset({Kind.BURST, Kind.RHYTHM})
"""What a day shows by itself; the others are of the month until then."""


class Honesty(Dated):
    """What is expected of honest offices; see method/suspicion.yaml."""

    rare: Annotated[float, Field(gt=0, lt=0.01)]
    history_days: Annotated[int, Field(ge=1)]
    times_usual: Annotated[float, Field(ge=1)]
    least_per_hour: Annotated[float, Field(gt=0)]
    burst_minutes: Annotated[float, Field(gt=0)]
    alike_seconds: Annotated[float, Field(gt=0)]
    honest_odds: Annotated[float, Field(ge=1)]
    most_of_all: Annotated[float, Field(gt=0, lt=1)]


@cache
def _versions() -> tuple[Honesty, ...]:
    return read_versions("suspicion.yaml", Honesty)


def honesty_on(day: date) -> Honesty:
    """What is expected on a local day; the oldest version for any day before it."""
    return in_force(_versions(), day)


class Answer(NamedTuple):
    """One answer of an office.

    Attributes:
        device: that gave it.
        at: when it was given.
        kiosk: whether at a kiosk, whose clock tells when somebody stood before it.
        answers: item to level.
        overall: level of the headline question; None if it was not asked.
    """

    device: str
    at: datetime
    kiosk: bool
    answers: Mapping[str, int]
    overall: int | None


class Sums(NamedTuple):
    """What is kept of a device's answers of a day, or of more days.

    Attributes:
        n: answers at a kiosk.
        satisfied: of them.
        top: of them while the office is open.
        shut: of them while it is shut.
        shut_top: of those.
        forms: questionnaires of several questions.
        identical: of them, with one answer to everything.
    """

    n: int = 0
    satisfied: int = 0
    top: int = 0
    shut: int = 0
    shut_top: int = 0
    forms: int = 0
    identical: int = 0


def together(sums: Iterable[Sums]) -> Sums:
    """The sum of sums."""
    return Sums(*map(sum, zip(*sums, strict=True))) if (sums := list(sums)) else Sums()


class Finding(NamedTuple):
    """What a detector found at an office.

    Attributes:
        kind: of suspicion.
        device: it is about; None where it is about the office.
        p_value: how probable this is at an honest office.
        figures: what was seen, by name.
    """

    kind: Kind
    device: str | None
    p_value: float
    figures: dict[str, float | str]


def sums_of(answers: Sequence[Answer]) -> Sums:
    """The sums of one device's answers of a day."""
    counts: Counter[str] = Counter()
    for one in answers:
        if len(one.answers) >= _LEAST_ITEMS:
            counts["forms"] += 1
            counts["identical"] += len(set(one.answers.values())) == 1
        if not one.kiosk or one.overall is None:
            continue
        shut, top = not is_open(one.at), one.overall == TOP
        counts["n"] += 1
        counts["satisfied"] += one.overall >= definition_on(local_day(one.at)).satisfied_from
        counts["top"] += top and not shut
        counts["shut"] += shut
        counts["shut_top"] += top and shut
    return Sums(**counts)


def usual_hour(answers: Sequence[Answer]) -> float | None:
    """Answers at a kiosk in the middle one of a day's hours with any: one hour does not move it."""
    hours = Counter(hour_key(one.at) for one in answers if one.kiosk)
    return median(hours.values()) if hours else None


def _rate(per_hour: float | None, honest: Honesty) -> float:
    """The most answers an hour that are honest at a device."""
    return honest.times_usual * max(per_hour or 0.0, honest.least_per_hour)


def burst(answers: Sequence[Answer], per_hour: float | None, honest: Honesty) -> Finding | None:
    """The most crowded minutes of a device's day.

    Args:
        answers: of one kiosk on one day, in order of time.
        per_hour: its usual hour; None if it has no past.
        honest: what is expected.
    """
    if not answers:
        return None
    length = timedelta(minutes=honest.burst_minutes)
    start = most = first = 0
    for end in range(len(answers)):
        while answers[end].at - answers[start].at > length:
            start += 1
        if end - start + 1 > most:
            most, first = end - start + 1, start
    rate = _rate(per_hour, honest)
    crowded = poisson_tail(most - 1, rate * honest.burst_minutes / 60)
    figures: dict[str, float | str] = {
        "n": most,
        "top": sum(one.overall == TOP for one in answers[first : first + most]),
        "minutes": honest.burst_minutes,
        "from": answers[first].at.isoformat(),
        "usual_an_hour": round(per_hour or 0.0, 2),
    }
    return Finding(Kind.BURST, answers[0].device, min(1.0, rate * _HOURS * crowded), figures)


def rhythm(answers: Sequence[Answer], per_hour: float | None, honest: Honesty) -> Finding | None:
    """The longest run of best answers of a device whose pauses are like the first one's.

    Args:
        answers: as in `burst`.
        per_hour: as in `burst`.
        honest: what is expected.
    """
    pauses = [
        (later.at - earlier.at).total_seconds() if earlier.overall == later.overall == TOP else None
        for earlier, later in pairwise(answers)
    ]
    most = first = 0
    for start, pause in enumerate(pauses):
        length = 0
        for other in pauses[start:]:
            if pause is None or other is None or abs(other - pause) > honest.alike_seconds:
                break
            length += 1
        if length > most:
            most, first = length, start
    if most < 2:
        return None
    rate = _rate(per_hour, honest)
    alike = min(1.0, 2 * honest.alike_seconds * rate / 3600)
    figures: dict[str, float | str] = {
        "n": most + 1,
        "seconds": round(pauses[first] or 0.0, 1),
        "from": answers[first].at.isoformat(),
    }
    p_value = min(1.0, rate * _HOURS * alike ** (most - 1))
    return Finding(Kind.RHYTHM, answers[first].device, p_value, figures)


def _above(k: int, n: int, others_k: int, others_n: int, honest: Honesty) -> float:
    """How probable a share is that is so far above another one; 1 for all that is honest."""
    if k * (others_n - others_k) <= honest.honest_odds * others_k * (n - k):
        return 1.0
    return two_shares_tail(k, n, others_k, others_n, honest.honest_odds)


def shut_hours(office: Sums, honest: Honesty) -> Finding | None:
    """Best answers of an office while it is shut, against those while it is open."""
    if not office.shut:
        return None
    in_hours = office.n - office.shut
    p_value = _above(office.shut_top, office.shut, office.top, in_hours, honest)
    figures: dict[str, float | str] = {
        "n": office.shut,
        "top": office.shut_top,
        "open_n": in_hours,
        "open_top": office.top,
    }
    return Finding(Kind.SHUT_HOURS, None, p_value, figures)


def one_device(
    devices: Mapping[str, Sums], usual: Mapping[str, Sums], honest: Honesty
) -> Finding | None:
    """The kiosk of several that differs most from the others of its office, by what is honest.

    Args:
        devices: sums by device.
        usual: the same of their past.
        honest: what is expected.
    """
    used = {device: sums for device, sums in devices.items() if sums.n}
    if len(used) < 2:
        return None
    n, satisfied = sum(s.n for s in used.values()), sum(s.satisfied for s in used.values())
    past = sum(sums.n for sums in usual.values())
    found: list[Finding] = []
    for device, own in used.items():
        better = _above(own.satisfied, own.n, satisfied - own.satisfied, n - own.n, honest)
        known = (usual.get(device, Sums()).n + 1) / (past + 2)
        most = max(known, honest.most_of_all)
        more = binomial_tail(own.n, n, most) if own.n > most * n else 1.0
        figures: dict[str, float | str] = {
            "n": own.n,
            "satisfied": own.satisfied,
            "others_n": n - own.n,
            "others_satisfied": satisfied - own.satisfied,
        }
        p_value = min(1.0, 2 * len(used) * min(better, more))
        found.append(Finding(Kind.ONE_DEVICE, device, p_value, figures))
    return min(found, key=lambda one: one.p_value)


def straight_lining(office: Sums, others: Sums, honest: Honesty) -> Finding | None:
    """Identical questionnaires of an office, against those of all others."""
    if not office.forms:
        return None
    p_value = _above(office.identical, office.forms, others.identical, others.forms, honest)
    figures: dict[str, float | str] = {
        "n": office.forms,
        "identical": office.identical,
        "others_n": others.forms,
        "others_identical": others.identical,
    }
    return Finding(Kind.STRAIGHT_LINING, None, p_value, figures)


def of_day(
    devices: Mapping[str, Sequence[Answer]], per_hour: Mapping[str, float], honest: Honesty
) -> list[Finding]:
    """What is suspicious in an office's day.

    Args:
        devices: answers by device.
        per_hour: the usual hour of those that have a past.
        honest: what is expected.
    """
    kiosks = {
        device: sorted((one for one in answers if one.kiosk), key=lambda one: one.at)
        for device, answers in devices.items()
    }
    kiosks = {device: answers for device, answers in kiosks.items() if answers}
    found = [
        finding._replace(p_value=min(1.0, len(kiosks) * finding.p_value))
        for device, answers in kiosks.items()
        for detector in (burst, rhythm)
        if (finding := detector(answers, per_hour.get(device), honest)) is not None
    ]
    return _rare(found, honest)


def of_month(
    devices: Mapping[str, Sums], usual: Mapping[str, Sums], others: Sums, honest: Honesty
) -> list[Finding]:
    """What is suspicious in an office's month so far.

    Args:
        devices: sums by device.
        usual: the same of their past.
        others: the sums of all other offices.
        honest: what is expected.
    """
    office = together(devices.values())
    found = (
        shut_hours(office, honest),
        one_device(devices, usual, honest),
        straight_lining(office, others, honest),
    )
    return _rare([finding for finding in found if finding is not None], honest)


def _rare(found: Sequence[Finding], honest: Honesty) -> list[Finding]:
    """The rarest one of each kind, if chance does it rarely enough."""
    kinds: dict[Kind, Finding] = {}
    for finding in sorted(found, key=lambda one: one.p_value):
        if finding.p_value <= honest.rare:
            kinds.setdefault(finding.kind, finding)
    return list(kinds.values())
