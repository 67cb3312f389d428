"""Puts the agencies' desk together."""

from fastapi import FastAPI

from schemas.registry import Registry
from services.gateway.desk import pages, routes
from services.gateway.desk.answering import Desk
from services.gateway.desk.detail import Details
from services.gateway.desk.effect import Effects
from services.gateway.people.comments import Comments
from services.gateway.people.guard import Guard
from services.gateway.people.routes import Looks
from services.gateway.published.closeup import CloseUp
from services.gateway.published.reading import Reader
from services.runtime.cached import Cached
from services.runtime.service import Service


def install(
    app: FastAPI, service: Service, guard: Guard, registry: Cached[Registry], reader: Reader
) -> None:
    """Add the routes of alerts, their evidence and the answers to them."""
    database, clock = service.database, service.clock
    desk = Desk(database, service.producer, guard, reader, clock)
    details = Details(
        desk,
        CloseUp(database),
        Effects(database, registry, clock),
        Comments(database, registry, clock),
        Looks(database, clock),
        clock,
    )
    app.include_router(routes.router(desk, details, guard))
    app.include_router(pages.router(desk, details, guard, clock))
