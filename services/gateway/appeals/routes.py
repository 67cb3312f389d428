"""`/v1/appeals` for programs, `/desk/appeals` for people."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from schemas.feedback import Violation
from schemas.registry import EntryKind
from schemas.scope import scope_kind
from services.gateway.appeals.desk import AppealDesk, AppealList, AppealView, Decision, NewAppeal
from services.gateway.appeals.words import WORDS
from services.gateway.people.access import ALLOWED, AgencyScope, Permission
from services.gateway.people.accounts import Account
from services.gateway.people.guard import Guard
from services.gateway.people.pages import Language, page
from services.gateway.problems import ProblemError, documented

_MAX_BODY: Final = 16 * 1024
_ON_PAGE: Final = 100


def router(desk: AppealDesk, guard: Guard) -> APIRouter:
    """The routes for programs. Each that writes names one rating."""
    routes = APIRouter(prefix="/v1/appeals", tags=["appeals"], max_body_size=_MAX_BODY)
    reads: Any = guard.needs_within(Permission.APPEALS_READ)
    writes: Any = guard.needs(Permission.APPEALS_WRITE)

    @routes.get(
        "",
        summary="Appeals against ratings of a scope, those that nobody decided first",
        responses=documented(401, 403, 404, 422, 503),
    )
    async def listing(
        account: Annotated[Account, reads],
        scope: AgencyScope,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> AppealList:
        return await desk.listing(account, scope, limit)

    @routes.post(
        "",
        status_code=201,
        summary="Appeal one rating of one's own office; it stays counted",
        responses=documented(400, 401, 403, 404, 413, 422, 503),
    )
    async def file(account: Annotated[Account, writes], appeal: NewAppeal) -> AppealView:
        return await desk.file(account, appeal)

    @routes.post(
        "/{response}/decision",
        status_code=201,
        summary="Decide an appeal: by somebody else, of an agency above the office",
        responses=documented(400, 401, 403, 404, 413, 422, 503),
    )
    async def decide(
        account: Annotated[Account, writes], response: UUID, decision: Decision
    ) -> AppealView:
        return await desk.decide(account, response, decision)

    return routes


def pages(desk: AppealDesk, guard: Guard) -> APIRouter:
    """The page for people."""
    routes = APIRouter(prefix="/desk/appeals", include_in_schema=False, max_body_size=_MAX_BODY)
    reads: Any = guard.needs(Permission.APPEALS_READ, page=True)
    writes: Any = guard.needs(Permission.APPEALS_WRITE)

    async def show(
        request: Request,
        account: Account,
        language: Language,
        response: UUID | None = None,
        broken: list[Violation] | None = None,
    ) -> Response:
        found = await desk.listing(account, account.scope, _ON_PAGE)
        writes = Permission.APPEALS_WRITE in ALLOWED[account.role]
        values = {
            "text": WORDS[language],
            "appeals": found.appeals,
            "files": writes and scope_kind(account.scope) == EntryKind.UNIT,
            "response": response,
            "broken": broken,
        }
        return page(request, "appeals.html", language, values, status=422 if broken else 200)

    @routes.get("")
    async def list_page(
        request: Request,
        account: Annotated[Account, reads],
        response: UUID | None = None,
        lang: Language = "vi",
    ) -> Response:
        return await show(request, account, lang, response)

    @routes.post("")
    async def file_by_form(
        request: Request,
        account: Annotated[Account, writes],
        appeal: Annotated[NewAppeal, Form()],
        lang: Language = "vi",
    ) -> Response:
        try:
            await desk.file(account, appeal)
        except ProblemError as error:
            if error.problem.status != 422:
                raise
            return await show(request, account, lang, appeal.response, error.problem.errors)
        return RedirectResponse(f"/desk/appeals?lang={lang}", 303)

    @routes.post("/{response}")
    async def decide_by_form(
        request: Request,
        account: Annotated[Account, writes],
        response: UUID,
        decision: Annotated[Decision, Form()],
        lang: Language = "vi",
    ) -> Response:
        try:
            await desk.decide(account, response, decision)
        except ProblemError as error:
            if error.problem.status != 422:
                raise
            return await show(request, account, lang, None, error.problem.errors)
        return RedirectResponse(f"/desk/appeals?lang={lang}", 303)

    return routes
