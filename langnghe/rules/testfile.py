"""The file of `langnghe rules test`: answers, and the alerts that rules make of them."""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from method.period import LOCAL_ZONE
from schemas.alert import AlertState, Handling, ReplyKind, Severity
from schemas.feedback import Level
from schemas.scope import Scope, scope_kind
from services.notify.rules.file import load_rules
from services.notify.rules.kinds import IndexRule, Rule, SilentKiosk
from services.runtime.yamlfile import YamlFile, YamlFileError, fields_broken, open_yaml
from services.runtime.yamltree import Field as Place

_UNITS = ("days", "hours", "minutes", "seconds")


def _offset(value: object) -> timedelta:
    digits = r"(?:(\d{1,6})"
    pattern = rf"{digits}d)?{digits}h)?{digits}m)?{digits}s)?"
    if isinstance(value, str) and value and (match := re.fullmatch(pattern, value)):
        parts = zip(_UNITS, match.groups(default="0"), strict=True)
        return timedelta(**{unit: int(number) for unit, number in parts})
    msg = "must be whole numbers with d, h, m and s, in this order, as in 7d12h"
    raise ValueError(msg)


def _not_zero(value: timedelta) -> timedelta:
    if not value:
        msg = "must be more than nothing"
        raise ValueError(msg)
    return value


def _day_or_time(value: object) -> object:
    if isinstance(value, str | date):  # a number would be seconds since 1970
        return value
    msg = "must be a day or a time, as in 2026-11-02T07:00"
    raise ValueError(msg)


def _local(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=LOCAL_ZONE)


Offset = Annotated[timedelta, BeforeValidator(_offset)]
"""Time since the start of the cases."""

Pause = Annotated[Offset, AfterValidator(_not_zero)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Coming(_Part):
    """What comes in, once or again and again.

    Attributes:
        from_: when it comes first.
        every: how long after each other it comes again, if it does.
        to: when it comes no more; goes with `every`.
    """

    from_: Annotated[Offset, Field(alias="from")]
    every: Pause | None = None
    to: Offset | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if (self.every is None) != (self.to is None):
            msg = "every and to go together"
            raise ValueError(msg)
        if self.to is not None and self.to <= self.from_:
            raise fields_broken([(("to",), "must be later than from")])
        return self

    def times(self) -> Iterator[timedelta]:
        """When it comes: `from` is included, `to` is not."""
        time = self.from_
        yield time
        if self.every is not None and self.to is not None:
            while (time := time + self.every) < self.to:
                yield time


class Answers(_Coming):
    """Answers that come in.

    Attributes:
        scope: whose index they move; they move that of no other.
        levels: how many come each time, by level.
    """

    scope: Scope
    levels: Annotated[dict[Level, Annotated[int, Field(ge=1, le=100_000)]], Field(min_length=1)]


class TestedKiosk(_Part):
    """A kiosk that is enrolled when the case begins.

    Attributes:
        scope: of its office.
        heard: its signs of life.
    """

    scope: Annotated[Scope, Field(pattern="^unit:")]
    heard: tuple[_Coming, ...] = ()


class Reply(_Part):
    """What an agency answers to the newest alert of a rule at a scope.

    Attributes:
        due: of a plan: when it is to be done; the day of that time, in Vietnam, is its last one.
    """

    at: Offset
    rule: str
    scope: Scope
    kind: ReplyKind
    due: Offset | None = None


class ExpectedAlert(_Part):
    """The newest alert of a rule at a scope; what is not given may be anything.

    Attributes:
        handling: what the agency has done about it.
        escalated: how many levels above were told.
        answer_due: by when an answer is due; `null`: none is waited for.
        held: whether something keeps it from being told.
        told_at: when agencies were last told that it fires; `null`: they never were.
    """

    rule: str
    scope: Scope
    state: AlertState
    severity: Severity | None = None
    handling: Handling | None = None
    escalated: Annotated[int, Field(ge=0)] | None = None
    answer_due: Offset | None = None
    held: bool | None = None
    told_at: Offset | None = None


class Expectation(_Part):
    """What there is at a time.

    Attributes:
        at: since the start.
        alerts: all that are open then. One that is over may be named, and need not be.
    """

    at: Offset
    alerts: tuple[ExpectedAlert, ...]

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        keys = [(alert.rule, alert.scope) for alert in self.alerts]
        if doubled := [number for number, key in enumerate(keys) if key in keys[:number]]:
            rule = "there is one newest alert of a rule at a scope"
            raise fields_broken((("alerts", number), rule) for number in doubled)
        return self


class Case(_Part):
    """Answers and signs of life, and what becomes of them.

    Attributes:
        above: what scopes stand under, nearest first; nothing, without it.
        replies: what agencies answer to alerts.
    """

    name: Annotated[str, Field(min_length=1)]
    above: dict[Scope, tuple[Scope, ...]] = {}
    answers: tuple[Answers, ...] = ()
    kiosks: tuple[TestedKiosk, ...] = ()
    replies: tuple[Reply, ...] = ()
    expect: Annotated[tuple[Expectation, ...], Field(min_length=1)]

    def expected(self) -> Iterator[tuple[Place, ExpectedAlert]]:
        """All alerts that are expected at any time, each with its field."""
        for place, expectation in enumerate(self.expect):
            for item, alert in enumerate(expectation.alerts):
                yield ("expect", place, "alerts", item), alert

    def times(self) -> dict[str, list[timedelta]]:
        """When something is said or looked at, by the field that says so."""
        return {
            "replies": [reply.at for reply in self.replies],
            "expect": [expectation.at for expectation in self.expect],
        }


class RuleTests(_Part):
    """A whole test file.

    Attributes:
        rules: the rule file, from the folder of this one.
        start: of every case; local time if it names no zone.
        interval: between two looks at what has come in.
        cases: each begins with nothing.
    """

    rules: Path
    start: Annotated[datetime, BeforeValidator(_day_or_time), AfterValidator(_local)]
    interval: Pause = timedelta(minutes=1)
    cases: Annotated[tuple[Case, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _expects_where_it_looks(self) -> Self:
        between = [
            ("cases", number, name, place, "at")
            for number, case in enumerate(self.cases)
            for name, times in case.times().items()
            for place, time in enumerate(times)
            if time % self.interval
        ]
        if between:
            rule = f"must be a multiple of the interval, {self.interval}"
            raise fields_broken((field, rule) for field in between)
        return self


def _unknown(tests: RuleTests, rules: dict[str, Rule]) -> Iterator[tuple[str, Place]]:
    """What speaks of rules that are not in the rule file: the rule broken, and the field."""
    watched = {kind for r in rules.values() if isinstance(r, IndexRule) for kind in r.scopes}
    about_kiosks = any(isinstance(rule, SilentKiosk) for rule in rules.values())

    def wrong(named: Reply | ExpectedAlert, field: Place) -> Iterator[tuple[str, Place]]:
        if named.rule not in rules:
            yield f"must be one of {', '.join(rules)}", (*field, "rule")
        elif scope_kind(named.scope) not in rules[named.rule].scopes:
            yield f"{named.rule} does not watch it", (*field, "scope")

    for number, case in enumerate(tests.cases):
        for place, answers in enumerate(case.answers):
            if scope_kind(answers.scope) not in watched:
                yield "no rule watches it", ("cases", number, "answers", place, "scope")
        for place, reply in enumerate(case.replies):
            yield from wrong(reply, ("cases", number, "replies", place))
        if case.kiosks and not about_kiosks:
            yield "no rule watches kiosks", ("cases", number, "kiosks")
        for field, alert in case.expected():
            yield from wrong(alert, ("cases", number, *field))


def load_tests(path: Path) -> tuple[YamlFile[RuleTests], dict[str, Rule]]:
    """Read a test file and the rules that it names, by their id.

    Raises:
        YamlFileError: when one of the two cannot be used, or they do not fit.
    """
    file = open_yaml(path, RuleTests)
    rules = {rule.id: rule for rule in load_rules(path.parent / file.value.rules)}
    if unknown := list(_unknown(file.value, rules)):
        raise YamlFileError(file.problem(rule, *field) for rule, field in unknown)
    return file, rules
