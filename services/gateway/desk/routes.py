"""`/v1/desk` and `/v1/replies` for programs, `/desk` for people."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response
from uuid_utils.compat import uuid7

from method.period import local_day
from schemas.alert import AgencyReplied
from schemas.feedback import Violation
from schemas.registry import Registry
from schemas.scope import Scope
from services.gateway.desk.answering import Answer, Desk, DeskList
from services.gateway.desk.words import WORDS
from services.gateway.people.access import ALLOWED, AgencyScope, Permission
from services.gateway.people.accounts import Account
from services.gateway.people.guard import Guard
from services.gateway.people.pages import Language, page
from services.gateway.problems import ProblemError, documented
from services.runtime.cached import Cached
from services.runtime.clock import Clock

_MAX_BODY: Final = 16 * 1024
_ON_PAGE: Final = 100


def router(desk: Desk, guard: Guard, registry: Cached[Registry], clock: Clock) -> APIRouter:
    """The routes of the desk."""
    routes = APIRouter(tags=["desk"], max_body_size=_MAX_BODY)
    reads: Any = guard.needs_within(Permission.ALERTS_READ)
    reads_page: Any = guard.needs(Permission.ALERTS_READ, page=True)
    answers: Any = guard.needs(Permission.ALERTS_WRITE)

    async def listed(scope: Scope, limit: int) -> DeskList:
        below = registry.value.below(scope, local_day(clock()))
        return await desk.alerts(scope, [scope, *(entry.key for entry in below)], limit)

    async def show(
        request: Request, account: Account, language: Language, problem: list[Violation]
    ) -> Response:
        found = await listed(account.scope, _ON_PAGE)
        may_answer = Permission.ALERTS_WRITE in ALLOWED[account.role]
        values = {
            "desk": WORDS[language],
            "alerts": found.alerts,
            "may_answer": may_answer,
            "today": local_day(clock()),
            "new_id": uuid7,
            "broken": problem,
        }
        return page(request, "desk.html", language, values, status=422 if problem else 200)

    @routes.get(
        "/v1/desk",
        summary="Alerts of a scope and of what stands below it, with all their figures",
        responses=documented(401, 403, 404, 422, 503),
    )
    async def alerts(
        account: Annotated[Account, reads],  # noqa: ARG001  # who may is all that is asked
        scope: AgencyScope,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> DeskList:
        return await listed(scope, limit)

    @routes.post(
        "/v1/replies",
        status_code=202,
        summary="Answer an alert: acknowledge it, name the cause, a plan, a result",
        responses=documented(400, 401, 403, 404, 413, 422, 503),
    )
    async def reply(account: Annotated[Account, answers], answer: Answer) -> AgencyReplied:
        return await desk.answer(account, answer)

    @routes.get("/desk", include_in_schema=False)
    async def desk_page(
        request: Request, account: Annotated[Account, reads_page], lang: Language = "vi"
    ) -> Response:
        return await show(request, account, lang, [])

    @routes.post("/desk", include_in_schema=False)
    async def reply_by_form(
        request: Request,
        account: Annotated[Account, answers],
        answer: Annotated[Answer, Form()],
        lang: Language = "vi",
    ) -> Response:
        try:
            await desk.answer(account, answer)
        except ProblemError as error:
            if error.problem.status != 422:
                raise
            return await show(request, account, lang, error.problem.errors or [])
        return RedirectResponse(f"/desk?lang={lang}", 303)

    return routes
