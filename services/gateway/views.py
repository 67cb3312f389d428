"""What the gateway shows: indices and alerts with the names of their offices."""

from datetime import date
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field

from schemas.alert import AlertChanged
from schemas.figure import Figure
from schemas.index import Basis, WindowFigures
from schemas.scope import Scope


class Name(BaseModel):
    """A name in both languages."""

    vi: str
    en: str


class DayView(BaseModel):
    """One local day of a scope."""

    day: date
    figure: Figure


class IndexView(BaseModel):
    """The rolling index of a scope in every window."""

    scope: Scope
    kind: Annotated[str, Field(description="unit, commune, province, ministry, field or country")]
    name: Name
    basis: Basis
    method: Annotated[str, Field(description="Version of the definition that made the figures")]
    as_of: AwareDatetime
    latest_received_at: Annotated[
        AwareDatetime | None, Field(description="When the newest answer came in")
    ]
    version: Annotated[int, Field(description="0 while there has been no answer")]
    windows: Annotated[
        dict[str, WindowFigures], Field(description="24h, 7d, 30d, 90d: the question `overall`")
    ]
    items: Annotated[
        dict[str, dict[str, WindowFigures]], Field(description="The same for every other question")
    ]
    history: Annotated[
        list[DayView] | None, Field(description="By local day, days without answers left out")
    ] = None


class AlertView(BaseModel):
    """An alert and the name of what it is about."""

    name: Name
    alert: AlertChanged


class IndexList(BaseModel):
    """What stands under a scope. Not a ranking: compare intervals, not places in this list."""

    parent: Scope
    indices: list[IndexView]


class AlertList(BaseModel):
    """Alerts, newest change first."""

    alerts: list[AlertView]
