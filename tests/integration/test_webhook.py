"""Webhooks against real receivers: where nothing is sent, and what a bad receiver can do."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web

from deploy.local import ports
from method.definition import definitions
from method.figure import figure
from schemas.alert import AlertChanged, AlertState, Evidence, Severity
from services.notify.delivery.channels import NotDeliveredError, webhook
from services.notify.delivery.channels.webhook import WebhookChannel
from services.notify.delivery.outbox import Channel, Entry
from services.notify.wording.message import compose
from tests.builders import NOW, UNIT

KEY = "a master key for tests, 32 characters"
LOCAL = {"127.0.0.1"}


def entry() -> Entry:
    fallen = figure((30, 20, 10, 30, 10), definitions()[0])
    event = AlertChanged(
        alert="a/1",
        revision=2,
        rule="low",
        kind="below_target",
        severity=Severity.WARNING,
        scope=f"unit:{UNIT}",
        state=AlertState.FIRING,
        opened_at=NOW,
        changed_at=NOW,
        evidence=Evidence(window="7d", as_of=NOW, current=fallen, previous=fallen, target=80.0),
    )
    return Entry(Channel.WEBHOOK, f"unit:{UNIT}", event)


async def deliver(target: str, private_hosts: set[str]) -> str | None:
    """Post one message; what kept it from arriving, None when it arrived."""
    message = entry()
    channel = WebhookChannel(KEY, private_hosts, lambda: datetime.now(UTC))
    async with channel.open():
        try:
            worded = compose(message.alert, None, "http://ln.test")
            await channel.deliver(message, target, worded)
        except NotDeliveredError as error:
            return str(error)
    return None


class Receiver:
    """Counts connections and requests, and answers each as it is told."""

    def __init__(self) -> None:
        self.port = ports.choose()
        self.url = f"http://127.0.0.1:{self.port}"
        self.connections = 0
        self.paths: list[str] = []
        self.sent = 0
        self.cut = asyncio.Event()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.paths.append(request.path)
        match request.path:
            case "/moved":
                return web.Response(status=302, headers={"Location": f"{self.url}/inside"})
            case "/hangs":
                await self.cut.wait()
            case "/endless":
                return await self._endless(request)
        return web.Response(status=204)

    async def _endless(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65536)
                self.sent += 65536
        except ConnectionError:
            self.cut.set()
        return response

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        server = web.Server(self.answer)
        loop = asyncio.get_running_loop()

        def connected() -> asyncio.Protocol:
            self.connections += 1
            return server()

        listener = await loop.create_server(connected, "127.0.0.1", self.port)
        try:
            yield
        finally:
            self.cut.set()
            listener.close()
            await server.shutdown(1)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    async with receiver.listening():
        yield receiver


async def test_an_allowed_private_host_is_reached(receiver: Receiver) -> None:
    assert await deliver(f"{receiver.url}/hook", LOCAL) is None
    assert receiver.paths == ["/hook"]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.0.0.1", "[::ffff:127.0.0.1]"]
)
async def test_no_connection_is_opened_to_a_private_address(receiver: Receiver, host: str) -> None:
    problem = await deliver(f"https://{host}:{receiver.port}/?token=secret", set())
    assert problem == "private address"
    assert receiver.connections == 0


async def test_a_name_is_judged_by_the_address_that_is_connected_to(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that says something else each time gets nowhere: what it said last counts."""
    answers = iter(["192.0.2.1", "127.0.0.1"])

    async def resolve(self: object, host: str, port: int, family: int = 0) -> list[object]:
        del self
        found = {"hostname": host, "host": next(answers), "port": port, "proto": 0, "flags": 0}
        return [found | {"family": family or socket.AF_INET}]

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", resolve)
    for _ in range(2):
        target = f"https://agency.example.vn:{receiver.port}/"
        assert await deliver(target, set()) == "private address"
    assert receiver.connections == 0


async def test_without_tls_only_allowed_hosts_are_spoken_to(receiver: Receiver) -> None:
    assert await deliver(f"{receiver.url}/?token=secret", {"localhost"}) == "not https"
    assert receiver.connections == 0


async def test_a_password_in_the_address_is_refused_and_not_repeated(receiver: Receiver) -> None:
    problem = await deliver(f"http://me:geheim@127.0.0.1:{receiver.port}/", LOCAL)
    assert problem == "user name or password in the address"
    assert receiver.connections == 0


async def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    assert (
        await deliver(f"{receiver.url}/moved", LOCAL)
        == "HTTP 302 Found: redirects are not followed"
    )
    assert receiver.paths == ["/moved"]


async def test_an_endless_answer_is_cut_off(receiver: Receiver) -> None:
    assert await deliver(f"{receiver.url}/endless", LOCAL) is None
    async with asyncio.timeout(30):
        await receiver.cut.wait()
    # What the two ends' socket buffers hold, and not the gigabytes of a body that is read.
    assert receiver.sent < 64 * 1024 * 1024


async def test_a_receiver_that_hangs_is_let_go(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert webhook._TIMEOUT.total == 10
    monkeypatch.setattr(webhook, "_TIMEOUT", aiohttp.ClientTimeout(total=0.5))
    assert await deliver(f"{receiver.url}/hangs", LOCAL) == "no answer within 0.5 s"
