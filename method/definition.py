"""The versioned meaning of a rolling index, read from `definitions.yaml`."""

from datetime import date
from functools import cache
from itertools import pairwise
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from method.dated import Dated, in_force, read_versions


class WindowLength(BaseModel):
    """The length of a rolling window: whole hours or whole days, never both."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hours: Annotated[int, Field(gt=0)] | None = None
    days: Annotated[int, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        if (self.hours is None) == (self.days is None):
            msg = "a window is measured either in hours or in days"
            raise ValueError(msg)
        return self


class Definition(Dated):
    """One version of the meaning of "index".

    Attributes:
        version: what a figure names as its method.
        satisfied_from: lowest level (1 to 5) that counts as satisfied.
        confidence: two-sided confidence of the interval, between 0 and 1.
        publish_from: smallest number of answers that a public figure may rest on.
        windows: name to length, as shown and served. Each is at least twice the next shorter one
            of its kind, so that windows and those before them lie inside one another.
    """

    version: str
    satisfied_from: Annotated[int, Field(ge=1, le=5)]
    confidence: Annotated[float, Field(gt=0, lt=1)]
    publish_from: Annotated[int, Field(ge=1)]
    windows: dict[str, WindowLength]

    @model_validator(mode="after")
    def _windows_nest(self) -> Self:
        for kind in ("hours", "days"):
            lengths = sorted(filter(None, (getattr(w, kind) for w in self.windows.values())))
            for shorter, longer in pairwise(lengths):
                if longer < 2 * shorter:
                    msg = f"windows: {longer} {kind} must be at least twice {shorter} {kind}"
                    raise ValueError(msg)
        return self


@cache
def definitions() -> tuple[Definition, ...]:
    """All versions, oldest first."""
    return read_versions("definitions.yaml", Definition)


def definition_on(day: date) -> Definition:
    """The version in force on a local day; the oldest one for any day before it."""
    return in_force(definitions(), day)


def definition_of(version: str) -> Definition:
    """The version that a figure names.

    Raises:
        KeyError: when no such version is known here.
    """
    for definition in definitions():
        if definition.version == version:
            return definition
    raise KeyError(version)
