"""`/v1/suspicions` for programs, `/desk/suspicions` for people."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from method.period import local_day
from schemas.registry import EntryKind, Registry
from schemas.scope import Scope
from services.gateway.people.access import AgencyScope, Permission
from services.gateway.people.accounts import Account
from services.gateway.people.guard import Guard
from services.gateway.people.pages import Language, page
from services.gateway.problems import documented
from services.gateway.suspicions.looking import (
    NewLook,
    SuspicionList,
    Suspicions,
    SuspicionView,
    may_look,
)
from services.gateway.suspicions.words import KIND_WORDS, WORDS
from services.runtime.cached import Cached
from services.runtime.clock import Clock

_MAX_BODY: Final = 16 * 1024
_ON_PAGE: Final = 100


def router(
    suspicions: Suspicions, guard: Guard, registry: Cached[Registry], clock: Clock
) -> APIRouter:
    """The routes of suspicions."""
    routes = APIRouter(tags=["suspicions"], max_body_size=_MAX_BODY)
    reads: Any = guard.needs_within(Permission.SUSPICIONS_READ)
    reads_page: Any = guard.needs(Permission.SUSPICIONS_READ, page=True)
    looks: Any = guard.needs(Permission.SUSPICIONS_WRITE)

    async def found(account: Account, scope: Scope, limit: int) -> SuspicionList:
        below = registry.value.below(scope, local_day(clock()))
        units = [scope, *(entry.key for entry in below if entry.kind is EntryKind.UNIT)]
        return await suspicions.listed(account, scope, units, limit)

    @routes.get(
        "/v1/suspicions",
        summary="Answers of a scope that are too good to be left without a look",
        responses=documented(401, 403, 404, 422, 503),
    )
    async def listed(
        account: Annotated[Account, reads],
        scope: AgencyScope,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> SuspicionList:
        return await found(account, scope, limit)

    @routes.post(
        "/v1/suspicions",
        summary="Say what came of a look at a suspicion",
        responses=documented(400, 401, 403, 404, 413, 422, 503),
    )
    async def look(account: Annotated[Account, looks], new: NewLook) -> SuspicionView:
        return await suspicions.note(account, new)

    @routes.get("/desk/suspicions", include_in_schema=False)
    async def suspicions_page(
        request: Request, account: Annotated[Account, reads_page], lang: Language = "vi"
    ) -> Response:
        values = {
            "said": WORDS[lang],
            "kinds": KIND_WORDS[lang],
            "suspicions": (await found(account, account.scope, _ON_PAGE)).suspicions,
            "may_look": may_look(account),
        }
        return page(request, "suspicions.html", lang, values)

    @routes.post("/desk/suspicions", include_in_schema=False)
    async def look_by_form(
        account: Annotated[Account, looks],
        new: Annotated[NewLook, Form()],
        lang: Language = "vi",
    ) -> Response:
        await suspicions.note(account, new)
        return RedirectResponse(f"/desk/suspicions?lang={lang}", 303)

    return routes
