"""`/desk/cases`: cases for people of agencies."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from services.gateway.cases.desk import CaseDesk, acts
from services.gateway.cases.views import NewStep
from services.gateway.cases.words import WORDS
from services.gateway.people.access import Permission
from services.gateway.people.accounts import Account
from services.gateway.people.guard import Guard
from services.gateway.people.pages import Language, page
from services.gateway.problems import ProblemError

_MAX_BODY: Final = 16 * 1024
_ON_PAGE: Final = 100


def router(desk: CaseDesk, guard: Guard) -> APIRouter:
    """The pages."""
    routes = APIRouter(prefix="/desk/cases", include_in_schema=False, max_body_size=_MAX_BODY)
    reads: Any = guard.needs(Permission.CASES_READ, page=True)
    writes: Any = guard.needs(Permission.CASES_WRITE)

    async def show(
        request: Request, account: Account, case: UUID, language: Language, **values: Any
    ) -> Response:
        detail = await desk.read(account, case)
        known = {"text": WORDS[language], "case": detail, "may_act": acts(account)}
        status = 422 if values.get("broken") else 200
        return page(request, "case.html", language, {**known, **values}, status=status)

    @routes.get("")
    async def list_page(
        request: Request, account: Annotated[Account, reads], lang: Language = "vi"
    ) -> Response:
        found = await desk.listing(account.scope, _ON_PAGE)
        return page(request, "cases.html", lang, {"text": WORDS[lang], "cases": found.cases})

    @routes.get("/{case}")
    async def case_page(
        request: Request, account: Annotated[Account, reads], case: UUID, lang: Language = "vi"
    ) -> Response:
        return await show(request, account, case, lang)

    @routes.post("/{case}")
    async def act_by_form(
        request: Request,
        account: Annotated[Account, writes],
        case: UUID,
        step: Annotated[NewStep, Form()],
        lang: Language = "vi",
    ) -> Response:
        try:
            await desk.act(account, case, step)
        except ProblemError as error:
            if error.problem.status != 422:
                raise
            return await show(request, account, case, lang, broken=error.problem.errors)
        return RedirectResponse(f"/desk/cases/{case}?lang={lang}", 303)

    @routes.post("/{case}/contact")
    async def look_by_form(
        request: Request, account: Annotated[Account, writes], case: UUID, lang: Language = "vi"
    ) -> Response:
        contact = await desk.look(account, case)
        return await show(request, account, case, lang, value=contact.value)

    return routes
