"""`langnghe rules evaluate`: how often a rule file is wrong, and how soon it is right."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer
from rich.progress import Progress

from langnghe.console import MISUSED, notes, results, stop
from langnghe.rules.country import Country, Fired, levels
from schemas.alert import Severity
from services.notify.rules.file import load_rules
from services.notify.rules.kinds import BelowTarget, IndexRule
from services.runtime.yamlfile import YamlFileError

RULES: Final = Path("deploy/rules/rules.yaml")
_PAGE: Final = Severity.CRITICAL
"""A page: somebody has to look now. Softer severities are for the digest."""

_YEAR: Final = 365
_BEFORE_FALL: Final = 30
_AFTER_FALL: Final = 60
_SLIDE: Final = 120
_DEEP: Final = 15
_LEVEL: Final = 0.15
FALLS: Final = (5, 10, 15)
VOLUMES: Final = (3.0, 30.0, 300.0)


@dataclass(frozen=True)
class Found:
    """How a fall is found.

    Attributes:
        share: of offices where a page came within 60 days, 0 to 1.
        mean: days to the page, of those; None if there is none.
        within: days in which 95 % of all offices were found; None if fewer were.
    """

    share: float
    mean: float | None
    within: float | None


@dataclass(frozen=True)
class Recovery:
    """How the alerts of one rule end when a fall is over.

    Attributes:
        firing: share of offices where one fired when the fall was over, 0 to 1.
        mean: days until it was resolved, of those that were within 60 days; None if none was.
        within: days in which 95 % of all were resolved; None if fewer were.
        early: alerts an office that were resolved while the fall lasted.
        again: alerts an office that fired in the 60 days after it.
    """

    firing: float
    mean: float | None
    within: float | None
    early: float
    again: float


@dataclass(frozen=True)
class Outcome:
    """How rules do at one volume.

    Attributes:
        votes: answers a day at an office.
        pages: false pages an office, in the whole time.
        alerts: false alerts an office in the whole time, by rule; pages among them.
        a_day: false alerts a day in the country, by severity.
        falls: points of the fall to how it is found.
        slide: how a slow slide is found, by rule.
        recovery: how alerts end, by rule.
    """

    votes: float
    pages: float
    alerts: dict[str, float]
    a_day: dict[str, float]
    falls: dict[int, Found]
    slide: dict[str, Found]
    recovery: dict[str, Recovery]


def quiet(
    rules: Sequence[IndexRule],
    votes: float,
    units: int,
    years: float,
    seed: int,
    progress: Progress,
) -> list[Fired]:
    """What fires in a country where nothing changes, and should not.

    That an office is below the target is right where it usually is.
    """
    rng = np.random.default_rng([seed, int(votes * 100)])
    days = round(years * _YEAR)
    task = progress.add_task(f"{votes:g} answers a day, quiet", total=days)
    country = Country(rules, votes, levels(units, rng), rng)
    usual = country.levels
    country.live(days, lambda _: usual, lambda: progress.update(task, advance=1))
    return [
        fired
        for fired in country.fired
        if not isinstance(fired.rule, BelowTarget)
        or 100 * (1 - usual[fired.unit]) >= fired.rule.target
    ]


def _found(fired: Sequence[Fired], units: int, begin: int) -> Found:
    """How trouble that begins on a day is found; offices that were alarmed before are left out."""
    before = {one.unit for one in fired if one.day < begin}
    first: dict[int, float] = {}
    for one in sorted(fired, key=lambda one: one.day):
        if one.unit not in before:
            first.setdefault(one.unit, one.day - begin)
    watched = units - len(before)
    delays = sorted(first.values())
    return Found(
        share=round(len(delays) / watched, 4),
        mean=round(float(np.mean(delays)), 2) if delays else None,
        within=_within(delays, watched),
    )


def _within(delays: Sequence[float], watched: int) -> float | None:
    """The days in which 95 % of so many were done, from the sorted days of those that were."""
    needed = int(np.ceil(0.95 * watched))
    return round(delays[needed - 1], 2) if 0 < needed <= len(delays) else None


def _live(
    country: Country,
    days: int,
    fall_on: Callable[[int], float],
    what: str,
    progress: Progress,
) -> None:
    """Let days pass in a country whose offices all lie lower by a share of that day."""
    task = progress.add_task(f"{country.votes:g} answers a day, {what}", total=days)
    usual = country.levels
    country.live(days, lambda day: usual + fall_on(day), lambda: progress.update(task, advance=1))


def troubled(
    rules: Sequence[IndexRule], votes: float, units: int, points: int, seed: int, progress: Progress
) -> Found:
    """How soon a fall from 85 % by so many points brings a page."""
    rng = np.random.default_rng([seed, int(votes * 100), points])
    pages = [rule for rule in rules if rule.severity is _PAGE]
    country = Country(pages, votes, np.full(units, _LEVEL), rng)
    _live(
        country,
        _BEFORE_FALL + _AFTER_FALL,
        lambda day: points / 100 if day >= _BEFORE_FALL else 0,
        f"−{points} points",
        progress,
    )
    return _found(country.fired, units, _BEFORE_FALL)


def sliding(
    rules: Sequence[IndexRule], votes: float, units: int, seed: int, progress: Progress
) -> dict[str, Found]:
    """How soon a slide from 85 % by a point every ten days is found, by every rule."""
    rng = np.random.default_rng([seed, int(votes * 100), 101])
    country = Country(rules, votes, np.full(units, _LEVEL), rng)
    _live(
        country,
        _BEFORE_FALL + _SLIDE,
        lambda day: max(0, day - _BEFORE_FALL) / 1000,
        "a slow slide",
        progress,
    )
    by_rule = {rule.id: [one for one in country.fired if one.rule.id == rule.id] for rule in rules}
    return {name: _found(fired, units, _BEFORE_FALL) for name, fired in by_rule.items()}


def recovering(
    rules: Sequence[IndexRule], votes: float, units: int, seed: int, progress: Progress
) -> dict[str, Recovery]:
    """How alerts of a fall by 15 points end when it is over after 30 days, by rule."""
    rng = np.random.default_rng([seed, int(votes * 100), 102])
    country = Country(rules, votes, np.full(units, _LEVEL), rng)
    over = 2 * _BEFORE_FALL
    _live(
        country,
        over + _AFTER_FALL,
        lambda day: _DEEP / 100 if _BEFORE_FALL <= day < over else 0,
        "a recovery",
        progress,
    )
    return {rule.id: _recovery(country, rule, units, over) for rule in rules}


def _recovery(country: Country, rule: IndexRule, units: int, over: int) -> Recovery:
    fired = [one for one in country.fired if one.rule.id == rule.id]
    resolved = [one for one in country.resolved if one.rule.id == rule.id]
    began = Counter(one.unit for one in fired if one.day <= over)
    ended = Counter(one.unit for one in resolved if one.day <= over)
    firing = {unit for unit in began if began[unit] > ended[unit]}
    first: dict[int, float] = {}
    for one in resolved:
        if one.unit in firing and one.day > over:
            first.setdefault(one.unit, one.day - over)
    delays = sorted(first.values())
    return Recovery(
        firing=round(len(firing) / units, 4),
        mean=round(float(np.mean(delays)), 2) if delays else None,
        within=_within(delays, len(firing)),
        early=round(sum(_BEFORE_FALL < one.day <= over for one in resolved) / units, 3),
        again=round(sum(one.day > over for one in fired) / units, 3),
    )


def evaluate(
    rules: Sequence[IndexRule],
    votes: float,
    units: int,
    years: float,
    seed: int,
    progress: Progress,
) -> Outcome:
    """False alarms and falls at one volume."""
    fired = quiet(rules, votes, units, years, seed, progress)
    by_rule = Counter(one.rule.id for one in fired)
    by_severity = Counter(one.rule.severity for one in fired)
    days = years * _YEAR
    return Outcome(
        votes=votes,
        pages=round(by_severity[_PAGE] / units, 3),
        alerts={rule.id: round(by_rule[rule.id] / units, 3) for rule in rules},
        a_day={severity.value: round(by_severity[severity] / days, 2) for severity in Severity},
        falls={
            points: troubled(rules, votes, min(units, 2000), points, seed, progress)
            for points in FALLS
        },
        slide=sliding(rules, votes, min(units, 1000), seed, progress),
        recovery=recovering(rules, votes, min(units, 1000), seed, progress),
    )


def _as_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "votes": outcome.votes,
        "false_pages_per_unit": outcome.pages,
        "false_alerts_per_unit": outcome.alerts,
        "false_alerts_a_day": outcome.a_day,
        "falls": {str(points): vars(found) for points, found in outcome.falls.items()},
        "slide": {rule: vars(found) for rule, found in outcome.slide.items()},
        "recovery": {rule: vars(recovery) for rule, recovery in outcome.recovery.items()},
    }


def _days(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _table(outcome: Outcome, years: float) -> list[str]:
    a_day = ", ".join(f"{n:g} {severity}" for severity, n in outcome.a_day.items() if n)
    return [
        f"{outcome.votes:g} answers a day",
        f"  false pages an office in {years:g} years: {outcome.pages:g}",
        *(f"    {rule}: {n:g} alerts" for rule, n in outcome.alerts.items()),
        f"  false alerts a day in the country: {a_day or 'none'}",
        *(
            f"  a fall by {points} points: found at {100 * found.share:.1f} % of offices, "
            f"after {_days(found.mean)} days on average, 95 % within {_days(found.within)}"
            for points, found in outcome.falls.items()
        ),
        f"  a slide by a point every ten days, for {_SLIDE} days:",
        *(
            f"    {rule}: found at {100 * found.share:.1f} % of offices, "
            f"after {_days(found.mean)} days on average, 95 % within {_days(found.within)}"
            for rule, found in outcome.slide.items()
        ),
        f"  the end of a fall by {_DEEP} points after {_BEFORE_FALL} days:",
        *(
            f"    {rule}: resolved after {_days(one.mean)} days on average, 95 % within "
            f"{_days(one.within)} (fired at {100 * one.firing:.1f} % of offices); "
            f"too early {one.early:g}, again {one.again:g} alerts an office"
            for rule, one in outcome.recovery.items()
        ),
    ]


def command(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Rule file")] = RULES,
    years: Annotated[float, typer.Option(min=0.1, max=20, help="Of the quiet country")] = 3.0,
    units: Annotated[int, typer.Option(min=10, max=20_000, help="Offices")] = 3321,
    votes: Annotated[
        list[float] | None, typer.Option(min=0.1, max=2000, help="Answers a day at an office")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed, the same figures")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON")] = False,
) -> None:
    """Simulate a quiet country and one where offices fall, and count what a rule file does.

    A page is a critical alert. In the quiet country offices have usual indices around 85 %
    (standard deviation 4 points) and a year behind them; each fall and each slide is from 85 % and
    lasts, but for one fall that ends, to see how alerts do. See docs/alerting.md.
    """
    try:
        watching = [rule for rule in load_rules(file) if "unit" in rule.scopes]
    except YamlFileError as error:
        stop(error, MISUSED)
    rules = [rule for rule in watching if isinstance(rule, IndexRule)]
    for rule in watching:
        if rule not in rules:
            notes.print(f"{rule.id} is left out: {rule.kind} reads no index", markup=False)
    if not rules:
        stop(f"{file}: no rule watches the indices of offices", MISUSED)
    with Progress(console=notes, transient=True) as progress:
        outcomes = [
            evaluate(rules, volume, units, years, seed, progress) for volume in votes or VOLUMES
        ]
    if as_json:
        volumes = [_as_json(outcome) for outcome in outcomes]
        whole = {"seed": seed, "years": years, "units": units, "volumes": volumes}
        results.print(json.dumps(whole, indent=2), markup=False)
        return
    for outcome in outcomes:
        for line in _table(outcome, years):
            results.print(line, markup=False, highlight=False)
