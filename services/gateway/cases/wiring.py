"""Puts the parts for cases and appeals together."""

from fastapi import FastAPI

from schemas.registry import Registry
from services.gateway.appeals import routes as appeals
from services.gateway.appeals.desk import AppealDesk
from services.gateway.cases import pages, routes, store
from services.gateway.cases.citizen import CitizenDesk
from services.gateway.cases.desk import CaseDesk
from services.gateway.cases.figures import Waiting
from services.gateway.cases.views import Cabinet
from services.gateway.people.guard import Guard
from services.gateway.published.reading import Reader
from services.gateway.settings import GatewaySettings
from services.runtime.cached import Cached
from services.runtime.service import Service

_OFFICES_SECONDS = 2.0
_FIGURES_SECONDS = 60.0


def install(
    app: FastAPI,
    service: Service,
    guard: Guard,
    registry: Cached[Registry],
    reader: Reader,
    settings: GatewaySettings,
) -> None:
    """Add the routes of cases and appeals, and what is done for them now and then."""
    database = service.database
    cabinet = Cabinet(registry, reader, service.clock)
    desk = CaseDesk(database, guard, cabinet, settings.master_key)
    app.include_router(routes.agency_router(desk, guard))
    app.include_router(pages.router(desk, guard))
    appealing = AppealDesk(database, guard, registry, cabinet)
    app.include_router(appeals.router(appealing, guard))
    app.include_router(appeals.pages(appealing, guard))
    app.include_router(routes.citizen_router(CitizenDesk(database, cabinet), settings))

    async def give_to_offices() -> None:
        await store.give_to_offices(database)

    service.every(_OFFICES_SECONDS, "offices of cases", give_to_offices)
    service.every(_FIGURES_SECONDS, "figures of cases", Waiting(database, cabinet).measure)
