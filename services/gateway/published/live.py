"""`GET /v1/live`: server-sent events of index and alert changes.

A page that is slow gets the newest state of each scope, not a queue of old ones, so that no page
can make this process grow. What index.updated.v1 says is only which scopes have moved: a few times
a second the figures of those that any page wants are read at once, and shown as every other read
shows them.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from pydantic import TypeAdapter, ValidationError
from sse_starlette import EventSourceResponse, ServerSentEvent

from schemas.alert import AlertChanged
from schemas.base import read
from schemas.scope import Scope, ScopeKind
from services.gateway.people.guard import PUBLIC
from services.gateway.problems import documented
from services.gateway.published.disclosure import Disclosure
from services.gateway.published.public import Public
from services.gateway.published.reading import Reader
from services.gateway.published.wanted import Wanted
from services.runtime import metrics
from services.runtime.consumer import Records

log = logging.getLogger(__name__)

Kind = Literal["index", "alert"]

REFRESH_SECONDS: Final = 0.25
_SCOPE: Final = TypeAdapter[str](Scope)


class _Page:
    """What one page has still to be sent: the newest of each subject."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.waiting: dict[tuple[Kind, str], bytes] = {}
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
        above = {scope: self._reader.above(scope) for scope in moved if self._reader.name(scope)}
        told = {
            scope: pages
            for scope, chain in sorted(above.items())
            if (pages := [page for page in self._pages if page.wanted.has(scope, chain)])
        }
        try:
            views = await self._public.indices(await self._reader.indices(list(told)))
        except BaseException:
            self._disclosure.moved(moved)
            self._alerts = alerts | self._alerts
            raise
        for view in views:
            _pass_on(told[view.scope], "index", view.scope, view.model_dump_json())
        named = [self._reader.alert(event) for event in alerts.values()]
        for alert in await self._public.alerts(named):
            _pass_on(self._pages, "alert", alert.alert.alert, alert.model_dump_json())

    async def follow(self, wanted: Wanted) -> AsyncIterator[bytes]:
        """The changes from now on, for one page: all alerts, and the indices that it wants."""
        page = _Page(wanted)
        self._pages.add(page)
        metrics.GATEWAY_LIVE_CLIENTS.set(len(self._pages))
        try:
            while True:
                await page.news.wait()
                page.news.clear()
                waiting, page.waiting = page.waiting, {}
                yield b"".join(waiting.values())
        finally:
            self._pages.discard(page)
            metrics.GATEWAY_LIVE_CLIENTS.set(len(self._pages))


def _pass_on(pages: Iterable[_Page], kind: Kind, subject: str, text: str) -> None:
    event = ServerSentEvent(text, event=kind).encode()  # once for all of them
    for page in pages:
        page.waiting[kind, subject] = event
        page.news.set()


def router(live: Live) -> APIRouter:
    """The route of the live updates."""
    routes = APIRouter(prefix="/v1/live", tags=["live"], dependencies=[PUBLIC])

    @routes.get(
        "",
        summary="Follow changes of indices and alerts",
        description="All of them, or of indices those that are asked for.",
        response_class=EventSourceResponse,
        responses={
            200: {
                "description": "Events `index` (IndexView) and `alert` (AlertView) as JSON",
                "content": {"text/event-stream": {}},
            },
            **documented(422),
        },
    )
    async def follow(
        kind: Annotated[list[ScopeKind], Query(description="Indices of all scopes of a kind")] = [],  # noqa: B006
        scope: Annotated[list[Scope], Query(description="Indices of these scopes")] = [],  # noqa: B006
        offices_of: Annotated[
            list[Scope], Query(description="Indices of all offices below these, at any depth")
        ] = [],  # noqa: B006
    ) -> EventSourceResponse:
        wanted = Wanted(frozenset(kind), frozenset(scope), frozenset(offices_of))
        return EventSourceResponse(live.follow(wanted), ping=15)

    return routes
