"""What rules make of answers, in simulated time: scoring's windows and notify's own decisions.

Pure: no server takes part. What the servers add (each answer counted once, a change and its
messages written together) is proven elsewhere and moves no alert.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from heapq import merge
from operator import attrgetter
from types import MappingProxyType
from typing import NamedTuple

from uuid_utils.compat import uuid7

from langnghe.rules.testfile import Answers, TestedKiosk
from method.change import Chart, design, follow
from method.definition import definition_on
from method.figure import satisfied
from method.handling import broken_rule
from method.index import Parts, Signs, rolling_index, windows_at
from method.period import day_key, hour_key, local_day, local_hour_start
from method.window import Segment, add
from schemas.alert import AgencyReplied, AlertState, ReplyKind
from schemas.device import DeviceKind, EnrolledDevice
from schemas.figure import LEVELS, NO_ANSWERS, Counts
from schemas.index import IndexUpdated, TrendFigures
from schemas.instrument import OVERALL
from schemas.scope import COUNTRY, Scope, scope_kind
from services.notify.alerts.in_force import InForce
from services.notify.alerts.index_reading import read_index
from services.notify.alerts.kiosk_silence import (
    Heard,
    Listening,
    Said,
    Sign,
    kiosks_in_use,
    read_kiosks,
    read_silence,
)
from services.notify.alerts.lifecycle import Alert, advance, reply
from services.notify.alerts.moving import Step
from services.notify.alerts.telling import tell
from services.notify.rules.inhibition import in_order
from services.notify.rules.kinds import IndexRule, Rule, SilentKiosk, rule_at
from services.scoring import trends
from services.scoring.charts import figures


def _mixed(levels: Mapping[int, int]) -> tuple[int, ...]:
    """So many answers of each level one after another, each level spread evenly over them.

    A change chart minds the order: a hundred bad answers in a row are more than a hundred among
    good ones.
    """
    spread = (((part + 0.5) / n, level) for level, n in levels.items() for part in range(n))
    return tuple(level for _, level in sorted(spread))


class _Tally:
    """What scoring keeps of one scope: answers by local day and hour, the chart of a unit."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._periods: dict[str, dict[str, Counts]] = {"day": {}, "hour": {}}
        self._latest: datetime | None = None
        self._chart: Chart | None = Chart() if scope_kind(scope) == "unit" else None
        self._reference = design().reference(0, 0)
        self._trend: TrendFigures | None = None

    def count(self, moment: datetime, levels: Sequence[int]) -> None:
        """Take answers in."""
        self._latest = moment
        one, two, three, four, five = (levels.count(level) for level in LEVELS)
        keys = {"day": day_key(local_day(moment)), "hour": hour_key(moment)}
        for grain, key in keys.items():
            periods = self._periods[grain]
            periods[key] = add((periods.get(key, NO_ANSWERS), (one, two, three, four, five)))
        if self._chart is not None:
            satisfied_from = definition_on(local_day(moment)).satisfied_from
            answers = (moment if level < satisfied_from else None for level in levels)
            self._chart = follow(self._chart, answers, self._reference, design())

    def renew_reference(self, today: date) -> None:
        """Measure the chart against the past as of a day, and make the trend."""
        first, last = design().past(today)
        past = self._within(Segment("past", "day", day_key(first), day_key(last)))
        unsatisfied = sum(past) - satisfied(past, definition_on(last))
        self._reference = design().reference(sum(past), unsatisfied)
        if self._chart is not None:
            days = {date.fromisoformat(key): n for key, n in self._periods["day"].items()}
            self._trend = trends.figures(days, today, sum(past), unsatisfied)

    def _within(self, segment: Segment) -> Counts:
        periods = self._periods[segment.grain]
        return add(n for key, n in periods.items() if segment.first <= key <= segment.last)

    def index(self, now: datetime, version: int) -> IndexUpdated:
        """The index as of now."""
        cuts = windows_at(local_hour_start(now)).segments
        counts = {cut.name: self._within(cut) for cut in cuts}
        parts = Parts(counts, latest_occurred_at=self._latest, latest_received_at=self._latest)
        change = figures(self._chart, self._reference) if self._chart else None
        signs = Signs(change, self._trend)
        return rolling_index(self._scope, OVERALL, parts, now, version, signs)


class _Coming(NamedTuple):
    moment: datetime
    scope: Scope
    levels: tuple[int, ...]


def _coming(answers: Answers, start: datetime) -> Iterator[_Coming]:
    levels = _mixed(answers.levels)
    for time in answers.times():
        yield _Coming(start + time, answers.scope, levels)


class _Kiosks:
    """Kiosks of all offices, and what is heard of them."""

    def __init__(self, tested: Iterable[TestedKiosk], start: datetime) -> None:
        self._start = start
        self._devices: list[EnrolledDevice] = []
        self._times: dict[str, list[datetime]] = {}
        for number, one in enumerate(tested, 1):
            device = EnrolledDevice(
                id=f"d-{number}",
                kind=DeviceKind.KIOSK,
                scope=one.scope,
                name=f"Kiosk {number}",
                enrolled_at=start,
            )
            self._devices.append(device)
            times = (start + time for heard in one.heard for time in heard.times())
            self._times[device.id] = sorted(times)

    def read(self, rule: SilentKiosk, now: datetime) -> dict[Scope, Said]:
        """What a rule says of every office; nobody was deaf since the start."""
        signs = {
            device: Sign(times[number - 1])
            for device, times in self._times.items()
            if (number := bisect_right(times, now))
        }
        heard = Heard(signs, Listening(self._start, now))
        return read_kiosks(rule, kiosks_in_use(self._devices), heard)


class Simulation:
    """Alerts of rules while answers come in and kiosks are heard.

    Attributes:
        alerts: the newest one by rule and scope, open or over.
        indices: the newest one by scope.
    """

    def __init__(
        self,
        rules: Mapping[str, Rule],
        answers: Iterable[Answers],
        start: datetime,
        above: Mapping[Scope, Sequence[Scope]] = MappingProxyType({}),
        kiosks: Iterable[TestedKiosk] = (),
    ) -> None:
        """Nothing has come in yet; all comes at its times since the start.

        Args:
            rules: by id.
            answers: all that will come in.
            start: of the time.
            above: what scopes stand under, nearest first.
            kiosks: that are there from the start.
        """
        self.alerts: dict[tuple[str, Scope], Alert] = {}
        self.indices: dict[Scope, IndexUpdated] = {}
        self._rules = {rule.id: rule for rule in in_order(list(rules.values()))}
        self._above = above
        self._coming = merge(*(_coming(one, start) for one in answers), key=attrgetter("moment"))
        self._next = next(self._coming, None)
        self._kiosks = _Kiosks(kiosks, start)
        self._tallies: dict[Scope, _Tally] = {}
        self._today = local_day(start)
        self._version = 0

    def step(self, now: datetime) -> None:
        """Let time pass until now, which is later than at the last step.

        As in the services: on a new day charts get a new reference, then answers are counted, then
        indices are made where answers came in or the hour has passed, and time moves what is due.
        """
        self._version += 1
        if (today := local_day(now)) != self._today:
            self._today = today
            for tally in self._tallies.values():
                tally.renew_reference(today)
        for scope in sorted(self._count(now) | self._stale(now)):
            index = self._tallies[scope].index(now, self._version)
            self.indices[scope] = index
            self._read(index, now)
        self._listen(now)
        for alert in list(self.alerts.values()):
            self._pass_time(alert, now)

    def answer(
        self, rule: str, scope: Scope, kind: ReplyKind, due: date | None, now: datetime
    ) -> str:
        """Give a reply to an alert; why it is not taken, or nothing."""
        alert = self.alerts.get((rule, scope))
        if alert is None:
            return "there is no alert"
        answer = AgencyReplied(
            id=uuid7(),
            alert=alert.id,
            agency=scope,
            kind=kind,
            text="…",  # not what is said, but that something is
            due=due,
            replied_at=now,
        )
        if (broken := broken_rule(alert.handling, answer)) is not None:
            return f"{broken.field} {broken.rule}"
        after = reply(alert, self._rules[rule], answer, now)
        if after == alert:
            return f"the alert is {alert.state}"
        self._tell(alert, after, now)
        return ""

    def _count(self, now: datetime) -> set[Scope]:
        moved: set[Scope] = set()
        while self._next is not None and self._next.moment <= now:
            moment, scope, levels = self._next
            self._tallies.setdefault(scope, _Tally(scope)).count(moment, levels)
            moved.add(scope)
            self._next = next(self._coming, None)
        return moved

    def _stale(self, now: datetime) -> set[Scope]:
        hour = local_hour_start(now)
        return {scope for scope, index in self.indices.items() if index.as_of < hour}

    def _read(self, index: IndexUpdated, now: datetime) -> None:
        for rule in self._rules.values():
            if isinstance(rule, IndexRule) and scope_kind(index.scope) in rule.scopes:
                above = self._above.get(index.scope, ())
                here = rule_at(rule, index.scope, above, local_day(now))
                self._move(here, index.scope, partial(read_index, here, index), now)

    def _listen(self, now: datetime) -> None:
        for rule in self._rules.values():
            if isinstance(rule, SilentKiosk):
                for scope, said in self._kiosks.read(rule, now).items():
                    self._move(rule, scope, partial(read_silence, rule, scope, said), now)

    def _move(self, rule: Rule, scope: Scope, step: Step, now: datetime) -> None:
        newest = self.alerts.get((rule.id, scope))
        alert = newest if newest and newest.open else None
        after = step(alert, now)
        if after is not None and after != alert:
            self._tell(alert, after, now)

    def _pass_time(self, alert: Alert, now: datetime) -> None:
        """All that time does: it takes one step of an alert after another, many times a minute."""
        while alert.open:
            after = self._tell(alert, advance(alert, self._rules[alert.rule], now), now)
            if after == alert:
                return
            alert = after

    def _tell(self, before: Alert | None, after: Alert, now: datetime) -> Alert:
        rule, above = self._rules[after.rule], self._above.get(after.scope, ())
        firing = (key for key, alert in self.alerts.items() if alert.state is AlertState.FIRING)
        held = InForce((), frozenset(firing)).holding(after.scope, above, after.rule, rule)
        levels = sum(scope != COUNTRY for scope in above)
        alert = tell(before, after, rule, held, levels, now).alert
        self.alerts[after.rule, after.scope] = alert
        return alert
