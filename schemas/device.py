"""Signs of life from a kiosk."""

from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field

from schemas.base import Event
from schemas.feedback import AgencyCode, Identifier


class DeviceHeartbeat(Event):
    """A device is there, whether or not anybody answers: silence and no visitors look different."""

    TYPE: ClassVar = "vn.langnghe.device.heartbeat.v1"

    device: Identifier
    unit: AgencyCode
    sent_at: AwareDatetime
    sequence: Annotated[int, Field(ge=0, description="Grows by one with every heartbeat")]
    software: Annotated[str, Field(max_length=64)]
    queued: Annotated[int, Field(ge=0, description="Answers that wait on the device")]

    def subject(self) -> str:
        return self.device

    def event_time(self) -> datetime:
        return self.sent_at

    def event_id(self) -> str:
        return f"{self.device}/{self.sequence}"
