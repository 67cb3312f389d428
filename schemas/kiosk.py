"""What an alert about silent kiosks rests on."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class MissedKiosk(BaseModel):
    """One kiosk that gives no sign of life."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: str
    name: Annotated[str, Field(description="That the operator gave it")]
    since: Annotated[AwareDatetime, Field(description="Last sign of life, or its enrolment")]
    heard: Annotated[bool, Field(description="Whether there ever was a sign of life")]
    office_hours: Annotated[
        float,
        Field(ge=0, description="So many since then, without those when nobody listened"),
    ]
    queued: Annotated[
        int | None, Field(ge=0, description="Answers that waited on it when it was last heard")
    ] = None


class KioskSilence(BaseModel):
    """The kiosks of an office that gave no sign of life, at the last reading."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: Annotated[AwareDatetime, Field(description="Up to when was listened")]
    kiosks: Annotated[
        tuple[MissedKiosk, ...],
        Field(min_length=1, description="Once it is over: those that were silent last"),
    ]
    of: Annotated[int, Field(ge=0, description="Kiosks that the office has")]
