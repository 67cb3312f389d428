"""Puts together what anybody may read."""

from fastapi import FastAPI

from schemas.registry import Registry
from schemas.topics import ALERT_CHANGED, INDEX_UPDATED
from services.gateway.published import live, routes
from services.gateway.published.daily import Days
from services.gateway.published.disclosure import Disclosure
from services.gateway.published.live import REFRESH_SECONDS, Live
from services.gateway.published.public import Public
from services.gateway.published.reading import Reader
from services.runtime.cached import Cached
from services.runtime.service import Service


def install(app: FastAPI, service: Service, registry: Cached[Registry], reader: Reader) -> None:
    """Add the routes of indices and alerts, and of their changes as they happen."""
    disclosure = Disclosure(service.database, registry, service.clock)
    public = Public(disclosure, Days(service.database, disclosure, service.clock), service.clock)
    updates = Live(reader, disclosure, public)
    service.every(REFRESH_SECONDS, "live", updates.refresh, at_once=True)
    service.follow(INDEX_UPDATED, updates.on_indices)
    service.follow(ALERT_CHANGED, updates.on_alerts)
    app.include_router(routes.router(reader, public))
    app.include_router(live.router(updates))
