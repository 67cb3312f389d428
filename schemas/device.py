"""Devices as everybody may know them, and their signs of life."""

from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.base import Event
from schemas.feedback import Identifier
from schemas.scope import Scope

GATEWAY: Final = "gateway"
"""Stands for a device in the gateway's own signs of life; devices are called `d-…`."""


class DeviceKind(StrEnum):
    """What a device is trusted with.

    A kiosk hands in what people touch on it, in its one office. A system (a portal, a vendor's
    server, an import) hands in for the offices under its scope, and may name devices behind it.
    """

    KIOSK = "kiosk"
    SYSTEM = "system"


class EnrolledDevice(BaseModel):
    """What everybody may read of an enrolled device; the gateway keeps more."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: DeviceKind
    scope: Scope
    name: str
    enrolled_at: AwareDatetime
    revoked_at: AwareDatetime | None = None


class DeviceHeartbeat(Event):
    """A device is there, whether or not anybody answers: silence and no visitors look different.

    The gateway sends one for a kiosk's own heartbeat, and at most one a minute for the other
    requests that a kiosk signed. It sends one of its own each minute: while there is none, nobody
    was listening, and no kiosk was silent.
    """

    TYPE: ClassVar = "vn.langnghe.device.heartbeat.v1"

    device: Annotated[Identifier, Field(description=f"Its id; `{GATEWAY}` for the gateway itself")]
    sent_at: Annotated[
        AwareDatetime, Field(description="By the gateway's clock: a kiosk's own may be wrong")
    ]
    queued: Annotated[
        int | None, Field(ge=0, description="Answers that wait on the device, if it said so")
    ] = None

    def subject(self) -> str:
        return self.device

    def event_id(self) -> str:
        return f"{self.device}/{self.sent_at.isoformat()}"
