"""An outbox, a sender whose clock a test sets, and receivers over HTTP that answer as told."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import aiohttp
from aiohttp import web

from deploy.local import ports
from method.definition import definitions
from method.figure import figure
from schemas.alert import AlertChanged, AlertState, Evidence, Severity
from schemas.collections import REGISTRY
from schemas.registry import EntryKind, Registry
from services.gateway.registry.store import write
from services.notify.delivery import deliveries, outbox
from services.notify.delivery.channels import Deliver
from services.notify.delivery.channels.webhook import WebhookChannel
from services.notify.delivery.deliveries import Delivery, Standing
from services.notify.delivery.directory import Directories
from services.notify.delivery.outbox import Channel, Entry
from services.notify.delivery.sender import Sender
from services.runtime.cached import Cached
from services.runtime.database import Database, Session
from tests.builders import NOW, OTHER_UNIT, UNIT, entry, load_small_registry

KEY = "a master key for tests, 32 characters"
HOUR = timedelta(hours=1)
ONE, OTHER = f"unit:{UNIT}", f"unit:{OTHER_UNIT}"
NAMES = {ONE: "one", OTHER: "other"}
WEBHOOK = f"webhook/{ONE}"
FIGURE = figure((30, 20, 10, 30, 10), definitions()[0])


def moved(alert: str, scope: str, revision: int = 1) -> AlertChanged:
    """An alert that fires (an odd revision) or is over (an even one)."""
    return AlertChanged(
        alert=alert,
        revision=revision,
        rule="low",
        kind="below_target",
        severity=Severity.WARNING,
        scope=scope,
        state=AlertState.FIRING if revision % 2 else AlertState.RESOLVED,
        opened_at=NOW,
        changed_at=NOW,
        evidence=Evidence(window="7d", as_of=NOW, current=FIGURE, previous=FIGURE, target=80.0),
    )


class Answer(NamedTuple):
    """What a receiver says; it says nothing while it hangs."""

    status: int = 204
    headers: dict[str, str] | None = None
    hangs: bool = False


class Got(NamedTuple):
    """A request that came in."""

    name: str
    id: str
    alert: str
    type: str
    at: datetime
    traceparent: str | None


class Receivers:
    """Agencies' receivers over HTTP, a path each, that answer as they are told; then with 204."""

    def __init__(self) -> None:
        self.url = f"http://127.0.0.1:{ports.choose()}"
        self.got: list[Got] = []
        self.answers: dict[str, Iterator[Answer]] = defaultdict(lambda: iter(()))
        self.inside: dict[str, int] = defaultdict(int)
        self.most_inside: dict[str, int] = defaultdict(int)
        self.let_go = asyncio.Event()

    def ids(self, name: str = "one") -> list[str]:
        return [one.id for one in self.got if one.name == name]

    def told(self, name: str = "one") -> list[str]:
        return [one.type for one in self.got if one.name == name]

    def will(self, name: str, *answers: Answer | int) -> None:
        made = [Answer(status=one) if isinstance(one, int) else one for one in answers]
        self.answers[name] = iter(made)

    async def _on_post(self, request: web.Request) -> web.Response:
        name, body = request.match_info["name"], await request.json()
        moment = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
        identity = request.headers["webhook-id"]
        alert, trace = body["data"]["alert"], request.headers.get("traceparent")
        self.got.append(Got(name, identity, alert, body["type"], moment, trace))
        answer = next(self.answers[name], Answer())
        self.inside[name] += 1
        self.most_inside[name] = max(self.most_inside[name], self.inside[name])
        if answer.hangs:
            await self.let_go.wait()
        await asyncio.sleep(0)
        self.inside[name] -= 1
        return web.Response(status=answer.status, headers=answer.headers)

    async def start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/{name}", self._on_post)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", int(self.url.rpartition(":")[2])).start()
        return runner


@dataclass
class Post:
    """A sender with a clock of the test's own, an outbox, and the receivers."""

    database: Database
    registry: Cached[Registry]
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.receivers = Receivers()
        self.webhook = WebhookChannel(KEY, {"127.0.0.1"}, self.clock)
        self.channels: dict[Channel, Deliver] = {Channel.WEBHOOK: self.webhook.deliver}

    def be_patient_for(self, seconds: float) -> None:
        """How long the sender waits for an answer from now on, in place of ten seconds."""
        for session in self.webhook._sessions.values():
            session._timeout = aiohttp.ClientTimeout(total=seconds)

    def clock(self) -> datetime:
        return self.now

    def sender(self) -> Sender:
        return Sender(
            self.database,
            Directories(self.registry),
            self.channels,
            "http://ln.test",
            self.clock,
            jitter=lambda: 0.5,
        )

    async def point(self, scope: str, **where: str) -> None:
        code = scope.partition(":")[2]
        await write(self.database, [entry(EntryKind.UNIT, code, "province:01", **where)])
        await self.registry.refresh()

    async def put(self, *events: AlertChanged, channel: Channel = Channel.WEBHOOK) -> list[str]:
        """Have receivers told; the ids of the messages."""
        made = [Entry(channel, one.scope, one) for one in events]

        async def work(session: Session) -> None:
            await outbox.put(self.database, made, self.now, session)

        await self.database.transaction(work)
        return [one.id for one in made]

    async def one(self, identity: str) -> Delivery:
        found = await deliveries.one(self.database, identity, self.now)
        assert found is not None
        return found

    async def all(self, standing: Standing | None = None) -> list[Delivery]:
        return await deliveries.listing(self.database, standing, None, 1000, self.now)

    async def until_settled(self) -> None:
        """Deliver, and let time pass to the next attempt, until there is none."""
        sender = self.sender()
        while True:
            await sender.run()
            due = [one.next_at for one in await self.all() if one.next_at is not None]
            later = [moment for moment in due if moment > self.now]
            if not later:
                return
            self.now = min(later)


@asynccontextmanager
async def posting(database: Database) -> AsyncIterator[Post]:
    """Two offices that are reached by webhook, and a sender."""
    await load_small_registry(database)
    post = Post(database, Cached(database, REGISTRY, Registry.of_documents))
    runner = await post.receivers.start()
    for scope, name in NAMES.items():
        await post.point(scope, webhook=f"{post.receivers.url}/{name}")
    async with post.webhook.open():
        yield post
    post.receivers.let_go.set()
    await runner.cleanup()
