"""Answers that look as if somebody else than citizens had given them, for somebody to look at."""

from datetime import date
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.feedback import AgencyCode, Identifier


class Seen(BaseModel):
    """What was seen, and when it was seen so for the first time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: AwareDatetime
    device: Annotated[Identifier | None, Field(description="None: the office as a whole")]
    p_value: Annotated[
        float, Field(ge=0, le=1, description="Probability of this or more at an honest office")
    ]
    figures: Annotated[dict[str, float | str], Field(description="By name, see docs/integrity.md")]


class Suspicion(BaseModel):
    """Something suspicious of an office within a local day or a month. No answer is dropped for it.

    What was seen stays, also when later answers make it less: it was there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(description="kind/unit/first day")]
    kind: Annotated[
        str, Field(description="burst, rhythm, shut_hours, one_device, straight_lining")
    ]
    unit: AgencyCode
    first: Annotated[date, Field(description="First local day that was looked at")]
    last: Annotated[date, Field(description="Last one")]
    seen: Annotated[list[Seen], Field(min_length=1, description="Oldest first")]
