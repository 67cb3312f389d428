"""An invented country of offices, day by day, to measure how often rules are right and wrong.

Answers are independent and visitors come by chance (Poisson), so this is how rules do where the
model holds; an office whose answers come in clumps is alarmed more often. Charts move answer by
answer and are read after every answer; windows and trends are read once a day, when the office
closes. Rules, windows, references and thresholds are the real ones, only charts and trends are
moved for all offices at once; that this is the same is a test.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from method.change import Design, design, steps, threshold
from method.definition import Definition, definitions
from method.figure import figure
from method.period import LOCAL_ZONE, local_day, local_midnight
from method.trend import Trend, deviation, trend_design
from schemas.alert import AlertState
from schemas.index import IndexUpdated, TrendFigures, WindowFigures
from services.notify.alerts.index_reading import read_index
from services.notify.alerts.lifecycle import Alert, advance
from services.notify.rules.detectors import QUIET
from services.notify.rules.kinds import BelowTarget, Change, Drift, Drop, IndexRule, rule_at

Numbers = NDArray[np.float64]
Whole = NDArray[np.int64]
Truths = NDArray[np.bool_]

_START: Final = datetime(2026, 1, 5, 17, tzinfo=LOCAL_ZONE)
_SCOPE: Final = "unit:000.00.00.H00"
_USUAL: Final = 0.85
_SPREAD: Final = 0.04
"""Mean and standard deviation of the offices' true indices, as a share."""
_NIGHT: Final = 14 / 24
"""Days from closing time to the first answer of the next day: no chart moves then."""
_LEAST: Final = 1e-9
"""Stands for nothing where nothing would be divided by."""


@dataclass(frozen=True)
class Fired:
    """One alert that fired, or that was resolved.

    Attributes:
        rule: by which rule.
        unit: number of the office.
        day: when it did; days since the start, with their fraction.
    """

    rule: IndexRule
    unit: int
    day: float


def move(
    statistic: Numbers,
    unsatisfied: Truths,
    taken: Truths,
    up: Numbers,
    down: Numbers,
    ceiling: float,
) -> Numbers:
    """The statistics of many charts after one answer each, where there was one."""
    moved = np.clip(statistic + np.where(unsatisfied, up, down), 0, ceiling)
    return np.where(taken, moved, statistic)


@dataclass(frozen=True)
class Trends:
    """The trends of all units as of the beginning of a day (method/trend.py).

    Attributes:
        share: of unsatisfied answers.
        answers: as many of one weight would say as much.
        usual: share of unsatisfied answers that is usual at the unit.
        behind: answers that the usual share rests on.
    """

    share: Numbers
    answers: Numbers
    usual: Numbers
    behind: Numbers

    @classmethod
    def of_days(cls, n: Whole, unsatisfied: Whole, usual: Numbers, behind: Numbers) -> Self:
        """Trends of answers by day and unit, those of yesterday last."""
        weights = np.array(trend_design().weights())[::-1]
        n, unsatisfied = n[-len(weights) :], unsatisfied[-len(weights) :]
        total = np.maximum(weights @ n, _LEAST)
        answers = total**2 / np.maximum(weights**2 @ n, _LEAST)
        return cls(weights @ unsatisfied / total, answers, usual, behind)

    def deviations(self) -> Numbers:
        """Of all units at once."""
        known = 1 / (1 / np.maximum(self.answers, _LEAST) + 1 / self.behind)
        divergence = sum(
            part * np.log(np.maximum(part, _LEAST) / expected)
            for part, expected in ((self.share, self.usual), (1 - self.share, 1 - self.usual))
        )
        far: Numbers = np.sqrt(2 * known * np.maximum(divergence, 0))
        return np.where(self.share < self.usual, -far, far)

    def figures(self, unit: int, end: datetime) -> TrendFigures:
        """What scoring would tell of a unit where somebody answered."""
        share, answers, usual, behind = (
            float(values[unit]) for values in (self.share, self.answers, self.usual, self.behind)
        )
        return TrendFigures(
            index=100 * (1 - share),
            usual=100 * (1 - usual),
            n=round(answers),
            deviation=deviation(Trend(share, answers), usual, behind),
            end=end,
        )


@dataclass
class Country:
    """Offices with a history of their own, and the rules that watch them.

    Attributes:
        rules: all that watch offices.
        votes: answers a day at every office, on average.
        levels: the share of answers that are not satisfied, by office.
        rng: chance.
        fired: every alert that fired.
        resolved: every one that was resolved.
    """

    rules: Sequence[IndexRule]
    votes: float
    levels: Numbers
    rng: np.random.Generator
    fired: list[Fired] = field(default_factory=list)
    resolved: list[Fired] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Give every office the history that charts and windows look back on."""
        self._how: Design = design()
        self._definition: Definition = definitions()[-1]
        self._days = max(
            self._how.reference_days + self._how.lag_days,
            *(2 * (window.days or 1) for window in self._definition.windows.values()),
        )
        shape = (self._days, len(self.levels))
        self._n: Whole = self.rng.poisson(self.votes, shape)
        self._bad: Whole = self.rng.binomial(self._n, self.levels)
        self._statistic: Numbers = np.zeros(len(self.levels))
        self._raised = {rule.id: np.zeros(len(self.levels), bool) for rule in self.rules}
        self._quiet_since = {rule.id: np.full(len(self.levels), np.inf) for rule in self.rules}
        self._open: dict[tuple[str, int], Alert] = {}

    def live(
        self, days: int, levels_on: Callable[[int], Numbers], tell: Callable[[], None]
    ) -> None:
        """Let days pass.

        Args:
            days: how many.
            levels_on: the share of answers that are not satisfied on a day, by office.
            tell: is called after each day.
        """
        for day in range(days):
            self._open_doors(day, levels_on(day))
            self._close(day)
            tell()

    def _open_doors(self, day: int, levels: Numbers) -> None:
        """One day's answers, each of which moves its chart."""
        how = self._how
        past = slice(0, self._days - how.lag_days)
        n, bad = self._n[past].sum(0), self._bad[past].sum(0)
        both = zip(n.tolist(), bad.tolist(), strict=True)
        references = [how.reference(*one) for one in both]
        if any(isinstance(rule, Drift) for rule in self.rules):
            usual, behind = np.array(references), n + how.prior_answers
            self._trends = Trends.of_days(self._n, self._bad, usual, behind)
        up, down = np.array([steps(share, how.odds_ratio) for share in references]).T
        visits: Whole = self.rng.poisson(self.votes, len(levels))
        unsatisfied: Truths = self.rng.random((int(visits.max()), len(levels))) < levels
        changes = [rule for rule in self.rules if isinstance(rule, Change)]
        limits = [(rule, self._limits(rule, references)) for rule in changes]
        for place, answer in enumerate(unsatisfied):
            taken = place < visits
            self._statistic = move(self._statistic, answer, taken, up, down, how.ceiling)
            for rule, limit in limits:
                crossed = (self._statistic >= limit) & ~self._raised[rule.id]
                for unit in np.flatnonzero(crossed).tolist():
                    part = min(1.0, (place + 1) / max(1, int(visits[unit])))
                    self.fired.append(Fired(rule, unit, day + part))
                self._raised[rule.id] |= crossed
        counted = unsatisfied & (np.arange(len(unsatisfied))[:, None] < visits)
        self._n = np.vstack([self._n[1:], visits])
        self._bad = np.vstack([self._bad[1:], counted.sum(0)])

    def _limits(self, rule: Change, references: Sequence[float]) -> Numbers:
        """The threshold of every office, by its volume and its level (in steps of 0.2 and 5 %)."""
        lengths = [w.days for w in self._definition.windows.values() if w.days is not None]
        volumes = np.max([self._n[-days:].sum(0) / days for days in lengths], axis=0)
        volume_steps = np.rint(np.log(np.maximum(volumes, 1)) / 0.05)
        level_steps = np.maximum(np.rint(np.array(references) / 0.002), 5)
        pairs, where = np.unique(np.stack([volume_steps, level_steps]), axis=1, return_inverse=True)
        years = rule.false_alarm_every / timedelta(days=1)
        limits = [
            threshold(years * np.exp(0.05 * volume), 0.002 * level, self._how.odds_ratio)
            for volume, level in pairs.T.tolist()
        ]
        limit: Numbers = np.minimum(np.array(limits)[where], self._how.ceiling)
        return limit

    def _close(self, day: int) -> None:
        """What the rules say when the offices close."""
        today = local_day(_START + timedelta(days=day))
        for one in self.rules:
            rule = rule_at(one, _SCOPE, (), today)
            match rule:
                case Change():
                    self._calm(rule, day + 1.0)
                case BelowTarget() | Drop() | Drift():
                    for unit in self._worth_a_look(rule):
                        self._read(rule, unit, day)

    def _calm(self, rule: Change, now: float) -> None:
        """Resolve changes whose charts have been quiet for long enough, or will be by morning."""
        keep = rule.keep_firing_for / timedelta(days=1)
        quiet = self._raised[rule.id] & (self._statistic < QUIET)
        since = np.where(quiet, np.minimum(self._quiet_since[rule.id], now), np.inf)
        over = quiet & (now + _NIGHT - since >= keep)
        for unit in np.flatnonzero(over).tolist():
            self.resolved.append(Fired(rule, unit, float(since[unit]) + keep))
        self._raised[rule.id] &= ~over
        self._quiet_since[rule.id] = np.where(over, np.inf, since)

    def _sums(self, first: int, last: int) -> tuple[Whole, Whole]:
        """Answers, and those not satisfied, of days counted back from today."""
        days = slice(self._days - last, self._days - first)
        return self._n[days].sum(0), self._bad[days].sum(0)

    def _worth_a_look(self, rule: BelowTarget | Drop | Drift) -> list[int]:
        """Offices that the rule may fire for, and those where its alert is open."""
        length = self._definition.windows[rule.window].days or 1
        n, bad = self._sums(0, length)
        index = 100 * (1 - bad / np.maximum(n, 1))
        enough = n >= rule.min_n
        match rule:
            case Drift():
                suspect = self._trends.deviations() >= rule.limit - _LEAST
                enough = np.rint(self._trends.answers) >= rule.min_n
            case BelowTarget():
                suspect = index < rule.target
            case Drop():
                before, bad_before = self._sums(length, 2 * length)
                suspect = 100 * (1 - bad_before / np.maximum(before, 1)) - index >= rule.min_points
        chosen = set(np.flatnonzero(suspect & enough).tolist())
        return sorted(chosen | {unit for name, unit in self._open if name == rule.id})

    def _read(self, rule: IndexRule, unit: int, day: int) -> None:
        now = _START + timedelta(days=day)
        before = self._open.get((rule.id, unit))
        if before is not None:
            before = advance(before, rule, now)
        after = read_index(rule, self._index(rule, unit, now, day), before, now)
        if after is not None and after.state is AlertState.PENDING:
            # It is read every second or so all day: by closing time it has held.
            after = advance(after, rule, now + rule.for_)
        if after is None or not after.open:
            self._open.pop((rule.id, unit), None)
            if after is not None and after.state is AlertState.RESOLVED:
                over = (after.recovering_since or now) + rule.keep_firing_for
                late = max(timedelta(0), now - over) / timedelta(days=1)
                self.resolved.append(Fired(rule, unit, day + 1.0 - late))
            return
        known = self._open.get((rule.id, unit))
        if after.state is AlertState.FIRING and (known is None or known.id != after.id):
            self.fired.append(Fired(rule, unit, day + 1.0))
        self._open[rule.id, unit] = after

    def _index(self, rule: IndexRule, unit: int, now: datetime, version: int) -> IndexUpdated:
        length = self._definition.windows[rule.window].days or 1

        def of(first: int) -> tuple[int, int, int, int, int]:
            days = slice(self._days - first - length, self._days - first)
            n, bad = int(self._n[days, unit].sum()), int(self._bad[days, unit].sum())
            return 0, 0, bad, n - bad, 0

        window = WindowFigures(
            start=now - timedelta(days=length),
            end=now,
            current=figure(of(0), self._definition),
            previous=figure(of(length), self._definition),
        )
        return IndexUpdated(
            scope=_SCOPE,
            item="overall",
            basis="management_information",
            method=self._definition.version,
            as_of=now,
            version=version,
            windows={rule.window: window},
            trend=self._trends.figures(unit, local_midnight(local_day(now)))
            if isinstance(rule, Drift)
            else None,
        )


def levels(offices: int, rng: np.random.Generator) -> Numbers:
    """The usual share of answers that are not satisfied at many offices."""
    return np.clip(rng.normal(1 - _USUAL, _SPREAD, offices), 0.02, 0.4)
