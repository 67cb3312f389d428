"""`GET /v1/live`: server-sent events of index and alert changes.

A page that is slow gets the newest state of each scope, not a queue of old ones, so that no page
can make this process grow.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import ValidationError
from sse_starlette import EventSourceResponse, ServerSentEvent

from schemas.alert import AlertChanged
from schemas.base import read
from schemas.index import IndexUpdated
from services.gateway.people.guard import PUBLIC
from services.runtime import metrics
from services.runtime.consumer import Records

log = logging.getLogger(__name__)

Kind = Literal["index", "alert"]


class _Page:
    """What one page has still to be sent: the newest of each subject."""

    def __init__(self) -> None:
        self.waiting: dict[tuple[Kind, str], str] = {}
        self.news = asyncio.Event()


class Live:
    """Passes changes on to every page that follows them."""

    def __init__(self) -> None:
        """Start with no page."""
        self._pages: set[_Page] = set()

    def on_indices(self, records: Records) -> None:
        """Pass on index updates."""
        self._pass_on("index", records, lambda value: read(IndexUpdated, value).scope)

    def on_alerts(self, records: Records) -> None:
        """Pass on changes of alerts."""
        self._pass_on("alert", records, lambda value: read(AlertChanged, value).alert)

    def _pass_on(self, kind: Kind, records: Records, subject: Callable[[bytes], str]) -> None:
        for record in records:
            if record.value is None:
                continue
            try:
                key = (kind, subject(record.value))
            except ValidationError:
                log.exception("a record of %s cannot be read and is not shown", record.topic)
                continue
            text = record.value.decode()
            for page in self._pages:
                page.waiting[key] = text
                page.news.set()

    async def follow(self) -> AsyncIterator[ServerSentEvent]:
        """The changes from now on, for one page."""
        page = _Page()
        self._pages.add(page)
        metrics.GATEWAY_LIVE_CLIENTS.set(len(self._pages))
        try:
            while True:
                await page.news.wait()
                page.news.clear()
                waiting, page.waiting = page.waiting, {}
                for (kind, _), text in waiting.items():
                    yield ServerSentEvent(text, event=kind)
        finally:
            self._pages.discard(page)
            metrics.GATEWAY_LIVE_CLIENTS.set(len(self._pages))


def router(live: Live) -> APIRouter:
    """The route of the live updates."""
    routes = APIRouter(prefix="/v1/live", tags=["live"], dependencies=[PUBLIC])

    @routes.get(
        "",
        summary="Follow changes of indices and alerts",
        response_class=EventSourceResponse,
        responses={
            200: {
                "description": "Events `index` (IndexUpdated) and `alert` (AlertChanged) as JSON",
                "content": {"text/event-stream": {}},
            }
        },
    )
    async def follow(_: Request) -> EventSourceResponse:
        return EventSourceResponse(live.follow(), ping=15)

    return routes
