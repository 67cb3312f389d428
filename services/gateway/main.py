"""The gateway process."""

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from schemas.collections import REGISTRY
from schemas.registry import Registry
from schemas.topics import ALERT_CHANGED, INDEX_UPDATED
from services.gateway import api, feedback, live, openapi, problems
from services.gateway.feedback import Intake
from services.gateway.live import Live
from services.gateway.pages import routes as pages
from services.gateway.people import guard, wiring
from services.gateway.reading import Reader
from services.gateway.settings import GatewaySettings
from services.runtime.cached import Cached
from services.runtime.service import Service, serve

_REGISTRY_SECONDS = 2.0

_OPEN_PATHS = ("/static", "/openapi.json", "/health/live", "/health/ready", "/metrics")
"""Mounts and routes that FastAPI does not make: they cannot declare who may use them."""


def build(settings: GatewaySettings) -> FastAPI:
    """Put the application together."""
    service = Service("gateway", settings)
    registry = Cached(service.database, REGISTRY, Registry.of_documents)
    service.every(_REGISTRY_SECONDS, "registry", registry.refresh, at_once=True)
    updates = Live()
    service.follow(INDEX_UPDATED, updates.on_indices)
    service.follow(ALERT_CHANGED, updates.on_alerts)

    app = FastAPI(
        title="Lắng Nghe",
        version="1.0.0",
        description="Feedback on public services: hand it in, read the rolling indices.",
        lifespan=service.running,
        # Their pages would load scripts from elsewhere; the document is at /openapi.json.
        docs_url=None,
        redoc_url=None,
    )
    problems.install(app, settings.retry_after_seconds)
    openapi.install(app)
    app.include_router(feedback.router(Intake(service.producer, settings, service.clock)))
    reader = Reader(service.database, registry, service.clock)
    app.include_router(api.router(reader))
    app.include_router(live.router(updates))
    app.include_router(pages.router(reader))
    wiring.install(app, service, registry, reader, settings)
    app.mount("/static", StaticFiles(directory=pages.STATIC))
    app.router.routes.extend(service.health.routes())
    guard.check(app, _OPEN_PATHS)
    return app


def main() -> None:
    """Run until stopped."""
    settings = GatewaySettings()
    serve(build(settings), settings)
