"""`GET /v1/indices` and `GET /v1/alerts`: what anybody may read."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from schemas.alert import AlertState
from schemas.registry import EntryKind
from schemas.scope import COUNTRY, Scope
from services.gateway.people.guard import PUBLIC
from services.gateway.problems import ProblemError, documented
from services.gateway.published.public import Public
from services.gateway.published.reading import Reader
from services.gateway.published.views import AlertList, IndexList, IndexView

_SCOPE_EXAMPLES = {
    "unit": {"value": "unit:000.00.19.H26"},
    "province": {"value": "province:01"},
    "country": {"value": COUNTRY},
}


def _unknown(scope: str) -> ProblemError:
    return ProblemError(404, "unknown-scope", f"{scope} is not in the registry.")


def router(reader: Reader, public: Public) -> APIRouter:
    """The routes that read; figures of too few answers are withheld."""
    routes = APIRouter(prefix="/v1", tags=["indices and alerts"], dependencies=[PUBLIC])

    @routes.get(
        "/indices",
        summary="The indices of what stands under a scope",
        responses=documented(404, 422, 503),
    )
    async def under(
        parent: Annotated[Scope, Query(openapi_examples=_SCOPE_EXAMPLES)] = COUNTRY,
        kind: Annotated[
            EntryKind | None,
            Query(description="All of this kind, at any depth; without it, the direct children"),
        ] = None,
    ) -> IndexList:
        indices = await reader.under(parent, kind)
        if indices is None:
            raise _unknown(parent)
        return IndexList(parent=parent, indices=await public.indices(indices))

    @routes.get(
        "/indices/{scope}",
        summary="The index of a scope in every window, and its history by day",
        responses=documented(404, 422, 503),
    )
    async def index(
        scope: Annotated[Scope, Path(openapi_examples=_SCOPE_EXAMPLES)],
        days: Annotated[int, Query(ge=1, le=400, description="Length of the history")] = 90,
    ) -> IndexView:
        view = await reader.index(scope, days)
        if view is None:
            raise _unknown(scope)
        (shown,) = await public.indices([view])
        return shown

    @routes.get("/alerts", summary="Alerts, newest change first", responses=documented(422, 503))
    async def alerts(
        state: Annotated[list[AlertState], Query()] = [AlertState.FIRING],  # noqa: B006
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> AlertList:
        return AlertList(alerts=await public.alerts(await reader.alerts(state, limit)))

    return routes
