"""Notify on real servers, with a real webhook receiver and a real mail server."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest_asyncio
from aiohttp import web
from prometheus_client import REGISTRY as METRICS
from uuid_utils.compat import uuid7

from deploy.local import ports
from method.definition import definitions
from method.period import local_day
from method.window import Windows
from schemas.alert import AgencyReplied, AlertChanged, AlertState, Severity
from schemas.base import read
from schemas.collections import ALERTS, REGISTRY
from schemas.index import IndexUpdated
from schemas.registry import EntryKind, Registry
from schemas.topics import ALERT_CHANGED
from services.gateway.registry.store import write
from services.notify.alerts import standing
from services.notify.alerts.moving import Alerts
from services.notify.delivery import endpoints
from services.notify.delivery.channels import Deliver
from services.notify.delivery.channels.email import EmailChannel
from services.notify.delivery.channels.topic import TopicChannel
from services.notify.delivery.channels.webhook import WebhookChannel
from services.notify.delivery.directory import Directories
from services.notify.delivery.gathering import Gathering
from services.notify.delivery.outbox import Channel
from services.notify.delivery.sender import Sender
from services.notify.rules.file import RuleFile
from services.notify.rules.kinds import BelowTarget, Drop, Rule
from services.notify.settings import NotifySettings
from services.notify.storage import GATHERED, OUTBOX
from services.runtime.cached import Cached
from services.runtime.database import Database
from services.runtime.producer import Producer
from simulator.agency import Agency
from tests.builders import NOW, OTHER_UNIT, UNIT, entry, load_small_registry, record
from tests.servers import Servers, published

KEY = "a master key for tests, 32 characters"
DEFINITION = definitions()[0]
WELL, BAD = (0, 0, 10, 40, 50), (30, 20, 10, 30, 10)


def rules(for_: str = "5m", keep: str = "1h") -> list[Rule]:
    common = {
        "scopes": ["unit"],
        "window": "7d",
        "for": for_,
        "keep_firing_for": keep,
        "severity": "critical",
    }
    return [
        BelowTarget.model_validate({"id": "low", "kind": "below_target", "target": 80, **common}),
        Drop.model_validate({"id": "fall", "kind": "drop", **common}),
    ]


def index(
    version: int, now: tuple[int, ...], before: tuple[int, ...] = WELL, unit: str = UNIT
) -> IndexUpdated:
    segments: Any = {"day:0": now, "day:7": before}
    return IndexUpdated(
        scope=f"unit:{unit}",
        item="overall",
        basis="management_information",
        method=DEFINITION.version,
        as_of=NOW,
        version=version,
        latest_occurred_at=NOW,
        latest_received_at=NOW,
        windows=Windows(DEFINITION, NOW).figures(segments),
    )


class Post(NamedTuple):
    """What brings messages away: mails are gathered first, here only for a moment."""

    gathering: Gathering
    sender: Sender

    async def run(self) -> None:
        await self.gathering.run()
        await self.sender.run()


class Office:
    """Notify put together by hand, with a clock of the test's own."""

    def __init__(self, database: Database, producer: Producer, settings: NotifySettings) -> None:
        self.now = NOW
        self.database = database
        self.registry = Cached(database, REGISTRY, Registry.of_documents)
        self.directories = Directories(self.registry)
        self.webhook = WebhookChannel(KEY, {"127.0.0.1"}, self.real_clock)
        self.channels: dict[Channel, Deliver] = {
            Channel.TOPIC: TopicChannel(producer).deliver,
            Channel.WEBHOOK: self.webhook.deliver,
            Channel.EMAIL: EmailChannel(settings).deliver,
        }

    @staticmethod
    def real_clock() -> datetime:
        return datetime.now(NOW.tzinfo)

    def clock(self) -> datetime:
        return self.now

    def alerts(self, by: list[Rule]) -> Alerts:
        return Alerts(self.database, self.directories, by, self.clock)

    def sender(self) -> "Post":
        sender = Sender(
            self.database, self.directories, self.channels, "http://ln.test", self.clock
        )
        return Post(Gathering(self.database, self.directories, timedelta(0), self.clock), sender)

    async def receive(self, alerts: Alerts, *indices: IndexUpdated) -> None:
        await alerts.handle(0, [record(one, n) for n, one in enumerate(indices)])

    async def states(self) -> dict[str, str]:
        return {
            document["rule"]: document["state"]
            async for document in self.database[ALERTS].find({}).sort("opened_at", 1)
        }


@pytest_asyncio.fixture
async def agency() -> AsyncIterator[Agency]:
    agency = Agency(KEY, lambda _: None)
    async with agency.listening():
        yield agency


@asynccontextmanager
async def open_office(
    servers: Servers, database: Database, agency: Agency
) -> AsyncIterator[Office]:
    """Notify, with one office that is reached by webhook and e-mail."""
    await load_small_registry(database)
    url = f"{agency.webhook_url}/unit:{UNIT}"
    hooked = entry(EntryKind.UNIT, UNIT, "commune:00004", email="office@example.vn", webhook=url)
    await write(database, [hooked])
    producer = Producer(servers.kafka_url, "notify")
    await producer.start()
    await producer.connected()
    settings = NotifySettings.model_validate(
        {
            "rules": "unused",
            "webhook_key": KEY,
            "smtp_host": "127.0.0.1",
            "smtp_port": agency.smtp_port,
            "mail_from": "Lắng Nghe <ln@example.vn>",
        }
    )
    office = Office(database, producer, settings)
    await office.registry.refresh()
    async with office.webhook.open():
        yield office
    await producer.stop()


@pytest_asyncio.fixture
async def office(servers: Servers, database: Database, agency: Agency) -> AsyncIterator[Office]:
    async with open_office(servers, database, agency) as office:
        yield office


async def settle() -> None:
    """Let the mail server's thread hand over."""
    await asyncio.sleep(0.3)


async def announced(servers: Servers) -> list[AlertChanged]:
    found = await published(servers, ALERT_CHANGED.name, 0)
    return [read(AlertChanged, one.value or b"") for one in found]


async def test_a_fall_is_told_once_by_every_channel_when_it_has_lasted(
    office: Office, agency: Agency, servers: Servers
) -> None:
    alerts, sender = office.alerts(rules()), office.sender()
    await office.receive(alerts, index(1, WELL), index(2, BAD))
    assert await office.states() == {"low": "pending", "fall": "pending"}
    await sender.run()
    await settle()
    assert agency.deliveries == []
    for minutes in (4, 5, 6):
        office.now = NOW + timedelta(minutes=minutes)
        await office.receive(alerts, index(2 + minutes, BAD))
        await sender.run()
    await settle()
    assert await office.states() == {"low": "firing", "fall": "firing"}
    got = sorted((d.channel, d.alert.split("/")[0], d.state) for d in agency.deliveries)
    assert got == [
        ("email", "fall", "firing"),
        ("email", "low", "firing"),
        ("webhook", "fall", "firing"),
        ("webhook", "low", "firing"),
    ]
    assert agency.refused == 0, "every signature was right"
    changes = [(a.rule, a.revision, a.state.value) for a in await announced(servers)]
    assert sorted(changes) == [
        ("fall", 1, "pending"),
        ("fall", 2, "firing"),
        ("low", 1, "pending"),
        ("low", 2, "firing"),
    ]


async def test_an_office_is_read_by_its_own_target_of_the_day(office: Office) -> None:
    day = local_day(NOW)
    by = RuleFile.model_validate(
        {
            "version": 1,
            "targets": [
                {"target": 60, "scope": "commune:00004", "to": str(day)},
                {"target": 85, "scope": "commune:00004", "from": str(day)},
                {"target": 70, "level": "province"},
            ],
            "rules": [rules("0s")[0].model_dump(by_alias=True)],
        }
    ).rules
    alerts = office.alerts(list(by))
    fair = (0, 200, 0, 0, 600)  # 75 %: below 80
    await office.receive(alerts, index(1, fair), index(1, fair, unit=OTHER_UNIT))
    found = await office.database[ALERTS].find({}).to_list(None)
    assert [(one["scope"], one["event"]["evidence"]["target"]) for one in found] == [
        (f"unit:{UNIT}", 85.0)
    ]


async def test_an_office_that_is_new_in_the_registry_is_told(office: Office) -> None:
    new = "000.00.77.H26"
    alerts = office.alerts(rules("0s")[:1])
    await write(office.database, [entry(EntryKind.UNIT, new, email="moi@example.vn")])
    await office.receive(alerts, index(1, BAD, unit=new))
    (told,) = await office.database[GATHERED].find({}).to_list(None)
    assert told["agency"] == f"unit:{new}"


async def test_time_alone_fires_and_resolves(office: Office, agency: Agency) -> None:
    alerts, sender = office.alerts(rules()), office.sender()
    await office.receive(alerts, index(1, BAD))
    office.now = NOW + timedelta(minutes=5)
    await alerts.tick()
    assert set((await office.states()).values()) == {"firing"}
    await sender.run()
    await office.receive(alerts, index(2, WELL))
    office.now += timedelta(minutes=59)
    await alerts.tick()
    assert set((await office.states()).values()) == {"firing"}
    office.now += timedelta(minutes=1)
    await alerts.tick()
    await alerts.tick()
    assert set((await office.states()).values()) == {"resolved"}
    await sender.run()
    await settle()
    assert sorted((d.channel, d.state) for d in agency.deliveries) == sorted(
        [("webhook", "firing"), ("webhook", "resolved"), ("email", "firing"), ("email", "resolved")]
        * 2
    )


async def test_what_does_not_last_lapses_and_nobody_is_told(office: Office, agency: Agency) -> None:
    alerts = office.alerts(rules())
    await office.receive(alerts, index(1, BAD), index(2, BAD))
    await office.receive(alerts, index(3, WELL))
    assert set((await office.states()).values()) == {"lapsed"}
    await office.sender().run()
    await settle()
    assert agency.deliveries == []


async def test_of_what_is_only_info_nobody_is_told(office: Office) -> None:
    quiet = [rules(for_="0s")[0].model_copy(update={"severity": Severity.INFO})]
    await office.receive(office.alerts(quiet), index(1, BAD))
    channels = [entry["channel"] async for entry in office.database[OUTBOX].find({})]
    assert channels == ["topic"]


async def test_no_data_is_no_recovery(office: Office) -> None:
    alerts = office.alerts(rules(for_="0s", keep="0s"))
    await office.receive(alerts, index(1, BAD))
    await office.receive(alerts, index(2, (0, 0, 0, 0, 0)), index(3, (0, 0, 0, 3, 2)))
    office.now = NOW + timedelta(days=9)
    await alerts.tick()
    assert set((await office.states()).values()) == {"firing"}


async def test_an_older_index_changes_nothing(office: Office) -> None:
    alerts = office.alerts(rules(for_="0s", keep="0s"))
    await office.receive(alerts, index(5, BAD))
    await office.receive(alerts, index(4, WELL))
    assert set((await office.states()).values()) == {"firing"}


async def test_two_instances_open_one_alert_and_tell_once(
    office: Office, agency: Agency, servers: Servers
) -> None:
    one, other = office.alerts(rules(for_="0s")), office.alerts(rules(for_="0s"))
    await asyncio.gather(
        *(office.receive(a, index(v, BAD)) for v in range(1, 6) for a in (one, other))
    )
    await asyncio.gather(office.sender().run(), office.sender().run())
    await settle()
    assert await office.database[ALERTS].count_documents({}) == 2
    assert len(agency.deliveries) == 4
    assert len(await announced(servers)) == 2


async def test_a_new_fall_after_recovery_is_a_new_alert(office: Office) -> None:
    alerts = office.alerts(rules(for_="0s", keep="0s"))
    for version, counts in enumerate((BAD, WELL, BAD), start=1):
        office.now = NOW + timedelta(minutes=version)
        await office.receive(alerts, index(version, counts))
    found = [d["_id"] async for d in office.database[ALERTS].find({"rule": "low"})]
    assert len(set(found)) == 2


def strict() -> list[Rule]:
    """One rule: an answer within two days, a plan within five more."""
    limits = {"acknowledge_within": timedelta(days=2), "plan_within": timedelta(days=5)}
    return [rules()[0].model_copy(update=limits)]


def replied(alert: str, kind: str, at: datetime, **values: Any) -> AgencyReplied:
    return AgencyReplied.model_validate(
        {
            "id": uuid7(),
            "alert": alert,
            "agency": f"unit:{UNIT}",
            "kind": kind,
            "replied_at": at,
            **values,
        },
        strict=False,
    )


def unanswered() -> tuple[float | None, float | None]:
    """How many criticals nobody has answered, and for how many seconds the oldest."""
    name, of = "langnghe_notify_{}unacknowledged{}", {"severity": "critical"}
    return (
        METRICS.get_sample_value(name.format("", ""), of),
        METRICS.get_sample_value(name.format("oldest_", "_seconds"), of),
    )


async def test_metrics_tell_which_alerts_nobody_has_answered(office: Office) -> None:
    alerts = office.alerts(rules("0s")[:1])

    async def measured() -> tuple[float | None, float | None]:
        await standing.measure(office.database, office.clock)
        return unanswered()

    assert await measured() == (0, 0)
    await office.receive(alerts, index(1, BAD))
    office.now += timedelta(hours=1)
    await office.receive(alerts, index(1, BAD, unit=OTHER_UNIT))
    office.now += timedelta(hours=1)
    assert await measured() == (2, 7200)
    first = await office.database[ALERTS].find_one({"scope": f"unit:{UNIT}"})
    assert first is not None
    await alerts.handle_replies(0, [record(replied(first["_id"], "acknowledged", office.now), 0)])
    assert await measured() == (1, 3600)
    office.now += timedelta(hours=1)
    await office.receive(alerts, index(2, WELL, unit=OTHER_UNIT))
    office.now += timedelta(hours=1)
    await alerts.tick()
    assert await measured() == (0, 0), "it is over, answered or not"


async def test_an_alert_from_the_fall_to_its_end_each_step_once(
    office: Office, agency: Agency, servers: Servers
) -> None:
    province = entry(EntryKind.PROVINCE, "01", email="province@example.vn")
    await write(office.database, [province])
    await office.registry.refresh()
    alerts, sender = office.alerts(strict()), office.sender()

    async def at(moment: timedelta, *indices: IndexUpdated) -> None:
        office.now = NOW + moment
        await office.receive(alerts, *indices)
        for _ in range(2):  # nothing happens twice
            await alerts.tick()
            await sender.run()

    async def answer(kind: str, **values: Any) -> None:
        given = replied(name, kind, office.now, **values)
        for _ in range(2):  # Kafka delivers it again
            await alerts.handle_replies(0, [record(given, 0)])
        await sender.run()

    minutes, days = timedelta(minutes=1), timedelta(days=1)
    await at(0 * minutes, index(1, BAD))
    await at(5 * minutes, index(2, BAD))
    document = await office.database[ALERTS].find_one({})
    assert document is not None
    name = document["_id"]
    await at(2 * days)  # not yet: it fired five minutes after the start
    await at(2 * days + 5 * minutes)
    await at(3 * days)
    await answer("result", text="Đã xong")  # of no plan: not taken
    await answer("acknowledged")
    await answer("plan", text="Mở thêm một quầy", due=local_day(office.now) + 4 * days)
    await at(7 * days, index(3, WELL))
    await at(7 * days + 60 * minutes)
    await answer("result", text="Đã mở quầy thứ ba")
    await settle()

    told = [(a.state.value, a.handling.value, a.escalated) for a in await announced(servers)]
    assert told == [
        ("pending", "waiting", 0),
        ("firing", "waiting", 0),
        ("firing", "waiting", 1),
        ("firing", "acknowledged", 1),
        ("firing", "planned", 1),
        ("resolved", "planned", 1),
        ("resolved", "done", 1),
    ]
    messages = {
        (d["event"]["revision"], d["channel"], d["agency"])
        async for d in office.database[OUTBOX].find({"channel": {"$ne": "topic"}})
    }
    assert messages == {
        (2, "webhook", f"unit:{UNIT}"),
        (2, "email", f"unit:{UNIT}"),
        (3, "email", "province:01"),
        (6, "webhook", f"unit:{UNIT}"),
        (6, "email", f"unit:{UNIT}"),
        (6, "email", "province:01"),
    }
    assert len(agency.deliveries) == len(messages)


async def test_two_instances_take_one_reply_once_and_go_up_once(office: Office) -> None:
    one, other = office.alerts(strict()), office.alerts(strict())
    await office.receive(one, index(1, BAD))
    office.now = NOW + timedelta(minutes=5)
    await asyncio.gather(one.tick(), other.tick())
    office.now += timedelta(days=2)
    await asyncio.gather(*(alerts.tick() for alerts in (one, other) for _ in range(3)))
    document = await office.database[ALERTS].find_one({})
    assert document is not None
    assert (document["event"]["escalated"], document["revision"]) == (1, 3)
    given = record(replied(document["_id"], "acknowledged", office.now), 0)
    await asyncio.gather(*(alerts.handle_replies(0, [given]) for alerts in (one, other)))
    document = await office.database[ALERTS].find_one({})
    assert document is not None
    assert (document["event"]["handling"], document["revision"]) == ("acknowledged", 4)
    assert len(document["replies"]) == 1


async def test_a_reply_to_no_alert_or_that_cannot_be_read_stops_nothing(office: Office) -> None:
    alerts = office.alerts(strict())
    await office.receive(alerts, index(1, BAD))
    office.now += timedelta(minutes=5)
    await alerts.tick()
    document = await office.database[ALERTS].find_one({})
    assert document is not None
    stray = record(replied("nowhere", "acknowledged", office.now), 0)
    good = record(replied(document["_id"], "acknowledged", office.now), 2)
    await alerts.handle_replies(0, [stray, record(b"{", 1), good])
    document = await office.database[ALERTS].find_one({})
    assert document is not None
    assert document["event"]["handling"] == "acknowledged"


async def test_an_alert_whose_rule_is_gone_can_still_be_answered(office: Office) -> None:
    await office.receive(office.alerts(rules(for_="0s")), index(1, BAD))
    document = await office.database[ALERTS].find_one({"rule": "low"})
    assert document is not None
    given = record(replied(document["_id"], "acknowledged", office.now), 0)
    await office.alerts([]).handle_replies(0, [given])
    document = await office.database[ALERTS].find_one({"rule": "low"})
    assert document is not None
    event = document["event"]
    assert (event["handling"], event["kind"], event["severity"]) == (
        "acknowledged",
        "below_target",
        "critical",
    )


async def test_an_office_without_contacts_is_told_through_what_stands_above(
    office: Office, agency: Agency
) -> None:
    province = entry(EntryKind.PROVINCE, "01", email="province@example.vn")
    await write(office.database, [province])
    await office.registry.refresh()
    alerts = office.alerts(rules(for_="0s")[:1])
    await office.receive(alerts, index(1, BAD, unit=OTHER_UNIT))
    await office.sender().run()
    receivers = {d["receiver"] async for d in office.database[OUTBOX].find({})}
    assert receivers == {f"topic/unit:{OTHER_UNIT}", "email/province:01"}
    await settle()
    assert {d.channel for d in agency.deliveries} == {"email"}


class Moody:
    """A webhook receiver that answers as it is told, and keeps the ids it saw."""

    def __init__(self, answers: Iterable[int]) -> None:
        self._answers = iter(answers)
        self.ids: list[str] = []
        self.url = ""

    async def _on_post(self, request: web.Request) -> web.Response:
        self.ids.append(request.headers["webhook-id"])
        status = next(self._answers)
        headers = {"Location": self.url} if status == 302 else {}
        return web.Response(status=status, headers=headers)

    async def start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/", self._on_post)
        runner = web.AppRunner(app)
        await runner.setup()
        port = ports.choose()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{port}/"
        return runner


async def _point_webhook_at(office: Office, url: str) -> None:
    await write(office.database, [entry(EntryKind.UNIT, UNIT, "commune:00004", webhook=url)])
    await office.registry.refresh()


async def test_a_failing_receiver_is_tried_again_with_the_same_id(office: Office) -> None:
    moody = Moody([500, 503, 302, 200])
    runner = await moody.start()
    await _point_webhook_at(office, moody.url)
    await office.receive(office.alerts(rules(for_="0s")[:1]), index(1, BAD))
    for _ in range(4):
        # The jitter is at most a tenth of the longest of these pauses.
        await office.sender().run()
        office.now += timedelta(hours=3)
    await runner.cleanup()
    assert len(moody.ids) == 4
    assert len(set(moody.ids)) == 1
    entry_ = await office.database[OUTBOX].find_one({"channel": "webhook"})
    assert entry_ is not None
    assert (entry_["state"], entry_["attempts"]) == ("delivered", 4)


async def test_a_receiver_that_never_answers_is_given_up_after_ten_attempts(
    office: Office,
) -> None:
    await _point_webhook_at(office, f"http://127.0.0.1:{ports.choose()}/")
    await office.receive(office.alerts(rules(for_="0s")[:1]), index(1, BAD))
    for _ in range(12):
        await office.sender().run()
        office.now += timedelta(hours=30)
    entry_ = await office.database[OUTBOX].find_one({"channel": "webhook"})
    assert entry_ is not None
    assert (entry_["state"], entry_["attempts"]) == ("given_up", 10)
    assert {one["outcome"] for one in entry_["history"]} == {"no connection"}


async def test_a_dead_receiver_does_not_hold_up_the_topic(office: Office, servers: Servers) -> None:
    await _point_webhook_at(office, f"http://127.0.0.1:{ports.choose()}/")
    await office.receive(office.alerts(rules(for_="0s")), index(1, BAD))
    await office.sender().run()
    assert {a.state for a in await announced(servers)} == {AlertState.FIRING}


async def test_a_message_claimed_by_a_killed_process_is_delivered_by_the_next(
    office: Office, agency: Agency
) -> None:
    await office.receive(office.alerts(rules(for_="0s")[:1]), index(1, BAD))
    # What a process does last before it is killed on the way to the receiver.
    assert await endpoints.take(office.database, f"webhook/unit:{UNIT}", office.now) is not None
    await office.sender().run()
    await settle()
    assert [d.channel for d in agency.deliveries] == ["email"], "the lease still holds"
    office.now += timedelta(seconds=61)
    await office.sender().run()
    assert sorted(d.channel for d in agency.deliveries) == ["email", "webhook"]
