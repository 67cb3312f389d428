"""`/v1/desk` and `/v1/replies`: alerts with their evidence, and the answers to them."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from schemas.alert import AgencyReplied
from services.gateway.desk.answering import Answer, Desk, DeskList
from services.gateway.desk.detail import AlertDetail, Details
from services.gateway.people.access import AgencyScope, Permission
from services.gateway.people.accounts import Account
from services.gateway.people.guard import Guard
from services.gateway.problems import documented

MAX_BODY: Final = 16 * 1024


def router(desk: Desk, details: Details, guard: Guard) -> APIRouter:
    """The routes of the desk for programs."""
    routes = APIRouter(prefix="/v1", tags=["desk"], max_body_size=MAX_BODY)
    reads: Any = guard.needs(Permission.ALERTS_READ)
    reads_within: Any = guard.needs_within(Permission.ALERTS_READ)
    answers: Any = guard.needs(Permission.ALERTS_WRITE)

    @routes.get(
        "/desk",
        summary="Alerts of a scope and of what stands below it, with all their figures",
        responses=documented(401, 403, 404, 422, 503),
    )
    async def alerts(
        account: Annotated[Account, reads_within],  # noqa: ARG001  # who may is all that is asked
        scope: AgencyScope,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> DeskList:
        return await desk.alerts(scope, limit)

    @routes.get(
        "/desk/alerts/{id:path}",
        summary="One alert with the evidence behind it",
        responses=documented(401, 403, 404, 422, 503),
    )
    async def detail(account: Annotated[Account, reads], id: str) -> AlertDetail:  # noqa: A002  # as the path has it
        return await details.of(account, id)

    @routes.post(
        "/replies",
        status_code=202,
        summary="Answer an alert: acknowledge it, name the cause, a plan, a result",
        responses=documented(400, 401, 403, 404, 413, 422, 503),
    )
    async def reply(account: Annotated[Account, answers], answer: Answer) -> AgencyReplied:
        return await desk.answer(account, answer)

    return routes
