"""`/desk`: an agency's alerts and each one's evidence, as pages for people."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response
from uuid_utils.compat import uuid7

from method.period import local_day
from schemas.feedback import Violation
from services.gateway.desk.answering import Answer, Desk
from services.gateway.desk.detail import Details
from services.gateway.desk.routes import MAX_BODY
from services.gateway.desk.showing import chart_of, timeline
from services.gateway.desk.words import WORDS
from services.gateway.people.access import ALLOWED, Permission
from services.gateway.people.accounts import Account
from services.gateway.people.guard import Guard
from services.gateway.people.pages import Language, page
from services.gateway.problems import ProblemError
from services.runtime.clock import Clock

_ON_PAGE = 100


def router(desk: Desk, details: Details, guard: Guard, clock: Clock) -> APIRouter:
    """The pages of the desk."""
    routes = APIRouter(include_in_schema=False, max_body_size=MAX_BODY)
    reads: Any = guard.needs(Permission.ALERTS_READ, page=True)
    answers: Any = guard.needs(Permission.ALERTS_WRITE)

    async def show(
        request: Request, account: Account, key: str, language: Language, problem: list[Violation]
    ) -> Response:
        found = await details.of(account, key)
        values = {
            "desk": WORDS[language],
            "view": found,
            "chart": chart_of(found),
            "timeline": timeline(found, desk.name),
            "may_answer": Permission.ALERTS_WRITE in ALLOWED[account.role],
            "today": local_day(clock()),
            "new_id": uuid7,
            "broken": problem,
        }
        return page(request, "alert.html", language, values, status=422 if problem else 200)

    @routes.get("/desk")
    async def listed(
        request: Request, account: Annotated[Account, reads], lang: Language = "vi"
    ) -> Response:
        found = await desk.alerts(account.scope, _ON_PAGE)
        return page(request, "desk.html", lang, {"desk": WORDS[lang], "alerts": found.alerts})

    @routes.get("/desk/alerts/{id:path}")
    async def alert(
        request: Request,
        account: Annotated[Account, reads],
        id: str,  # noqa: A002  # as the path has it
        lang: Language = "vi",
    ) -> Response:
        return await show(request, account, id, lang, [])

    @routes.post("/desk")
    async def reply(
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
            return await show(request, account, answer.alert, lang, error.problem.errors or [])
        return RedirectResponse(f"/desk/alerts/{quote(answer.alert)}?lang={lang}", 303)

    return routes
