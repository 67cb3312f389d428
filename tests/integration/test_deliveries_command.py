"""`langnghe deliveries` as an operator runs it, beside a sender and receivers over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from services.gateway import audit
from services.notify.delivery.deliveries import Standing
from services.runtime.database import Database
from tests.integration.test_commands import langnghe
from tests.post import ONE, OTHER, WEBHOOK, Answer, Post, moved, posting
from tests.servers import Servers, eventually


@pytest_asyncio.fixture
async def post(database: Database) -> AsyncIterator[Post]:
    async with posting(database) as post:
        yield post


@dataclass
class Desk:
    """An operator beside a sender whose clock is the system's."""

    post: Post
    servers: Servers

    async def __call__(self, *arguments: str, code: int = 0) -> str:
        """What a command says on standard output; what it notes where it fails."""
        self.post.now = datetime.now(UTC)
        said = await langnghe("deliveries", *arguments, **self.servers.environment())
        assert said.code == code, said
        self.post.now = datetime.now(UTC)
        return said.notes if code else said.out

    async def trail(self) -> list[tuple[str, str]]:
        assert (await audit.verify(self.post.database, None))[1] == []
        found = await audit.entries(self.post.database, None, 100)
        return [(one.action, one.about) for one in reversed(found)]


@pytest.fixture
def desk(post: Post, servers: Servers) -> Desk:
    post.now = datetime.now(UTC)
    return Desk(post, servers)


async def test_list_and_show_tell_where_deliveries_stand(desk: Desk, post: Post) -> None:
    assert await desk("list") == ""
    post.receivers.will("one", 500)
    post.receivers.will("other", 410)
    (waits,) = await post.put(moved("a/1", ONE))
    (gone,) = await post.put(moved("b/1", OTHER))
    await post.sender().run()
    post.now += timedelta(seconds=1)
    (told,) = await post.put(moved("c/1", ONE))
    await post.sender().run()
    lines = (await desk("list")).splitlines()
    assert {(line.split()[0], line.split()[6]) for line in lines} == {
        (waits, "waiting"),
        (gone, "disabled"),
        (told, "delivered"),
    }
    assert lines[0].startswith(told), "newest first"
    for state, identity in (("waiting", waits), ("disabled", gone), ("delivered", told)):
        (line,) = (await desk("list", "--state", state)).splitlines()
        assert line.startswith(identity)
    assert await desk("list", "--state", "given_up") == ""
    assert len((await desk("list", "--receiver", WEBHOOK)).splitlines()) == 2
    assert len((await desk("list", "--limit", "1")).splitlines()) == 1
    (value,) = json.loads(await desk("list", "--state", "waiting", "--json"))
    assert (value["id"], value["receiver"], value["told"]) == (waits, WEBHOOK, "firing")
    assert value["attempts"][0]["outcome"] == "HTTP 500 Internal Server Error"
    assert value["next_at"].endswith("+00:00")

    page = await desk("show", waits)
    assert "HTTP 500 Internal Server Error" in page
    assert post.receivers.url not in page + "".join(lines), "an address may hold a secret"
    assert json.loads(await desk("show", waits, "--json")) == value
    assert f"{OTHER} answered 410" in await desk("show", gone)
    await post.put(moved("a/1", ONE, revision=2))
    (_, later) = (await desk("list", "--state", "waiting")).splitlines()[::-1]
    assert f"after {waits}" in await desk("show", later.split()[0])
    assert "no such delivery" in await desk("show", "msg_0", code=2)
    assert await desk.trail() == []


async def test_retry_tries_now_with_the_same_id_and_is_written_down(desk: Desk, post: Post) -> None:
    post.receivers.will("one", Answer(429, {"Retry-After": "7200"}), *[500] * 9)
    (identity,) = await post.put(moved("a/1", ONE))
    await post.sender().run()
    assert "is tried now" in await desk("retry", identity)
    await post.sender().run()
    assert post.receivers.ids() == [identity] * 2, "whatever pause was asked for"
    await post.until_settled()
    assert len(post.receivers.got) == 11, "the schedule began anew, and ended with the tenth"
    assert (await post.one(identity)).standing is Standing.DELIVERED
    assert "was delivered" in await desk("retry", identity, code=2)
    assert "no such delivery" in await desk("retry", "msg_0", code=2)
    assert await desk.trail() == [("delivery.retry", identity)]


async def test_what_was_given_up_can_be_retried_unless_it_is_over(desk: Desk, post: Post) -> None:
    post.receivers.will("one", *[500] * 20)
    lone, first = await post.put(moved("a/1", ONE), moved("b/1", ONE))
    await post.until_settled()
    (second,) = await post.put(moved("b/1", ONE, revision=2))
    await post.until_settled()
    assert (await post.one(second)).standing is Standing.DELIVERED
    await desk("retry", lone)
    await post.sender().run()
    assert (await post.one(lone)).standing is Standing.DELIVERED
    refused = await desk("retry", first, code=2)
    assert "a later message of the same alert was delivered" in refused
    assert (await post.one(first)).standing is Standing.GIVEN_UP
    assert await desk.trail() == [("delivery.retry", lone)]


async def test_retry_waits_for_a_delivery_that_is_under_way(desk: Desk, post: Post) -> None:
    post.be_patient_for(600)  # longer than any command takes
    post.receivers.will("one", Answer(hangs=True))
    first, second = await post.put(moved("a/1", ONE), moved("b/1", ONE))
    running = asyncio.create_task(post.sender().run())

    async def asked() -> bool:
        return bool(post.receivers.got)

    await eventually(asked, "the receiver hangs")
    for identity in (first, second):
        assert "is busy" in await desk("retry", identity, code=1)
    assert await desk.trail() == []
    post.receivers.let_go.set()
    await running


async def test_enable_sends_to_an_endpoint_again_and_is_written_down(
    desk: Desk, post: Post
) -> None:
    post.receivers.will("one", 410)
    first, second = await post.put(moved("a/1", ONE), moved("b/1", ONE))
    await post.sender().run()
    assert "see `langnghe deliveries enable`" in await desk("retry", first, code=2)
    assert "2 messages are tried now" in await desk("enable", WEBHOOK)
    await post.sender().run()
    assert sorted(post.receivers.ids()) == sorted([first, first, second])
    assert "is not disabled" in await desk("enable", WEBHOOK, code=2)
    assert "is not disabled" in await desk("enable", "webhook/unit:nowhere", code=2)
    assert await desk.trail() == [("endpoint.enable", WEBHOOK)]
