"""Contacts by severity and hour: a real mail server, and a chat service that Apprise speaks to."""

import itertools
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from deploy.local import ports
from method.period import LOCAL_ZONE
from schemas.alert import Severity
from schemas.registry import EntryKind
from schemas.topics import INDEX_UPDATED
from services.gateway.registry.store import write
from services.notify.delivery.channels import chat
from services.notify.delivery.digest import Digests
from services.notify.delivery.outbox import Channel, Entry
from services.notify.delivery.routes import Route
from services.notify.main import build
from services.notify.rules.kinds import Rule
from services.notify.settings import NotifySettings
from services.notify.storage import OUTBOX
from services.notify.wording.message import Message
from services.runtime.database import Database
from services.runtime.producer import Producer
from simulator.agency import Agency
from tests.builders import OTHER_UNIT, UNIT, entry, load_small_registry
from tests.integration.test_commands import langnghe
from tests.integration.test_digest import digests
from tests.integration.test_notify import (
    BAD,
    KEY,
    WELL,
    Office,
    agency,
    index,
    office,
    rules,
    settle,
)
from tests.integration.test_notify_findings import BEGAN, CHANGE, fallen, voices
from tests.integration.test_rule_reload import refused, replace
from tests.integration.test_rule_reload import rules as low
from tests.servers import DATABASE, Servers, eventually
from tests.serving import serving

__all__ = ["agency", "office"]

HERE = f"unit:{UNIT}"
NIGHT = datetime(2026, 11, 25, 23, tzinfo=LOCAL_ZONE)
MORNING = datetime(2026, 11, 26, 9, tzinfo=LOCAL_ZONE)
SECRET = "tk_a1b2c3d4e5f6"
COMMENT = "Cán bộ bắt tôi chờ"


@dataclass
class Chat:
    """An ntfy server, as far as publishing goes: keeps what is posted and who posted it."""

    port: int = 0
    got: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    status: int = 200

    @property
    def address(self) -> str:
        return f"ntfy://{SECRET}@127.0.0.1:{self.port}/hoan-kiem?auth=token"

    async def _on_request(self, request: web.Request) -> web.Response:
        self.paths.append(request.path)
        self.tokens.append(request.headers.get("Authorization", ""))
        if self.status == 200:
            self.got.append(await request.json())
        elsewhere = {"Location": "/elsewhere"} if self.status in {302, 307} else {}
        return web.Response(status=self.status, headers=elsewhere)

    async def start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._on_request)
        runner = web.AppRunner(app)
        await runner.setup()
        self.port = ports.choose()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        return runner


@pytest_asyncio.fixture
async def group() -> AsyncIterator[Chat]:
    group = Chat()
    runner = await group.start()
    yield group
    await runner.cleanup()


def route(name: str, channel: Channel, address: str, **changes: object) -> Route:
    common = {"id": name, "agency": HERE, "channel": channel, "address": address}
    return Route.model_validate({**common, **changes})


def addressees(office: Office) -> list[tuple[str, str]]:
    """Whom mails and posts go to from now on, by channel; they go there all the same."""
    seen: list[tuple[str, str]] = []

    def noting(channel: Channel) -> None:
        real = office.channels[channel]

        async def deliver(entry: Entry, address: str, message: Message, /) -> None:
            seen.append((channel.value, address))
            await real(entry, address, message)

        office.channels[channel] = deliver

    noting(Channel.EMAIL)
    noting(Channel.WEBHOOK)
    office.channels[Channel.CHAT] = chat.deliver
    return seen


async def standings(office: Office) -> dict[str, str]:
    found = office.database[OUTBOX].find({"channel": {"$ne": "topic"}})
    return {one["receiver"]: one["state"] async for one in found}


async def test_at_night_whoever_is_on_duty_is_told_and_by_day_the_office(
    office: Office, group: Chat
) -> None:
    office.directories.use(
        [
            route("duty", Channel.EMAIL, "truc@example.vn", severities=["critical"], hours="off"),
            route("group", Channel.CHAT, group.address, hours="off"),
        ]
    )
    seen = addressees(office)
    office.now = NIGHT
    alerts = office.alerts(rules("0s")[:1])
    await office.receive(alerts, index(1, BAD))
    await office.sender().run()
    await settle()
    assert ("email", "truc@example.vn") in seen
    assert ("email", "office@example.vn") not in seen
    (said,) = group.got
    assert said["topic"] == "hoan-kiem"
    assert group.tokens == [f"Bearer {SECRET}"]
    assert f"Đơn vị {UNIT}: mức hài lòng dưới mục tiêu" in said["message"]
    assert f"Unit {UNIT}: satisfaction is below target" in said["message"]
    assert "http://ln.test/desk/alerts/low/" in said["message"]
    assert await standings(office) == {
        f"webhook/{HERE}": "delivered",
        f"email/{HERE}/duty": "delivered",
        f"chat/{HERE}/group": "delivered",
    }
    office.now = MORNING
    await office.receive(alerts, index(2, WELL))
    office.now = MORNING.replace(hour=11)
    await office.receive(alerts, index(3, WELL))
    await office.sender().run()
    await settle()
    assert [address for channel, address in seen[2:] if channel == "email"] == ["office@example.vn"]
    assert len(group.got) == 1, "the group sleeps by day"


async def test_what_is_told_to_a_level_above_goes_to_whom_it_names(
    office: Office, group: Chat
) -> None:
    province = entry(EntryKind.PROVINCE, "01", email="province@example.vn")
    await write(office.database, [province])
    await office.registry.refresh()
    urgent = rules("0s")[0].model_copy(update={"acknowledge_within": MORNING - NIGHT})
    office.directories.use(
        [
            route("so-noi-vu", Channel.EMAIL, "truc@example.vn", agency="province:01"),
            route("upper", Channel.CHAT, group.address, agency="province:01"),
        ]
    )
    seen = addressees(office)
    office.now = NIGHT
    by: list[Rule] = [urgent]
    alerts = office.alerts(by)
    await office.receive(alerts, index(1, BAD, unit=OTHER_UNIT))
    await office.sender().run()
    assert seen == [("email", "truc@example.vn")], "the province stands in for its office's mail"
    assert group.got == [], "but not in its chat"
    office.now = MORNING
    await alerts.tick()
    await office.sender().run()
    assert len(group.got) == 1, "now it is the province itself that is told"


@pytest.mark.parametrize("status", [302, 500])
async def test_a_chat_that_does_not_take_it_is_tried_again_and_named_without_its_address(
    office: Office, group: Chat, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    office.directories.use([route("group", Channel.CHAT, group.address)])
    addressees(office)
    group.status = status
    await office.receive(office.alerts(rules("0s")[:1]), index(1, BAD))
    await office.sender().run()
    (waits,) = await office.database[OUTBOX].find({"channel": "chat"}).to_list(None)
    assert [one["outcome"] for one in waits["history"]] == ["ntfy did not take it"]
    assert (waits["state"], waits["due_at"] > office.now) == ("waiting", True)
    assert group.paths == ["/"], "no redirect is followed"
    told = [record.getMessage() for record in caplog.records]
    assert any("ntfy did not take it" in line for line in told)
    assert not [line for line in told if SECRET in line]
    assert SECRET not in str(waits)
    group.status = 200
    office.now = waits["due_at"]
    await office.sender().run()
    assert len(group.got) == 1
    assert (await standings(office))[f"chat/{HERE}/group"] == "delivered"


async def test_a_chat_hears_nothing_of_what_citizens_wrote(
    office: Office, agency: Agency, group: Chat
) -> None:
    await voices(office.database, (COMMENT, BEGAN + timedelta(hours=1)))
    office.directories.use([route("group", Channel.CHAT, group.address)])
    addressees(office)
    await office.receive(office.alerts([CHANGE]), fallen())
    await office.sender().run()
    await settle()
    assert any(COMMENT in one.text for one in agency.deliveries if one.channel == "email")
    (said,) = group.got
    assert COMMENT not in said["message"]


async def test_the_digest_goes_to_the_contacts_that_take_warnings(office: Office) -> None:
    office.directories.use(
        [
            route("duty", Channel.EMAIL, "truc@example.vn", severities=["critical"]),
            route("quality", Channel.EMAIL, "chat-luong@example.vn", severities=["warning"]),
            route("head", Channel.EMAIL, "truong@example.vn", severities=["warning"]),
        ]
    )
    by: list[Rule] = [rules("0s")[0].model_copy(update={"severity": Severity.WARNING})]
    await office.receive(office.alerts(by), index(1, BAD))
    office.now = MORNING.replace(hour=14)
    made: Digests = digests(office, by)
    await made.run()
    found = await office.database[OUTBOX].find({"content": "digest"}).to_list(None)
    assert sorted(one["receiver"] for one in found) == [
        f"email/{HERE}/head",
        f"email/{HERE}/quality",
    ]
    assert len({one["_id"] for one in found}) == 2


async def test_what_comes_next_of_an_alert_waits_for_the_mail_to_a_contact(office: Office) -> None:
    office.directories.use([route("duty", Channel.EMAIL, "truc@example.vn")])
    alerts, gathering = office.alerts(rules("0s", keep="0s")[:1]), office.sender().gathering
    mails = {"channel": "email"}
    await office.receive(alerts, index(1, BAD))
    await gathering.run()
    await office.receive(alerts, index(2, WELL))
    await gathering.run()
    assert await office.database[OUTBOX].count_documents(mails) == 1, "the first is not there yet"
    await office.database[OUTBOX].update_many(mails, {"$set": {"state": "delivered"}})
    await gathering.run()
    told = await office.database[OUTBOX].find(mails).sort("created_at", 1).to_list(None)
    assert [one["event"]["state"] for one in told] == ["firing", "resolved"]


async def told_of(path: Path, caplog: pytest.LogCaptureFixture) -> bool:
    """Whether the log says that the group of a file is in force."""
    return f"{path} is in force: group" in [one.getMessage() for one in caplog.records]


async def test_a_changed_route_file_is_in_force_without_a_restart_and_a_broken_one_is_not(
    servers: Servers,
    database: Database,
    tmp_path: Path,
    group: Chat,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    await load_small_registry(database)
    rule_file, path = tmp_path / "rules.yaml", tmp_path / "routes.yaml"
    rule_file.write_text(low("low").replace("severity: info", "severity: warning"))
    path.write_text("version: 1\nroutes: []\n")
    settings = NotifySettings.model_validate(
        {
            "KAFKA_URL": servers.kafka_url,
            "MONGO_URL": servers.mongo_url,
            "database": DATABASE,
            "rules": rule_file,
            "routes": path,
            "webhook_key": KEY,
        }
    )
    one = f'{{id: group, agency: "{HERE}", channel: chat, address: "{group.address}"}}'
    producer, versions = Producer(servers.kafka_url, "scoring"), itertools.count(1)

    async def hears_of(*units: str) -> None:
        """Offices fall until the group has heard of it once for each."""
        before = len(group.got)

        async def came() -> bool:
            news = [index(next(versions), BAD, unit=unit) for unit in units]
            await producer.send(INDEX_UPDATED, news)
            return len(group.got) == before + len(units)

        await eventually(came, "the group is told")

    await producer.start()
    try:
        await producer.connected()
        async with serving(build(settings).app()) as url:
            replace(path, f"version: 1\nroutes:\n  - {one}\n")
            await eventually(lambda: told_of(path, caplog), "it is in force")
            await hears_of(UNIT)
            replace(path, "version: 1\nroutes:\n  - {id: group}\n")
            await eventually(lambda: refused(url, "routes"), "the metric says so")
            assert not await refused(url, "rules")
    finally:
        await producer.stop()


async def test_without_a_route_file_that_can_be_used_it_does_not_start(tmp_path: Path) -> None:
    rule_file, path = tmp_path / "rules.yaml", tmp_path / "routes.yaml"
    rule_file.write_text(low("low"))
    path.write_text("version: 1\nroutes:\n  - {id: duty}\n")
    said = await langnghe(
        *("run", "notify"),
        LANGNGHE_RULES=str(rule_file),
        LANGNGHE_ROUTES=str(path),
        LANGNGHE_WEBHOOK_KEY=KEY,
    )
    assert said.code == 2
    assert f"{path}:3:5: routes.0.agency: Field required" in said.notes


async def test_show_says_who_is_told_at_which_hour(
    servers: Servers, database: Database, tmp_path: Path
) -> None:
    await load_small_registry(database)
    path = tmp_path / "routes.yaml"
    path.write_text(f"""
version: 1
routes:
  - {{id: duty, agency: "{HERE}", channel: email, address: truc@example.vn, hours: "off"}}
""")
    where = servers.environment()
    arguments = ("routes", "show", HERE, "--routes", str(path), "--at")
    by_night = await langnghe(*arguments, "2026-11-23T23:00", **where)
    by_day = await langnghe(*arguments, "2026-11-23T09:00", **where)
    unknown = await langnghe("routes", "show", "unit:nobody", **where)
    assert by_night.notes == ""
    assert by_night.out.splitlines() == [
        f"0  {HERE}  Đơn vị {UNIT}",
        f"   webhook  {HERE}  registry",
        f"   email    {HERE}  duty",
        "1  commune:00004  Đơn vị 00004",
        "   nobody: it has no address",
        "2  province:01  Đơn vị 01",
        "   nobody: it has no address",
    ]
    assert f"   email    {HERE}  registry" in by_day.out
    assert (unknown.code, unknown.notes.strip()) == (
        2,
        "scope: must be in the registry and in force that day",
    )
