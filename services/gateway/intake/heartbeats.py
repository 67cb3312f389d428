"""Signs of life of kiosks: their heartbeats (`POST /v1/heartbeats`), and whatever else they sign.

What a kiosk signs besides is noted, and told once a minute for all of them: no answer waits for it,
and none fails with it. What is noted and not told yet is lost with the process, a minute at most.
"""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from schemas.device import GATEWAY, DeviceHeartbeat, DeviceKind
from schemas.feedback import Violation
from schemas.topics import DEVICE_HEARTBEAT
from services.gateway.body import documented_body, json_body, parsed
from services.gateway.devices.model import Device
from services.gateway.intake.senders import Senders
from services.gateway.limits import Capacity
from services.gateway.people.guard import INTAKE
from services.gateway.problems import ProblemError, documented, unavailable
from services.gateway.settings import GatewaySettings
from services.runtime.clock import Clock
from services.runtime.producer import KafkaUnavailableError, Producer

_EXAMPLE: Final[dict[str, Any]] = {"queued": 0}


class Heartbeat(BaseModel):
    """What a kiosk says of itself once a minute."""

    model_config = ConfigDict(extra="forbid", strict=True)

    queued: Annotated[
        int | None, Field(ge=0, le=10_000_000, description="Answers that wait on the kiosk")
    ] = None


class Heard(BaseModel):
    """Kafka has the heartbeat."""

    status: Literal["heard"] = "heard"
    received_at: datetime


class Presence:
    """Kiosks that signed something since this was last told, and the gateway's own sign of life."""

    def __init__(self, producer: Producer, settings: GatewaySettings, clock: Clock) -> None:
        """Nobody was seen yet."""
        self._producer = producer
        self._settings = settings
        self._clock = clock
        self._seen: dict[str, DeviceHeartbeat] = {}

    def seen(self, device: Device) -> None:
        """Note that a device signed something; only kiosks are missed when they are silent."""
        if device.kind is DeviceKind.KIOSK:
            self._seen[device.id] = DeviceHeartbeat(device=device.id, sent_at=self._clock())

    async def tell(self) -> None:
        """Tell who was seen, and behind them that the gateway listens.

        Raises:
            KafkaUnavailableError: when Kafka does not have it; it is told the next time.
        """
        seen, self._seen = self._seen, {}
        own = DeviceHeartbeat(device=GATEWAY, sent_at=self._clock())
        try:
            await self._send(*seen.values(), own)
        except KafkaUnavailableError:
            self._seen = seen | self._seen
            raise

    async def beat(self, device: Device, queued: int | None) -> datetime:
        """Pass a kiosk's own heartbeat on; when it came.

        Raises:
            ProblemError: 503 when Kafka does not have it.
        """
        now = self._clock()
        try:
            await self._send(DeviceHeartbeat(device=device.id, sent_at=now, queued=queued))
        except KafkaUnavailableError:
            raise unavailable(
                "unavailable",
                "Nobody was told; send the next heartbeat when it is due.",
                self._settings.retry_after_seconds,
            ) from None
        return now

    async def _send(self, *events: DeviceHeartbeat) -> None:
        timeout = self._settings.publish_seconds
        await self._producer.send(DEVICE_HEARTBEAT, events, timeout=timeout)


def router(
    presence: Presence, senders: Senders, capacity: Capacity, settings: GatewaySettings
) -> APIRouter:
    """The route of the heartbeats."""
    routes = APIRouter(prefix="/v1/heartbeats", tags=["devices"], dependencies=[INTAKE])

    @routes.post(
        "",
        status_code=202,
        summary="Show that a kiosk is there",
        responses=documented(400, 401, 403, 408, 413, 415, 422, 429, 503),
        openapi_extra=documented_body(Heartbeat.model_json_schema(), _EXAMPLE),
    )
    async def one(request: Request) -> Heard:
        with capacity.one():
            body = await json_body(request, settings.max_body, settings.body_seconds)
            device = await senders.device(request, body)
            await senders.spend(device, 1)
            if device.kind is not DeviceKind.KIOSK:
                rule = Violation(field="device", rule="must be a kiosk: no other is missed")
                detail = "The sender may not hand in heartbeats."
                raise ProblemError(403, "not-allowed", detail, [rule])
            heartbeat = parsed(Heartbeat, body, "heartbeat")
            return Heard(received_at=await presence.beat(device, heartbeat.queued))

    return routes
