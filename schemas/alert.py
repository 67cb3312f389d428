"""Alerts, and what agencies say to them."""

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import (
    UUID7,
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
)

from schemas.base import Event
from schemas.feedback import AgencyCode
from schemas.figure import Figure, Percent
from schemas.index import ChangeFigures, TrendFigures
from schemas.kiosk import KioskSilence
from schemas.masking import mask
from schemas.scope import Scope


class AlertState(StrEnum):
    """Where an alert stands. `pending` waits for the rule's `for`; a pending one that did not last
    is `lapsed`; one that fired and recovered is `resolved`."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"
    LAPSED = "lapsed"


class Severity(StrEnum):
    """How soon somebody has to look."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Evidence(BaseModel):
    """What an alert rests on: the figures at its last reading, and those when it opened."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    window: str
    as_of: AwareDatetime
    current: Figure
    previous: Figure
    target: Annotated[Percent | None, Field(description="Of a below-target rule, %")] = None
    baseline: Annotated[
        Percent | None,
        Field(description="Index from which a drop fell, %; recovery is measured to it"),
    ] = None
    change: Annotated[
        ChangeFigures | None, Field(description="Of a change: since when, on how many answers")
    ] = None
    trend: Annotated[
        TrendFigures | None, Field(description="Of a drift: where to, on how many answers")
    ] = None


class Handling(StrEnum):
    """What the responsible agency has done about an alert; apart from whether it recovers."""

    WAITING = "waiting"
    ACKNOWLEDGED = "acknowledged"
    PLANNED = "planned"
    DONE = "done"


class HeldBy(StrEnum):
    """What keeps an alert from being told."""

    SILENCE = "silence"
    RULE = "rule"


class Held(BaseModel):
    """Why agencies are not told of a firing alert now. It is on every screen all the same."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: HeldBy
    until: Annotated[AwareDatetime | None, Field(description="When the silence ends")] = None
    rule: Annotated[str | None, Field(description="Which fires at the same scope instead")] = None


class AlertChanged(Event):
    """An alert moved: its state, how it is handled, or how far up it was told."""

    TYPE: ClassVar = "vn.langnghe.alert.changed.v1"

    alert: Annotated[str, Field(description="The same from opening to end")]
    revision: Annotated[int, Field(ge=1, description="Grows by one with every change")]
    rule: str
    kind: Annotated[
        str, Field(description="Which detector: below_target, drop, change, drift, silent_kiosk")
    ]
    severity: Severity
    scope: Scope
    state: AlertState
    opened_at: AwareDatetime
    began_at: Annotated[
        AwareDatetime | None,
        Field(description="Since when, as it opened: first of the change's run, or of the window"),
    ] = None
    changed_at: AwareDatetime
    evidence: Annotated[
        Evidence | KioskSilence, Field(description="Figures of an index, or the silence of kiosks")
    ]
    latest_received_at: Annotated[
        AwareDatetime | None, Field(description="Newest answer behind the change")
    ] = None
    latest_occurred_at: AwareDatetime | None = None
    handling: Handling = Handling.WAITING
    answer_due: Annotated[
        AwareDatetime | None, Field(description="By when; then the level above is told")
    ] = None
    plan_due: Annotated[date | None, Field(description="Local day the plan is to be done by")] = (
        None
    )
    escalated: Annotated[
        int, Field(ge=0, description="Levels above that were told, for want of an answer")
    ] = 0
    held: Annotated[Held | None, Field(description="Why agencies are not told now, if so")] = None
    reminder: Annotated[bool, Field(description="Nothing is new but that nobody answered")] = False

    def subject(self) -> str:
        return self.alert

    def event_id(self) -> str:
        return f"{self.alert}/{self.revision}"


ReplyText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2000, strip_whitespace=True),
    AfterValidator(mask),
]
"""What an agency writes. Masked like a citizen's comment: it may speak of people."""


class ReplyKind(StrEnum):
    """What an agency does about an alert."""

    ACKNOWLEDGED = "acknowledged"
    CAUSE = "cause"
    PLAN = "plan"
    RESULT = "result"


class AgencyReplied(Event):
    """The responsible agency answered an alert. Who of it did is in the audit trail alone."""

    TYPE: ClassVar = "vn.langnghe.agency.replied.v1"

    id: UUID7
    alert: str
    agency: Annotated[AgencyCode | Scope, Field(description="Which answers: its registry key")]
    kind: ReplyKind
    text: ReplyText | None = None
    due: Annotated[date | None, Field(description="Local day a plan is to be done by")] = None
    replied_at: AwareDatetime

    def subject(self) -> str:
        return self.alert

    def event_id(self) -> str:
        return str(self.id)
