"""What the gateway shows: indices and alerts with the names of their offices."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.alert import AlertState, Severity
from schemas.figure import Figure, Percent
from schemas.index import Basis
from schemas.scope import Scope


class Name(BaseModel):
    """A name in both languages."""

    vi: str
    en: str


class Withheld(BaseModel):
    """Stands where a figure is not published, to protect those who answered: never a zero."""

    withheld: Literal[True] = True
    n: None = None
    counts: None = None
    index: None = None
    low: None = None
    high: None = None
    mean: None = None
    shares: None = None


Shown = Figure | Withheld


class WindowView(BaseModel):
    """One window, now and one window ago. `start` is included, `end` is not."""

    start: AwareDatetime
    end: AwareDatetime
    current: Shown
    previous: Shown


class DayView(BaseModel):
    """One local day of a scope."""

    day: date
    figure: Shown


class IndexView(BaseModel):
    """The rolling index of a scope in every window."""

    scope: Scope
    kind: Annotated[str, Field(description="unit, commune, province, ministry, field or country")]
    name: Name
    basis: Basis
    method: Annotated[str, Field(description="Version of the definition that made the figures")]
    as_of: AwareDatetime
    latest_received_at: Annotated[
        AwareDatetime | None,
        Field(description="When the newest answer came in; not with a withheld window"),
    ]
    version: Annotated[int, Field(description="0 while there has been no answer")]
    windows: Annotated[
        dict[str, WindowView], Field(description="24h, 7d, 30d, 90d: the question `overall`")
    ]
    items: Annotated[
        dict[str, dict[str, WindowView]], Field(description="The same for every other question")
    ]
    history: Annotated[
        list[DayView] | None, Field(description="By local day, days without answers left out")
    ] = None


class EvidenceView(BaseModel):
    """What an alert rests on: the figures at its last reading."""

    window: str
    as_of: AwareDatetime
    current: Shown
    previous: Shown
    target: Annotated[Percent | None, Field(description="Of a below-target rule, %")]
    baseline: Annotated[
        Percent | None,
        Field(description="Index from which a drop fell, %; not with a withheld window"),
    ]


class SilenceView(BaseModel):
    """What an alert about silent kiosks rests on; which ones they are is the office's business."""

    as_of: AwareDatetime
    since: Annotated[AwareDatetime, Field(description="The first that fell silent was heard last")]
    silent: Annotated[int, Field(description="Kiosks that give no sign of life")]
    of: Annotated[int, Field(description="Kiosks that the office has")]


class AlertBody(BaseModel):
    """The newest state of an alert."""

    model_config = ConfigDict(extra="forbid")

    alert: Annotated[str, Field(description="The same from opening to end")]
    revision: Annotated[int, Field(description="Grows by one with every change")]
    rule: str
    kind: Annotated[
        str, Field(description="Which detector: below_target, drop, change, drift, silent_kiosk")
    ]
    severity: Severity
    scope: Scope
    state: AlertState
    opened_at: AwareDatetime
    changed_at: AwareDatetime
    evidence: EvidenceView | SilenceView
    latest_received_at: Annotated[
        AwareDatetime | None,
        Field(description="Newest answer behind the change; not with a withheld window"),
    ]
    latest_occurred_at: AwareDatetime | None


class AlertView(BaseModel):
    """An alert and the name of what it is about."""

    name: Name
    alert: AlertBody


class IndexList(BaseModel):
    """What stands under a scope. Not a ranking: compare intervals, not places in this list."""

    parent: Scope
    indices: list[IndexView]


class AlertList(BaseModel):
    """Alerts, newest change first."""

    alerts: list[AlertView]
