"""`POST /v1/devices`: a device shows a one-time code and its public key, and is enrolled."""

from typing import Annotated

from fastapi import APIRouter, Request
from limits import RateLimitItemPerMinute
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from schemas.device import DeviceKind
from schemas.feedback import Violation
from schemas.scope import Scope
from services.gateway.body import documented_body, json_body, parsed
from services.gateway.devices.model import Devices, PublicKey
from services.gateway.devices.store import InvitationError, enrol
from services.gateway.limits import Limit, address
from services.gateway.people.guard import INTAKE
from services.gateway.problems import ProblemError, documented
from services.gateway.settings import GatewaySettings
from services.runtime.cached import Cached
from services.runtime.clock import Clock
from services.runtime.database import Database

_BODY_LIMIT = 1024
_EXAMPLE = {
    "code": "7K2M-Q9XA-4TBD-0PWE",
    "public_key": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}


class Enrolment(BaseModel):
    """What a device shows once."""

    model_config = ConfigDict(extra="forbid")

    code: Annotated[
        str,
        StringConstraints(pattern=r"^[0-9A-Za-z -]{16,32}$"),
        Field(description="One-time code"),
    ]
    public_key: Annotated[
        PublicKey, Field(description="Ed25519, 32 bytes in base64url; the private one stays there")
    ]


class Enrolled(BaseModel):
    """What the device is from now on."""

    device: Annotated[str, Field(description="Its id: the keyid of its signatures")]
    kind: DeviceKind
    scope: Scope


def router(
    database: Database, devices: Cached[Devices], settings: GatewaySettings, clock: Clock
) -> APIRouter:
    """The route of the enrolment."""
    routes = APIRouter(prefix="/v1/devices", tags=["devices"], dependencies=[INTAKE])
    limit = Limit("enrolment", RateLimitItemPerMinute(settings.enrolments_per_minute))

    @routes.post(
        "",
        status_code=201,
        summary="Enrol a device with a one-time code",
        responses=documented(400, 403, 408, 413, 415, 422, 429, 503),
        openapi_extra=documented_body(Enrolment.model_json_schema(), _EXAMPLE),
    )
    async def one(request: Request) -> Enrolled:
        await limit.spend(address(request))
        body = await json_body(request, _BODY_LIMIT, settings.body_seconds)
        asked = parsed(Enrolment, body, "enrolment")
        try:
            device = await enrol(database, asked.code, asked.public_key, clock())
        except InvitationError:
            rule = Violation(field="code", rule="must be a code that is good and not used yet")
            raise ProblemError(403, "invalid-code", "The code does not enrol.", [rule]) from None
        await devices.refresh()
        return Enrolled(device=device.id, kind=device.kind, scope=device.scope)

    return routes
