"""The rolling index of a scope, as stored, served and announced."""

from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.base import Event
from schemas.figure import Figure, Percent
from schemas.scope import Scope

Basis = Literal["management_information", "official_statistics"]
"""What a figure is: a kiosk index is management information (whoever likes may answer), a survey
index is an official statistic. The two are never mixed."""


class WindowFigures(BaseModel):
    """One window, now and one window ago. `start` is included, `end` is not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: AwareDatetime
    end: AwareDatetime
    current: Figure
    previous: Figure


class ChangeFigures(BaseModel):
    """Evidence that a unit has become worse than it usually is; see method/change.py."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    statistic: Annotated[float, Field(ge=0, description="CUSUM, in natural logarithms")]
    usual: Annotated[Percent, Field(description="Index that is usual here, %")]
    since: Annotated[
        AwareDatetime | None, Field(description="Likeliest moment of a change: first of the run")
    ] = None
    n: Annotated[int, Field(ge=0, description="Answers of the run")] = 0
    unsatisfied: Annotated[int, Field(ge=0, description="Of them not satisfied")] = 0


class TrendFigures(BaseModel):
    """Where a unit has been going for weeks; see method/trend.py."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    index: Annotated[Percent, Field(description="Exponentially weighted mean of the days, %")]
    usual: Annotated[Percent, Field(description="Index that is usual here, %")]
    n: Annotated[int, Field(ge=0, description="As many answers of one weight would say as much")]
    deviation: Annotated[
        float,
        Field(description="How far below the usual, in standard deviations; above it, less than 0"),
    ]
    end: Annotated[AwareDatetime, Field(description="Of the last local day in it; not included")]


class IndexUpdated(Event):
    """The windows of one scope and item were recomputed."""

    TYPE: ClassVar = "vn.langnghe.index.updated.v1"

    scope: Scope
    item: Annotated[str, Field(description="Question asked; `overall` is the headline")]
    basis: Basis
    method: Annotated[str, Field(description="Version of the definition, see method/")]
    as_of: Annotated[AwareDatetime, Field(description="Local hour that the windows end with")]
    version: Annotated[
        int, Field(ge=0, description="Grows with every recomputation; older ones are ignored")
    ]
    latest_occurred_at: AwareDatetime | None = None
    latest_received_at: AwareDatetime | None = None
    windows: dict[str, WindowFigures]
    change: Annotated[
        ChangeFigures | None, Field(description="Of a unit's headline; not for publication")
    ] = None
    trend: Annotated[
        TrendFigures | None,
        Field(description="Of a unit's headline, made once a local day; not for publication"),
    ] = None

    def subject(self) -> str:
        return self.scope

    def event_id(self) -> str:
        return f"{self.scope}/{self.item}/{self.version}"
