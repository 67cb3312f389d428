"""Delivery to real receivers that fail, hang, redirect, are gone or ask for a pause."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import pytest_asyncio
from aiosmtpd.controller import Controller
from prometheus_client import REGISTRY as METRICS

from deploy.local import ports
from services.notify.alerts import standing
from services.notify.delivery import endpoints, waiting
from services.notify.delivery.channels.email import EmailChannel
from services.notify.delivery.deliveries import Standing
from services.notify.delivery.outbox import Channel
from services.notify.settings import NotifySettings
from services.notify.storage import DELIVERED_KEPT_FOR, OUTBOX
from services.runtime.database import Database
from tests.builders import NOW
from tests.post import HOUR, KEY, ONE, OTHER, WEBHOOK, Answer, Post, moved, posting
from tests.servers import Servers, eventually, expiring


@pytest_asyncio.fixture
async def post(database: Database) -> AsyncIterator[Post]:
    async with posting(database) as post:
        yield post


@pytest.mark.parametrize("hanging", [1, 100])
async def test_a_hanging_receiver_holds_up_nobody_else(post: Post, hanging: int) -> None:
    post.be_patient_for(600)  # longer than the test waits for anything
    post.receivers.will("one", Answer(hangs=True))
    await post.put(*(moved(f"hangs/{number}", ONE) for number in range(hanging)))
    running = asyncio.create_task(post.sender().run())

    async def asked() -> bool:
        return bool(post.receivers.ids("one"))

    await eventually(asked, "the first receiver hangs")
    await post.put(moved("well/1", OTHER))  # becomes due while the other hangs

    async def delivered() -> bool:
        return bool(await post.all(Standing.DELIVERED))

    await eventually(delivered, "the second receiver is told")
    assert [one.name for one in post.receivers.got] == ["one", "other"]
    assert not running.done()
    assert len(await post.all(Standing.WAITING)) == hanging
    post.receivers.let_go.set()
    await running
    assert post.receivers.most_inside["one"] == 1
    assert len(await post.all(Standing.DELIVERED)) == hanging + 1


async def test_a_receiver_that_fails_five_times_is_told_at_the_sixth_attempt(post: Post) -> None:
    post.receivers.will("one", *[500] * 5)
    (identity,) = await post.put(moved("a/1", ONE))
    await post.until_settled()
    assert post.receivers.ids() == [identity] * 6
    after = [one.at - NOW for one in post.receivers.got]
    pauses = [5, 300, 1800, 7200, 18000]
    assert after == [timedelta(seconds=sum(pauses[:n])) for n in range(6)]
    told = await post.one(identity)
    assert told.standing is Standing.DELIVERED
    outcomes = [one.outcome for one in told.tried]
    assert outcomes == ["HTTP 500 Internal Server Error"] * 5 + ["taken"]
    assert [one.at - NOW for one in told.tried] == after


async def test_a_receiver_that_hangs_is_given_up_after_75_hours_and_stays_visible(
    post: Post,
) -> None:
    post.be_patient_for(0.1)
    post.receivers.will("one", *[Answer(hangs=True)] * 10)
    (identity,) = await post.put(moved("a/1", ONE))
    await post.until_settled()
    assert post.receivers.ids() == [identity] * 10
    assert 75 * HOUR < post.now - NOW < 76 * HOUR
    assert [one.id for one in await post.all(Standing.GIVEN_UP)] == [identity]
    given_up = await post.one(identity)
    assert [one.outcome for one in given_up.tried] == ["no answer within 10 s"] * 10
    post.now += 1000 * HOUR
    await post.until_settled()
    assert len(post.receivers.got) == 10


async def test_a_redirect_is_never_followed(post: Post) -> None:
    elsewhere = {"Location": f"{post.receivers.url}/other"}
    post.receivers.will("one", *(Answer(status, elsewhere) for status in (301, 302, 303, 307, 308)))
    (identity,) = await post.put(moved("a/1", ONE))
    await post.until_settled()
    assert post.receivers.ids("other") == []
    assert post.receivers.ids("one") == [identity] * 6
    assert (await post.one(identity)).tried[0].outcome.endswith("redirects are not followed")


async def test_an_endpoint_that_is_gone_is_left_alone_until_it_has_a_new_address(
    post: Post,
) -> None:
    post.receivers.will("one", 410)
    first, second = await post.put(moved("a/1", ONE), moved("b/1", ONE))
    await post.put(moved("c/1", OTHER))
    await post.until_settled()
    assert post.receivers.ids("one") == [first]
    assert len(post.receivers.ids("other")) == 1, "the other receiver is told"
    for _ in range(3):
        post.now += 100 * HOUR
        await post.point(ONE, webhook=f"{post.receivers.url}/one", email="new@example.vn")
        await post.until_settled()
    assert post.receivers.ids("one") == [first]
    assert {one.id for one in await post.all(Standing.DISABLED)} == {first, second}
    assert (await post.one(first)).tried[-1].outcome == "HTTP 410 Gone"
    (third,) = await post.put(moved("d/1", ONE))
    await post.until_settled()
    assert {one.id for one in await post.all(Standing.DISABLED)} == {first, second, third}

    await post.point(ONE, webhook=f"{post.receivers.url}/moved")
    await post.until_settled()
    assert sorted(post.receivers.ids("moved")) == sorted([first, second, third])
    assert post.receivers.ids("one") == [first]
    assert await post.all(Standing.DISABLED) == []


async def test_what_is_gone_at_the_last_attempt_is_kept_and_not_given_up(post: Post) -> None:
    post.receivers.will("one", *[500] * 9, 410)
    (identity,) = await post.put(moved("a/1", ONE))
    await post.until_settled()
    assert (await post.one(identity)).standing is Standing.DISABLED
    await post.point(ONE, webhook=f"{post.receivers.url}/moved")
    post.receivers.will("moved", 500)
    await post.until_settled()
    assert post.receivers.ids("moved") == [identity] * 2, "the schedule began anew"
    assert (await post.one(identity)).standing is Standing.DELIVERED


@pytest.mark.parametrize(
    ("status", "asked", "wait"),
    [
        (429, "7200", 2 * HOUR),
        (503, format_datetime(NOW + 3 * HOUR, usegmt=True), 3 * HOUR),
        (429, "999999999", 24 * HOUR),
    ],
)
async def test_a_receiver_that_asks_for_a_pause_gets_it_with_every_message(
    post: Post, status: int, asked: str, wait: timedelta
) -> None:
    post.receivers.will("one", Answer(status, {"Retry-After": asked}))
    first, second = await post.put(moved("a/1", ONE), moved("b/1", ONE))
    await post.put(moved("c/1", OTHER))
    await post.until_settled()
    assert [one.at for one in post.receivers.got if one.name == "other"] == [NOW]
    moments = {(one.id, one.at - NOW) for one in post.receivers.got if one.name == "one"}
    assert (first, timedelta(0)) in moments
    later = {identity: after for identity, after in moments if after}
    assert later.keys() == {first, second}
    assert wait <= min(later.values())
    assert max(later.values()) <= 1.1 * wait


async def test_retry_after_with_other_answers_means_nothing(post: Post) -> None:
    post.receivers.will("one", Answer(500, {"Retry-After": "7200"}))
    await post.put(moved("a/1", ONE))
    await post.until_settled()
    assert post.now - NOW == timedelta(seconds=5)


async def test_resolved_is_not_told_before_firing(post: Post) -> None:
    post.receivers.will("one", 500, 500, 204, 500)
    await post.put(moved("a/1", ONE))
    await post.sender().run()
    await post.put(moved("a/1", ONE, revision=2), moved("b/1", ONE))
    await post.until_settled()
    told = [(one.alert, one.type) for one in post.receivers.got]
    assert told[:2] == [("a/1", "alert.firing"), ("b/1", "alert.firing")], "others need not wait"
    of_a = [type_ for alert, type_ in told if alert == "a/1"]
    assert of_a == sorted(of_a), "alert.firing comes before alert.resolved"
    assert of_a.count("alert.resolved") >= 1
    assert {one.standing for one in await post.all()} == {Standing.DELIVERED}


async def test_resolved_is_told_when_firing_was_given_up(post: Post) -> None:
    post.receivers.will("one", *[500] * 10)
    first, second = await post.put(moved("a/1", ONE), moved("a/1", ONE, revision=2))
    await post.until_settled()
    assert post.receivers.ids() == [first] * 10 + [second]
    assert (await post.one(first)).standing is Standing.GIVEN_UP


async def test_two_processes_tell_each_once_and_one_at_a_time(post: Post) -> None:
    ids = await post.put(*(moved(f"a/{n}", scope) for n in range(10) for scope in (ONE, OTHER)))
    await asyncio.gather(post.sender().run(), post.sender().run())
    await post.until_settled()
    assert sorted(one.id for one in post.receivers.got) == sorted(ids)
    assert post.receivers.most_inside == {"one": 1, "other": 1}


async def test_what_was_read_before_it_moved_on_changes_nothing(post: Post) -> None:
    (identity,) = await post.put(moved("a/1", ONE))
    stale = await waiting.next_for(post.database, WEBHOOK, NOW)
    assert stale is not None
    assert await waiting.not_delivered(post.database, stale, "HTTP 500", NOW + HOUR, NOW)
    assert not await waiting.not_delivered(post.database, stale, "late", None, NOW)
    before = await post.one(identity)
    assert (before.standing, before.next_at) == (Standing.WAITING, NOW + HOUR)
    await waiting.delivered(post.database, stale, NOW)
    again = await waiting.next_for(post.database, WEBHOOK, NOW + HOUR)
    assert again is None, "that it arrived is a fact, whoever notes it"
    assert not await waiting.not_delivered(post.database, stale, "late", None, NOW)
    assert (await post.one(identity)).standing is Standing.DELIVERED


async def test_a_claim_that_ran_out_does_not_free_the_next_one(post: Post) -> None:
    first = await endpoints.take(post.database, WEBHOOK, NOW)
    assert first is not None
    assert await endpoints.take(post.database, WEBHOOK, NOW) is None
    later = NOW + endpoints.LEASE
    second = await endpoints.take(post.database, WEBHOOK, later)
    assert second is not None
    await endpoints.release(post.database, WEBHOOK, first, {"disabled": {"at": NOW, "target": ""}})
    assert await endpoints.take(post.database, WEBHOOK, later) is None
    await endpoints.release(post.database, WEBHOOK, second, {})
    assert await endpoints.take(post.database, WEBHOOK, later) is not None


async def test_who_wants_to_be_left_alone_or_is_gone_cannot_be_claimed(post: Post) -> None:
    """Whatever a process saw when it looked: between its look and its claim another was told."""
    claim = await endpoints.take(post.database, WEBHOOK, NOW)
    assert claim is not None
    await endpoints.release(post.database, WEBHOOK, claim, {"not_before": NOW + HOUR})
    assert await endpoints.take(post.database, WEBHOOK, NOW) is None
    claim = await endpoints.take(post.database, WEBHOOK, NOW + HOUR)
    assert claim is not None
    gone = {"disabled": {"at": NOW, "target": "x"}}
    await endpoints.release(post.database, WEBHOOK, claim, gone)
    assert await endpoints.take(post.database, WEBHOOK, NOW + 1000 * HOUR) is None


async def test_a_message_that_makes_our_code_raise_holds_up_no_other(post: Post) -> None:
    (bad,) = await post.put(moved("bad/1", ONE))
    (good,) = await post.put(moved("good/1", ONE))
    # A figure that no version of ours has written.
    broken = {"$set": {"event.evidence.target": "NaN of a kind"}}
    await post.database[OUTBOX].update_one({"_id": bad}, broken)
    await post.until_settled()
    assert post.receivers.ids() == [good]
    given_up = await post.one(bad)
    assert given_up.standing is Standing.GIVEN_UP
    (said,) = {one.outcome for one in given_up.tried}
    assert said.startswith(
        "our code raised: ValidationError at services/notify/delivery/content.py"
    )


class MailServer:
    """A mail server that refuses as it is told, and keeps the Message-IDs that it saw."""

    def __init__(self, answers: list[str]) -> None:
        self.answers = iter(answers)
        self.ids: list[str] = []

    async def handle_DATA(  # noqa: N802  # aiosmtpd calls it so
        self, _server: object, _session: object, envelope: Any
    ) -> str:
        lines = bytes(envelope.content).decode().splitlines()
        self.ids += [line for line in lines if line.startswith("Message-ID: ")]
        return next(self.answers)


async def test_mail_has_the_same_schedule(post: Post) -> None:
    port = ports.choose()
    mail_server = MailServer(["451 geheim, later", "550 geheim, no", "250 OK"])
    controller = Controller(mail_server, hostname="127.0.0.1", port=port)
    controller.start()
    settings = NotifySettings.model_validate(
        {"rules": "unused", "webhook_key": KEY, "smtp_host": "127.0.0.1", "smtp_port": port}
    )
    post.channels[Channel.EMAIL] = EmailChannel(settings).deliver
    await post.point(ONE, email="office@example.vn")
    (identity,) = await post.put(moved("a/1", ONE), channel=Channel.EMAIL)
    try:
        await post.until_settled()
    finally:
        controller.stop()
    assert mail_server.ids == [f"Message-ID: <{identity}@langnghe>"] * 3
    assert post.now - NOW == timedelta(seconds=305)
    assert [one.outcome for one in (await post.one(identity)).tried] == [
        "SMTP 451",
        "SMTP 550",
        "taken",
    ]


async def test_without_an_address_it_waits_for_one(post: Post) -> None:
    await post.point(ONE, email="office@example.vn")
    (identity,) = await post.put(moved("a/1", ONE))
    await post.sender().run()
    assert (await post.one(identity)).tried[
        0
    ].outcome == "neither the registry nor a route holds an address"
    await post.point(ONE, webhook=f"{post.receivers.url}/one")
    await post.until_settled()
    assert post.receivers.ids() == [identity]


def _metric(name: str, **labels: str) -> float | None:
    return METRICS.get_sample_value(f"langnghe_notify_{name}", labels)


async def test_metrics_tell_what_waits_since_when_and_what_will_not_be_told(post: Post) -> None:
    post.receivers.will("one", *[500] * 10)
    post.receivers.will("other", 410)
    await post.put(moved("a/1", ONE))
    await post.until_settled()
    await post.put(moved("b/1", OTHER))
    await post.sender().run()
    post.receivers.will("one", 500)
    await post.put(moved("c/1", ONE))
    await post.sender().run()
    post.now += timedelta(seconds=90)
    await standing.measure(post.database, post.clock)
    assert _metric("waiting", channel="webhook") == 2, "one failed, one is for who is gone"
    assert _metric("oldest_waiting_seconds", channel="webhook") == 90
    assert _metric("oldest_waiting_seconds", channel="email") == 0
    assert _metric("given_up", channel="webhook") == 1
    assert _metric("given_up", channel="email") == 0
    assert _metric("disabled_endpoints") == 1
    await post.point(OTHER, webhook=f"{post.receivers.url}/other")
    post.now += 1000 * HOUR
    await post.until_settled()
    await standing.measure(post.database, post.clock)
    assert _metric("waiting", channel="webhook") == 1
    assert _metric("oldest_waiting_seconds", channel="webhook") == 0, "who is gone is not slow"
    assert _metric("disabled_endpoints") == 1


async def test_metrics_tell_how_long_a_message_took_over_all_its_attempts(post: Post) -> None:
    def measured() -> tuple[float, float]:
        sums = ("delivery_seconds_count", "delivery_seconds_sum")
        count, seconds = (_metric(name, channel="webhook") or 0 for name in sums)
        return count, seconds

    before = measured()
    post.receivers.will("one", *[500] * 2)
    await post.put(moved("a/1", ONE), moved("b/1", OTHER))
    await post.until_settled()
    after = measured()
    assert after == (before[0] + 2, before[1] + 0 + 305)


async def test_what_was_delivered_is_forgotten_in_the_end_and_what_was_not_is_kept(
    post: Post, servers: Servers
) -> None:
    post.receivers.will("one", *[500] * 10)
    await post.put(moved("never/1", ONE))
    await post.until_settled()
    post.now = datetime.now(UTC)  # what MongoDB goes by
    await post.put(moved("new/1", OTHER))
    await post.until_settled()
    post.now -= DELIVERED_KEPT_FOR + timedelta(minutes=1)
    await post.put(moved("old/1", OTHER))
    await post.until_settled()

    async def left() -> set[str]:
        return {document["event"]["alert"] async for document in post.database[OUTBOX].find()}

    async def forgotten() -> bool:
        return await left() == {"never/1", "new/1"}

    assert await left() == {"never/1", "new/1", "old/1"}
    with expiring(servers.mongo_url):
        await eventually(forgotten, "MongoDB removed what expired", within=120)
