"""The rules for alerts: a YAML file, checked as a whole when the service starts."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
)

from method.definition import definitions
from schemas.alert import Severity
from schemas.figure import Percent
from services.runtime.yamlfile import fields_broken, read_yaml

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _duration(value: object) -> object:
    if isinstance(value, str) and (match := re.fullmatch(r"(\d{1,6})([smhd])", value)):
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    if isinstance(value, timedelta):
        return value
    msg = "must be a whole number of up to six digits and s, m, h or d, as in 30m"
    raise ValueError(msg)


Duration = Annotated[timedelta, BeforeValidator(_duration)]
ScopeKind = Literal["unit", "commune", "province", "ministry", "country", "field"]


class _AnyRule(BaseModel):
    """What every rule has.

    Attributes:
        id: names the rule in alerts; changing it starts anew.
        scopes: kinds of scope that it watches.
        for_: how long the condition must hold before the alert fires.
        keep_firing_for: how long recovery must hold before it is resolved.
        severity: how soon somebody has to look; of `info` nobody is told, it is on the screen.
        acknowledge_within: how long the agency has to answer a firing alert, and each level above
            it after that; without it nobody above is told.
        plan_within: how long it has for a plan, once it has acknowledged.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    scopes: Annotated[tuple[ScopeKind, ...], Field(min_length=1)]
    for_: Annotated[Duration, Field(alias="for")]
    keep_firing_for: Duration
    severity: Severity
    acknowledge_within: Duration | None = None
    plan_within: Duration | None = None


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

    Simulated at ten votes a day and a true 85 %: "the 7-day mean is under 80 %" is false on 9 % of
    days, "the upper 95 % bound is under 80 %" on 0.3 %.
    """

    kind: Literal["below_target"]
    target: Percent
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95


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


IndexRule = BelowTarget | Drop | Change
"""Reads an index, when it comes in; the others are read as time passes."""

Rule = IndexRule | SilentKiosk


class RuleFile(BaseModel):
    """A whole rule file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1]
    rules: tuple[Annotated[Rule, Field(discriminator="kind")], ...]

    @field_validator("rules")
    @classmethod
    def _unique_ids(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        ids = [rule.id for rule in rules]
        if doubled := [number for number, name in enumerate(ids) if name in ids[:number]]:
            raise fields_broken(((number, "id"), "must be unique") for number in doubled)
        return rules


def load_rules(path: Path) -> tuple[Rule, ...]:
    """Read and check a rule file.

    Raises:
        YamlFileError: when it cannot be read or breaks a rule.
    """
    return read_yaml(path, RuleFile).rules
