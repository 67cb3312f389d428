"""`/v1/cases` for agencies, `/v1/case` for the citizen."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from services.gateway.body import documented_body, json_body, parsed
from services.gateway.cases.citizen import CitizenDesk, OwnCase
from services.gateway.cases.desk import CaseDesk, CaseDetail, ContactValue
from services.gateway.cases.views import CaseList, CaseView, NewStep
from services.gateway.contacts.routes import bearer
from services.gateway.people.access import AgencyScope, Permission
from services.gateway.people.accounts import Account
from services.gateway.people.guard import INTAKE, Guard
from services.gateway.problems import documented
from services.gateway.settings import GatewaySettings

_MAX_BODY: Final = 16 * 1024
_EXAMPLE: Final = {"kind": "reopened", "text": "Vẫn chưa có ghế ngồi chờ"}


def agency_router(desk: CaseDesk, guard: Guard) -> APIRouter:
    """The routes of agencies. Each that writes names one case: there is none for several."""
    routes = APIRouter(tags=["cases"], max_body_size=_MAX_BODY)
    reads: Any = guard.needs(Permission.CASES_READ)
    reads_within: Any = guard.needs_within(Permission.CASES_READ)
    writes: Any = guard.needs(Permission.CASES_WRITE)

    @routes.get(
        "/v1/cases",
        summary="Cases of a scope and of what stands below it, those that are late first",
        responses=documented(401, 403, 404, 422, 503),
    )
    async def listing(
        account: Annotated[Account, reads_within],  # noqa: ARG001  # who may is all that is asked
        scope: AgencyScope,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> CaseList:
        return await desk.listing(scope, limit)

    @routes.get(
        "/v1/cases/{case}",
        summary="One case, with what the citizen answered; the look is noted",
        responses=documented(401, 403, 404, 422, 503),
    )
    async def one(account: Annotated[Account, reads], case: UUID) -> CaseDetail:
        return await desk.read(account, case)

    @routes.post(
        "/v1/cases/{case}/steps",
        status_code=201,
        summary="Take a case up, or answer it: say what was changed",
        responses=documented(400, 401, 403, 404, 413, 422, 503),
    )
    async def act(account: Annotated[Account, writes], case: UUID, step: NewStep) -> CaseView:
        return await desk.act(account, case, step)

    @routes.post(
        "/v1/cases/{case}/contact",
        summary="See the contact data of a case; the look is in the audit trail",
        responses=documented(401, 403, 404, 422, 503),
    )
    async def look(account: Annotated[Account, writes], case: UUID) -> ContactValue:
        return await desk.look(account, case)

    return routes


def citizen_router(desk: CitizenDesk, settings: GatewaySettings) -> APIRouter:
    """The routes of the citizen: whoever has the secret may, and nobody else."""
    routes = APIRouter(prefix="/v1/case", tags=["cases"], dependencies=[INTAKE])
    secret = Header(description="Bearer SECRET: what stands behind the # of the link")

    @routes.get(
        "",
        summary="A citizen's own case",
        responses=documented(401, 404, 422, 503),
    )
    async def own(authorization: Annotated[str | None, secret] = None) -> OwnCase:
        return await desk.read(bearer(authorization))

    @routes.post(
        "",
        summary="Confirm that one was answered, or reopen: it goes to the next authority up",
        responses=documented(400, 401, 404, 408, 413, 415, 422, 503),
        openapi_extra=documented_body({"$ref": "#/components/schemas/NewStep"}, _EXAMPLE),
    )
    async def act(request: Request, authorization: Annotated[str | None, secret] = None) -> OwnCase:
        token = bearer(authorization)
        body = await json_body(request, _MAX_BODY, settings.body_seconds)
        return await desk.act(token, parsed(NewStep, body, "step"))

    @routes.delete(
        "/contact",
        status_code=204,
        summary="Erase the contact data of the case; the case stays",
        responses=documented(401, 404, 422, 503),
    )
    async def erase(authorization: Annotated[str | None, secret] = None) -> Response:
        await desk.erase_contact(bearer(authorization))
        return Response(status_code=204)

    return routes
