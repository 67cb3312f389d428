"""`/commendations` and `GET /v1/commendations`: public lists, and drafts for who signed in."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from method.quarter import PATTERN, Quarter
from services.gateway.commendations.finding import Commendations
from services.gateway.commendations.views import CommendationList
from services.gateway.commendations.words import WORDS
from services.gateway.people.access import Permission
from services.gateway.people.accounts import Account
from services.gateway.people.guard import PUBLIC, Guard
from services.gateway.people.pages import Language, page
from services.gateway.problems import documented

_IN_PATH: Any = Path(pattern=PATTERN)
_IN_QUERY: Any = Query(pattern=PATTERN, description="As in 2026-Q3; the newest one without it")


def router(commendations: Commendations, guard: Guard) -> APIRouter:
    """The routes of commendations."""
    routes = APIRouter(tags=["commendations"])
    own: Any = guard.needs(Permission.OWN)
    own_page: Any = guard.needs(Permission.OWN, page=True)

    async def show(request: Request, quarter: Quarter, language: Language) -> Response:
        quarters = commendations.quarters()
        values = {
            "said": WORDS[language],
            "list": await commendations.of(quarter),
            "public": [q for q in quarters if commendations.is_public(q)],
            "drafts": [q for q in quarters if not commendations.is_public(q)],
        }
        return page(request, "commendations.html", language, values)

    @routes.get(
        "/v1/commendations",
        summary="Offices above target and peers over a quarter, with their evidence",
        dependencies=[PUBLIC],
        responses=documented(404, 422, 503),
    )
    async def listed(quarter: Annotated[str | None, _IN_QUERY] = None) -> CommendationList:
        return await commendations.of(commendations.chosen(quarter, draft=False))

    @routes.get(
        "/v1/commendations/drafts",
        summary="The same of a quarter whose answers may still come",
        responses=documented(401, 404, 422, 503),
    )
    async def draft(
        account: Annotated[Account, own],  # noqa: ARG001  # who may is all that is asked
        quarter: Annotated[str | None, _IN_QUERY] = None,
    ) -> CommendationList:
        return await commendations.of(commendations.chosen(quarter, draft=True))

    @routes.get("/commendations", include_in_schema=False, dependencies=[PUBLIC])
    async def newest_page(request: Request, lang: Language = "vi") -> Response:
        return await show(request, commendations.chosen(None, draft=False), lang)

    @routes.get("/commendations/{quarter}", include_in_schema=False, dependencies=[PUBLIC])
    async def quarter_page(
        request: Request, quarter: Annotated[str, _IN_PATH], lang: Language = "vi"
    ) -> Response:
        return await show(request, commendations.chosen(quarter, draft=False), lang)

    @routes.get("/desk/commendations/{quarter}", include_in_schema=False)
    async def draft_page(
        request: Request,
        account: Annotated[Account, own_page],  # noqa: ARG001  # who may is all that is asked
        quarter: Annotated[str, _IN_PATH],
        lang: Language = "vi",
    ) -> Response:
        return await show(request, commendations.chosen(quarter, draft=True), lang)

    return routes
