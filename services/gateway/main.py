"""The gateway process."""

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.staticfiles import StaticFiles

from schemas.collections import REGISTRY
from schemas.registry import Registry
from services.gateway import openapi, problems
from services.gateway.cases import wiring as cases
from services.gateway.commendations import routes as commendations
from services.gateway.commendations.finding import Commendations
from services.gateway.contacts import routes as contacts
from services.gateway.desk import wiring as desk
from services.gateway.headers import SecureHeaders
from services.gateway.intake import wiring as intake
from services.gateway.pages import routes as pages
from services.gateway.people import guard
from services.gateway.people import wiring as people
from services.gateway.published import wiring as published
from services.gateway.published.reading import Reader
from services.gateway.settings import GatewaySettings
from services.gateway.suspicions import routes as suspicions
from services.gateway.suspicions.looking import Suspicions
from services.runtime.cached import Cached
from services.runtime.clock import Clock, system_clock
from services.runtime.service import Service
from services.runtime.serving import Sites, serve

_REGISTRY_SECONDS = 2.0

_OPEN_PATHS = ("/static",)
"""Mounts and routes that FastAPI does not make: they cannot declare who may use them."""


def build(settings: GatewaySettings, clock: Clock = system_clock) -> Sites:
    """Put the application together: the public's site and that of operations."""
    service = Service("gateway", settings, clock)
    registry = Cached(service.database, REGISTRY, Registry.of_documents)
    service.every(_REGISTRY_SECONDS, "registry", registry.refresh, at_once=True)
    service.health.ready_while("registry", registry.unread)
    reader = Reader(service.database, registry, clock)
    app = FastAPI(
        title="Lắng Nghe",
        version="1.0.0",
        description="Feedback on public services: hand it in, read the rolling indices.",
        lifespan=service.running,
        # The document is for operations; the pages would load scripts from elsewhere.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        # The environment could turn them on; they hold addresses and errors as they are.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    problems.install(app, settings.retry_after_seconds)
    openapi.install(app)
    intake.install(app, service, registry, settings)
    published.install(app, service, registry, reader)
    app.include_router(pages.router(reader, takes_contacts=settings.contact_key is not None))
    app.include_router(contacts.router(contacts.Desk(service.database, settings, clock)))
    keeper = people.install(app, service, registry, reader, settings)
    desk.install(app, service, keeper, registry, reader)
    found = Commendations(service.database, registry, reader, clock)
    app.include_router(commendations.router(found, keeper))
    looking = Suspicions(service.database, keeper, reader, clock)
    app.include_router(suspicions.router(looking, keeper, registry, clock))
    cases.install(app, service, keeper, registry, reader, settings)
    app.mount("/static", StaticFiles(directory=pages.STATIC))
    guard.check(app, _OPEN_PATHS)
    operations = Starlette(routes=[*service.health.routes(), openapi.route(app)])
    return Sites(SecureHeaders(app), operations, settings.ops_port)


def main() -> None:
    """Run until stopped."""
    settings = GatewaySettings()
    serve("gateway", build(settings), settings, (settings.http_host, settings.http_port))
