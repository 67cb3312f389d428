"""The kinds of rules for alerts, and what each may be set to. Their file: `rule_file`."""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    field_validator,
    model_validator,
)

from method.definition import definitions
from schemas.alert import Severity
from schemas.figure import Percent
from schemas.scope import Scope, ScopeKind
from services.notify.rules.targets import Target, target_of
from services.runtime.yamlfile import fields_broken

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _duration(value: object) -> object:
    if isinstance(value, str) and (match := re.fullmatch(r"(\d{1,6})([smhd])", value)):
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    if isinstance(value, timedelta):
        return value
    msg = "must be a whole number of up to six digits and s, m, h or d, as in 30m"
    raise ValueError(msg)


Duration = Annotated[timedelta, BeforeValidator(_duration)]


def _not_too_often(pause: timedelta) -> timedelta:
    if pause < timedelta(hours=1):
        msg = "must be 1h or more: who is told more often reads none of it"
        raise ValueError(msg)
    return pause


RuleId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


class _AnyRule(BaseModel):
    """What every rule has.

    Attributes:
        id: names the rule in alerts; changing it starts anew.
        scopes: kinds of scope that it watches.
        for_: how long the condition must hold before the alert fires.
        keep_firing_for: how long recovery must hold before it is resolved.
        severity: how soon somebody has to look, and so how agencies are told (telling.py).
        inhibited_by: ids of rules that hold this one back: while an alert of one of them fires at
            the same scope, agencies are not told.
        repeat_every: how often agencies are told again of an alert that nobody has answered.
        acknowledge_within: how long the agency has to answer a firing alert, and each level above
            it after that; without it nobody above is told.
        plan_within: how long it has for a plan, once it has acknowledged.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: RuleId
    scopes: Annotated[tuple[ScopeKind, ...], Field(min_length=1)]
    for_: Annotated[Duration, Field(alias="for")]
    keep_firing_for: Duration
    severity: Severity
    inhibited_by: tuple[RuleId, ...] = ()
    repeat_every: Annotated[Duration, AfterValidator(_not_too_often)] | None = None
    acknowledge_within: Duration | None = None
    plan_within: Duration | None = None

    @model_validator(mode="after")
    def _repeats_what_is_told(self) -> Self:
        if self.severity is Severity.INFO and self.repeat_every is not None:
            rule = "must not be there with severity info: nobody is told"
            raise fields_broken([(("repeat_every",), rule)])
        return self


class _Rule(_AnyRule):
    """What every rule has that reads an index.

    Attributes:
        window: a window of the method, such as 7d.
        min_n: fewer answers than this are no evidence, neither of trouble nor of recovery.
    """

    window: str
    min_n: Annotated[int, Field(ge=1)] = 30

    @field_validator("window")
    @classmethod
    def _known_window(cls, window: str) -> str:
        known = definitions()[-1].windows
        if window not in known:
            msg = f"must be one of {', '.join(known)}"
            raise ValueError(msg)
        return window


class BelowTarget(_Rule):
    """The index is below its target beyond doubt: even the upper bound of the share is.

    `target` is that of scopes for which the file's `targets` have none.

    Simulated at ten votes a day and a true 85 %: "the 7-day mean is under 80 %" is false on 9 % of
    days, "the upper 95 % bound is under 80 %" on 0.3 %.
    """

    kind: Literal["below_target"]
    target: Percent
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    _targets: tuple[Target, ...] = PrivateAttr(())

    def aim(self, targets: tuple[Target, ...]) -> None:
        """Read every scope by its own target, where it has one."""
        self._targets = targets

    def aimed(self, scope: Scope, above: Sequence[Scope], day: date) -> Self:
        """The rule with the target of a scope, which stands under others, on a local day."""
        target = target_of(self._targets, scope, above, day)
        return self if target is None else self.model_copy(update={"target": target})


class Drop(_Rule):
    """The index fell against the window before: beyond chance, and by enough points to matter."""

    kind: Literal["drop"]
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.01
    min_points: Annotated[float, Field(gt=0, le=100)] = 5.0


class Change(_Rule):
    """Answers that are not satisfied have become more frequent than is usual at this office.

    A CUSUM over every answer (method/change.py). The threshold follows the office's own volume and
    level, so that an office where nothing changes is alarmed once in `false_alarm_every`, whether
    three people answer a day or three hundred. What comes of it: docs/alerting.md. `min_n` is of no
    meaning here: the chart weighs few answers by itself.
    """

    kind: Literal["change"]
    scopes: tuple[Literal["unit"]] = ("unit",)
    false_alarm_every: Duration = timedelta(days=1200)


class Drift(_Rule):
    """An office has slowly become worse than is usual there: less than a change, and for weeks.

    An exponentially weighted mean of its complete days (method/trend.py), so it moves once a day.
    `min_n` is of as many answers as say as much as the mean does.
    """

    kind: Literal["drift"]
    scopes: tuple[Literal["unit"]] = ("unit",)
    limit: Annotated[float, Field(gt=0, le=10)] = 3.25


class SilentKiosk(_AnyRule):
    """A kiosk of the office gives no sign of life, for so much office time (method/calendar.py).

    Nights, weekends and holidays do not count, nor does time when nobody listened. An office where
    all is quiet but the kiosks are there is not silent: see docs/devices.md for signs of life.

    Attributes:
        silent_for: office time; `8h` is more than a day.
    """

    kind: Literal["silent_kiosk"]
    scopes: tuple[Literal["unit"]] = ("unit",)
    silent_for: Annotated[Duration, Field(ge=timedelta(minutes=10), le=timedelta(days=30))]
    for_: Annotated[Duration, Field(alias="for")] = timedelta(0)


IndexRule = BelowTarget | Drop | Change | Drift
"""Reads an index, when it comes in; the others are read as time passes."""

Rule = IndexRule | SilentKiosk


def rule_at(rule: IndexRule, scope: Scope, above: Sequence[Scope], day: date) -> IndexRule:
    """A rule as it reads a scope on a local day. Pure.

    Args:
        rule: any.
        scope: that it reads.
        above: what the scope stands under, nearest first.
        day: the day.
    """
    return rule.aimed(scope, above, day) if isinstance(rule, BelowTarget) else rule
