"""What a programme aims at: targets of scopes and levels, by the days on which they hold. Pure.

A target that changes is a new entry beside the old one, which gets an end; so a later version never
changes what was aimed at on an earlier day.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from schemas.figure import Percent
from schemas.scope import COUNTRY, Scope, scope_kind
from services.runtime.yamlfile import fields_broken
from services.runtime.yamltree import Field as Place

Level = Literal["commune", "province", "ministry"]
"""Class of an agency: a commune, province or ministry, and the offices directly under one. The
registry knows it of every office by what it stands under."""


def _day(value: object) -> object:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        msg = "must be a day, as in 2027-01-01"
        raise ValueError(msg) from error


Day = Annotated[date, BeforeValidator(_day)]


class Target(BaseModel):
    """One target, of an index in percent.

    Attributes:
        target: at least this.
        scope: for it and everything below.
        level: of these, for agencies of this class alone.
        from_: first local day on which it holds; without it, always.
        to: first local day on which it holds no more; without it, to this day.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    target: Percent
    scope: Scope = COUNTRY
    level: Level | None = None
    from_: Annotated[Day | None, Field(alias="from")] = None
    to: Day | None = None

    @model_validator(mode="after")
    def _holds_for_a_day(self) -> Self:
        if self.from_ and self.to and self.to <= self.from_:
            raise fields_broken([(("to",), "must be later than from")])
        return self

    def in_force(self, day: date) -> bool:
        """Whether it holds on a local day."""
        return (self.from_ or date.min) <= day and (self.to is None or day < self.to)

    def meets(self, other: "Target") -> bool:
        """Whether there is a day on which both hold for the same agencies."""
        return (
            (self.scope, self.level) == (other.scope, other.level)
            and (self.to is None or (other.from_ or date.min) < self.to)
            and (other.to is None or (self.from_ or date.min) < other.to)
        )


def overlaps(targets: Sequence[Target]) -> Iterator[tuple[Place, str]]:
    """Targets that hold beside an earlier one of the same agencies: the field, and the rule."""
    for number, one in enumerate(targets):
        for place, other in enumerate(targets[:number]):
            if one.meets(other):
                yield (number,), f"holds on days of targets.{place}, which is for the same agencies"


def target_of(
    targets: Sequence[Target], scope: Scope, above: Sequence[Scope], day: date
) -> Percent | None:
    """The target of a scope on a local day: of the nearest scope that has one, by level first.

    Args:
        targets: those there are.
        scope: whose target.
        above: what it stands under, nearest first.
        day: the day.

    Returns:
        The target in percent; None where none holds.
    """
    line = [scope, *above, COUNTRY]
    level = scope_kind(above[0] if scope_kind(scope) == "unit" and above else scope)
    fitting = [
        one
        for one in targets
        if one.in_force(day) and one.scope in line and one.level in {None, level}
    ]
    nearest = min(fitting, key=lambda one: (line.index(one.scope), one.level is None), default=None)
    return nearest.target if nearest else None
