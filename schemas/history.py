"""What befell an alert, as notify keeps it beside the alert (`history`), oldest first."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.alert import AlertState
from schemas.scope import Scope


class Moment(BaseModel):
    """An alert changed its state, went up for want of an answer, was held back or let go, or those
    who know of it were reminded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: AwareDatetime
    state: AlertState
    escalated: Annotated[int, Field(ge=0, description="Levels above that were told by then")] = 0
    held: Annotated[bool, Field(description="Whether something kept it from being told")] = False
    told: Annotated[
        tuple[Scope, ...], Field(description="Agencies that a message about it was written to")
    ] = ()
