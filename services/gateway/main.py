"""The gateway process."""

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.staticfiles import StaticFiles

from schemas.collections import DEVICES, REGISTRY
from schemas.registry import Registry
from schemas.topics import ALERT_CHANGED, INDEX_UPDATED
from services.gateway import openapi, problems
from services.gateway.cases import wiring as cases
from services.gateway.commendations import routes as commendations
from services.gateway.commendations.finding import Commendations
from services.gateway.contacts import routes as contacts
from services.gateway.desk import pages as desk_pages
from services.gateway.desk import routes as desk
from services.gateway.desk.answering import Desk
from services.gateway.desk.detail import Details
from services.gateway.desk.effect import Effects
from services.gateway.devices import enrolment
from services.gateway.devices.model import Devices
from services.gateway.devices.signature import Signatures
from services.gateway.headers import SecureHeaders
from services.gateway.intake import feedback, heartbeats
from services.gateway.intake.feedback import Intake
from services.gateway.intake.heartbeats import Presence
from services.gateway.intake.senders import Senders
from services.gateway.limits import Capacity
from services.gateway.pages import routes as pages
from services.gateway.people import guard, wiring
from services.gateway.people.comments import Comments
from services.gateway.people.routes import Looks
from services.gateway.published import live
from services.gateway.published import routes as published
from services.gateway.published.closeup import CloseUp
from services.gateway.published.daily import Days
from services.gateway.published.disclosure import Disclosure
from services.gateway.published.live import REFRESH_SECONDS, Live
from services.gateway.published.public import Public
from services.gateway.published.reading import Reader
from services.gateway.settings import GatewaySettings
from services.gateway.suspicions import routes as suspicions
from services.gateway.suspicions.looking import Suspicions
from services.runtime.cached import Cached
from services.runtime.clock import Clock, system_clock
from services.runtime.service import Service
from services.runtime.serving import Sites, serve

_REGISTRY_SECONDS = 2.0
_DEVICES_SECONDS = 2.0
_PRESENCE_SECONDS = 60.0

_OPEN_PATHS = ("/static",)
"""Mounts and routes that FastAPI does not make: they cannot declare who may use them."""


def build(settings: GatewaySettings, clock: Clock = system_clock) -> Sites:
    """Put the application together: the public's site and that of operations."""
    service = Service("gateway", settings, clock)
    registry = Cached(service.database, REGISTRY, Registry.of_documents)
    service.every(_REGISTRY_SECONDS, "registry", registry.refresh, at_once=True)
    devices = Cached(service.database, DEVICES, Devices.of_documents)
    service.every(_DEVICES_SECONDS, "devices", devices.refresh, at_once=True)
    signatures = Signatures(devices, service.clock, settings.signature_minutes)
    senders = Senders(signatures, registry, settings, service.clock)
    reader = Reader(service.database, registry, service.clock)
    disclosure = Disclosure(service.database, registry, service.clock)
    public = Public(disclosure, Days(service.database, disclosure, service.clock), service.clock)
    updates = Live(reader, disclosure, public)
    service.every(REFRESH_SECONDS, "live", updates.refresh, at_once=True)
    service.follow(INDEX_UPDATED, updates.on_indices)
    service.follow(ALERT_CHANGED, updates.on_alerts)

    app = FastAPI(
        title="Lắng Nghe",
        version="1.0.0",
        description="Feedback on public services: hand it in, read the rolling indices.",
        lifespan=service.running,
        # The document is for operations; the pages would load scripts from elsewhere.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    problems.install(app, settings.retry_after_seconds)
    openapi.install(app)
    presence = Presence(service.producer, settings, service.clock)
    service.every(_PRESENCE_SECONDS, "presence", presence.tell)
    capacity = Capacity(settings.most_at_once, settings.retry_after_seconds)
    intake = Intake(service.producer, senders, presence, capacity, settings, service.clock)
    app.include_router(feedback.router(intake))
    app.include_router(heartbeats.router(presence, senders, capacity, settings))
    app.include_router(enrolment.router(service.database, devices, settings, service.clock))
    app.include_router(published.router(reader, public))
    app.include_router(live.router(updates))
    app.include_router(pages.router(reader, takes_contacts=settings.contact_key is not None))
    app.include_router(contacts.router(contacts.Desk(service.database, settings, service.clock)))
    keeper = wiring.install(app, service, registry, reader, settings)
    answering = Desk(service.database, service.producer, keeper, reader, service.clock)
    details = Details(
        answering,
        CloseUp(service.database),
        Effects(service.database, registry, service.clock),
        Comments(service.database, registry, service.clock),
        Looks(service.database, service.clock),
        service.clock,
    )
    app.include_router(desk.router(answering, details, keeper))
    app.include_router(desk_pages.router(answering, details, keeper, service.clock))
    found = Commendations(service.database, registry, reader, service.clock)
    app.include_router(commendations.router(found, keeper))
    looking = Suspicions(service.database, keeper, reader, service.clock)
    app.include_router(suspicions.router(looking, keeper, registry, service.clock))
    cases.install(app, service, keeper, registry, reader, settings)
    app.mount("/static", StaticFiles(directory=pages.STATIC))
    guard.check(app, _OPEN_PATHS)
    operations = Starlette(routes=[*service.health.routes(), openapi.route(app)])
    return Sites(SecureHeaders(app), operations, settings.ops_port)


def main() -> None:
    """Run until stopped."""
    settings = GatewaySettings()
    serve(build(settings), settings, (settings.http_host, settings.http_port))
