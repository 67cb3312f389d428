"""`GET /v1/live`: server-sent events of index and alert changes.

A page that is slow gets the newest state of each scope, not a queue of old ones, so that no page
can make this process grow. What index.updated.v1 says is only which scopes have moved: a few times
a second their figures are read at once, for all pages, and shown as every other read shows them.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Final, Literal

from fastapi import APIRouter, Request
from pydantic import TypeAdapter, ValidationError
from sse_starlette import EventSourceResponse, ServerSentEvent

from schemas.alert import AlertChanged
from schemas.base import read
from schemas.scope import Scope
from services.gateway.people.guard import PUBLIC
from services.gateway.published.disclosure import Disclosure
from services.gateway.published.public import Public
from services.gateway.published.reading import Reader
from services.runtime import metrics
from services.runtime.consumer import Records

log = logging.getLogger(__name__)

Kind = Literal["index", "alert"]

REFRESH_SECONDS: Final = 0.25
_SCOPE: Final = TypeAdapter[str](Scope)


class _Page:
    """What one page has still to be sent: the newest of each subject."""

    def __init__(self) -> None:
        self.waiting: dict[tuple[Kind, str], str] = {}
        self.news = asyncio.Event()


class Live:
    """Passes changes on to every page that follows them."""

    def __init__(self, reader: Reader, disclosure: Disclosure, public: Public) -> None:
        """Start with no page."""
        self._reader = reader
        self._disclosure = disclosure
        self._public = public
        self._pages: set[_Page] = set()
        self._alerts: dict[str, AlertChanged] = {}

    def on_indices(self, records: Records) -> None:
        """Note which scopes have moved: the key of a record is its scope."""
        for record in records:
            try:
                self._disclosure.moved([_SCOPE.validate_python((record.key or b"").decode())])
            except ValueError:
                log.warning("a record of %s has no scope as its key", record.topic)

    def on_alerts(self, records: Records) -> None:
        """Note which alerts have changed."""
        for record in records:
            if record.value is None:
                continue
            try:
                event = read(AlertChanged, record.value)
            except ValidationError:
                log.exception("a record of %s cannot be read and is not shown", record.topic)
                continue
            self._alerts[event.alert] = event

    async def refresh(self) -> None:
        """Decide anew what may be shown, and pass on to the pages what has moved.

        Raises:
            DatabaseError: when it cannot be read; what has moved is then passed on later.
        """
        moved = await self._disclosure.refresh()
        alerts, self._alerts = self._alerts, {}
        if not self._pages:
            return
        known = sorted(scope for scope in moved if self._reader.name(scope))
        try:
            views = await self._public.indices(await self._reader.indices(known))
        except BaseException:
            self._disclosure.moved(moved)
            self._alerts = alerts | self._alerts
            raise
        for view in views:
            self._pass_on("index", view.scope, view.model_dump_json())
        named = [self._reader.alert(event) for event in alerts.values()]
        for alert in await self._public.alerts(named):
            self._pass_on("alert", alert.alert.alert, alert.model_dump_json())

    def _pass_on(self, kind: Kind, subject: str, text: str) -> None:
        for page in self._pages:
            page.waiting[kind, subject] = text
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
                "description": "Events `index` (IndexView) and `alert` (AlertView) as JSON",
                "content": {"text/event-stream": {}},
            }
        },
    )
    async def follow(_: Request) -> EventSourceResponse:
        return EventSourceResponse(live.follow(), ping=15)

    return routes
