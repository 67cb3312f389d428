"""`/v1/contacts`: leave contact data by consent, and have it erased."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response
from limits import RateLimitItemPerHour
from pydantic import BaseModel, Field

from services.gateway.body import documented_body, json_body, parsed
from services.gateway.contacts import store
from services.gateway.contacts.asking import CONSENT, EXAMPLE, ConsentText, ContactRequest
from services.gateway.limits import Limit, address
from services.gateway.people.guard import INTAKE, PUBLIC
from services.gateway.problems import ProblemError, documented
from services.gateway.settings import GatewaySettings
from services.runtime.clock import Clock
from services.runtime.database import Database

_BODY_LIMIT = 4096


class ContactKept(BaseModel):
    """The contact data is kept, sealed."""

    id: UUID
    erase_token: str = Field(description="Erases the contact; shown this once, so keep it")
    case_secret: str = Field(description="Opens the case at /case#SECRET; shown this once")
    expires_at: datetime = Field(description="When it is erased by itself")


def bearer(authorization: str | None) -> str:
    """The token that a citizen was given.

    Raises:
        ProblemError: 401 when there is none.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise ProblemError(
            401,
            "no-token",
            "Send the token that came with it: Authorization: Bearer TOKEN.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return token


class Desk:
    """Takes contacts in, where a master key is set."""

    def __init__(self, database: Database, settings: GatewaySettings, clock: Clock) -> None:
        """Hold what the work needs."""
        self._database = database
        self._key = settings.master_key
        self._days = settings.contact_days
        self._seconds = settings.body_seconds
        self._limit = Limit("contact", RateLimitItemPerHour(settings.contacts_per_hour))
        self._clock = clock

    async def keep(self, request: Request) -> ContactKept:
        """Check and keep one contact."""
        if self._key is None:
            raise ProblemError(503, "no-contacts", "Contacts are not taken here.")
        await self._limit.spend(address(request))
        body = await json_body(request, _BODY_LIMIT, self._seconds)
        wanted = parsed(ContactRequest, body, "contact")
        kept = await store.keep(self._database, self._key, wanted, self._days, self._clock())
        return ContactKept(**kept._asdict())

    async def erase(self, contact: UUID, token: str) -> None:
        """Erase one contact."""
        try:
            await store.erase(self._database, contact, token)
        except store.UnknownContactError:
            detail = "There is no such contact: it was erased, or it expired."
            raise ProblemError(404, "unknown-contact", detail) from None
        except store.WrongTokenError:
            raise ProblemError(403, "wrong-token", "The erase token is another one.") from None


def router(desk: Desk) -> APIRouter:
    """The routes of contacts."""
    routes = APIRouter(prefix="/v1", tags=["contacts"])

    @routes.get(
        "/contact-consent",
        dependencies=[PUBLIC],
        summary="The text that is agreed to, and its version",
    )
    async def consent() -> ConsentText:
        return CONSENT

    @routes.post(
        "/contacts",
        dependencies=[INTAKE],
        status_code=201,
        summary="Leave a telephone number or e-mail address, by explicit consent",
        responses=documented(400, 408, 413, 415, 422, 429, 503),
        openapi_extra=documented_body({"$ref": "#/components/schemas/ContactRequest"}, EXAMPLE),
    )
    async def keep(request: Request) -> ContactKept:
        return await desk.keep(request)

    @routes.delete(
        "/contacts/{contact}",
        # Whoever has the erase token may.
        dependencies=[INTAKE],
        status_code=204,
        summary="Erase contact data for good; a second time, 404",
        responses=documented(401, 403, 404, 422, 503),
    )
    async def erase(
        contact: UUID, authorization: Annotated[str | None, Header()] = None
    ) -> Response:
        await desk.erase(contact, bearer(authorization))
        return Response(status_code=204)

    return routes
