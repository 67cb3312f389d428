"""Silent kiosks in notify, on real servers: from signs of life to the message to the office."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client.keys import public_text
from method.period import LOCAL_ZONE
from schemas.alert import AlertChanged, AlertState
from schemas.collections import ALERTS, DEVICES, REGISTRY
from schemas.device import GATEWAY, DeviceHeartbeat, DeviceKind
from schemas.kiosk import KioskSilence
from schemas.registry import Registry
from schemas.topics import DEVICE_HEARTBEAT
from services.gateway.devices.store import enrol_directly, revoke
from services.notify.alerts.kiosks import Kiosks, enrolled
from services.notify.alerts.moving import Alerts
from services.notify.delivery.directory import Directories
from services.notify.main import build
from services.notify.rules.kinds import SilentKiosk
from services.notify.settings import NotifySettings
from services.notify.storage import GATHERED, KIOSKS, LISTENING, OUTBOX
from services.runtime import metrics
from services.runtime.cached import Cached
from services.runtime.database import Database
from services.runtime.producer import Producer
from tests.builders import OTHER_UNIT, UNIT, load_small_registry, record, records
from tests.devices import TESTER
from tests.servers import DATABASE, Servers, eventually
from tests.serving import serving

MONDAY = datetime(2026, 11, 16, 7, 30, tzinfo=LOCAL_ZONE)
"""When offices open."""

SILENT = """
version: 1
rules:
  - {id: silent, kind: silent_kiosk, silent_for: 2h, keep_firing_for: 10m, severity: warning}
"""
RULE = SilentKiosk.model_validate(
    {
        "id": "silent",
        "kind": "silent_kiosk",
        "silent_for": "2h",
        "keep_firing_for": "10m",
        "severity": "warning",
    }
)


def after(minutes: float) -> datetime:
    return MONDAY + timedelta(minutes=minutes)


def beat(device: str, minutes: float, queued: int | None = None) -> DeviceHeartbeat:
    return DeviceHeartbeat(device=device, sent_at=after(minutes), queued=queued)


def pulses(first: int, last: int) -> list[DeviceHeartbeat]:
    """The gateway listens from a minute to another."""
    return [beat(GATEWAY, minute) for minute in range(first, last + 1)]


async def kiosk(database: Database, unit: str = UNIT, name: str = "Quầy 1") -> str:
    device = await enrol_directly(
        database,
        kind=DeviceKind.KIOSK,
        scope=f"unit:{unit}",
        name=name,
        key=public_text(Ed25519PrivateKey.generate()),
        actor=TESTER,
        now=MONDAY,
    )
    return device.id


class Office:
    """Notify put together by hand, with a clock of the test's own."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = MONDAY
        self.devices = Cached(database, DEVICES, enrolled)
        self.registry = Cached(database, REGISTRY, Registry.of_documents)
        self.alerts = Alerts(database, Directories(self.registry), [RULE], self.clock)
        self.kiosks = Kiosks(database, self.devices, self.alerts, self.clock)

    def clock(self) -> datetime:
        return self.now

    async def hear(self, *heartbeats: DeviceHeartbeat) -> None:
        await self.kiosks.handle(0, records(heartbeats))

    async def look(self, minutes: float) -> list[str]:
        """What there is of alerts, at a moment."""
        self.now = after(minutes)
        await self.devices.refresh()
        await self.kiosks.run()
        await self.alerts.tick()
        found = self.database[ALERTS].find({}).sort("opened_at", 1)
        return [f"{document['scope']} {document['state']}" async for document in found]


@pytest_asyncio.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    await load_small_registry(database)
    office = Office(database)
    await office.registry.refresh()
    yield office


HERE, THERE = f"unit:{UNIT}", f"unit:{OTHER_UNIT}"


async def messages(database: Database) -> list[tuple[str, str, int]]:
    found = database[OUTBOX].find({}).sort([("event.revision", 1), ("channel", 1)])
    return [(m["channel"], m["event"]["state"], m["event"]["revision"]) async for m in found]


def kiosks_metric(state: str) -> float:
    return float(metrics.NOTIFY_KIOSKS.labels(state)._value.get())


async def test_a_kiosk_that_dies_is_told_of_once_and_once_it_is_back(
    office: Office, database: Database
) -> None:
    dead, alive = await kiosk(database), await kiosk(database, name="Quầy 2")
    elsewhere = await kiosk(database, OTHER_UNIT)
    for one in (dead, alive, elsewhere):
        await office.hear(beat(one, 0, queued=7))
    for minute in range(120):
        await office.hear(beat(alive, minute), beat(elsewhere, minute), beat(GATEWAY, minute))
    assert await office.look(119) == []
    await office.hear(*pulses(119, 120))
    assert await office.look(120) == [f"{HERE} firing"]
    assert [kiosks_metric(state) for state in ("in_use", "there", "silent")] == [3, 2, 1]
    (document,) = await database[ALERTS].find({}).to_list(None)
    event = AlertChanged.model_validate(document["event"], strict=False)
    assert event.state is AlertState.FIRING
    assert isinstance(event.evidence, KioskSilence)
    (missed,) = event.evidence.kiosks
    assert (missed.device, missed.name, missed.since) == (dead, "Quầy 1", after(0))
    assert (missed.office_hours, missed.queued, event.evidence.of) == (2.0, 7, 2)
    # Its mail is part of the day's digest.
    told = [("topic", "firing", 1), ("webhook", "firing", 1)]
    assert await database[GATHERED].count_documents({"into": "digest"}) == 1
    assert await messages(database) == told
    # Nothing is told again while it lasts.
    await office.hear(beat(alive, 121), beat(elsewhere, 121), *pulses(121, 123))
    assert await office.look(123) == [f"{HERE} firing"]
    assert await messages(database) == told
    await office.hear(beat(dead, 124), *pulses(124, 124))
    assert await office.look(124) == [f"{HERE} firing"]
    assert await office.look(133.9) == [f"{HERE} firing"]
    assert await office.look(134) == [f"{HERE} resolved"]
    over = [("topic", "resolved", 2), ("webhook", "resolved", 2)]
    assert await messages(database) == told + over


async def test_what_comes_again_changes_nothing(office: Office, database: Database) -> None:
    device = await kiosk(database)
    heard = [beat(device, 0, queued=1), *pulses(0, 10), beat(device, 10, queued=2), *pulses(10, 20)]
    await office.hear(*heard)

    async def known() -> tuple[object, ...]:
        (one,) = await database[KIOSKS].find({}).to_list(None)
        (listening,) = await database[LISTENING].find({}).to_list(None)
        return one, listening

    before = await known()
    assert before[0] == {"_id": device, "seen_at": after(10), "queued": 2}
    assert before[1] == {"_id": GATEWAY, "since": after(0), "until": after(20)}
    for start in range(len(heard)):
        await office.hear(*heard[start : start + 3])
    assert await known() == before
    # A sign of life that says nothing of the queue leaves what was said of it.
    await office.hear(beat(device, 21))
    assert (await known())[0] == {"_id": device, "seen_at": after(21), "queued": 2}


async def test_a_record_that_cannot_be_read_stops_no_other(
    office: Office, database: Database
) -> None:
    device = await kiosk(database)
    batch = [record(b"{", 0), record(None, 1), record(beat(device, 3), 2)]
    await office.kiosks.handle(0, batch)
    assert [one["_id"] async for one in database[KIOSKS].find({})] == [device]


async def test_before_the_backlog_is_read_and_after_an_outage_nobody_is_silent(
    office: Office, database: Database
) -> None:
    device = await kiosk(database)
    # Notify starts in the afternoon, and has read nothing, or the morning so far.
    assert await office.look(360) == []
    await office.hear(beat(device, 0), *pulses(0, 60))
    assert await office.look(360) == []
    await office.hear(beat(device, 61), *pulses(61, 90))
    assert await office.look(360) == []
    # The gateway was away until the afternoon (390 minutes: 14:00), so the kiosk could not be
    # heard; it has two hours of office time from then on.
    await office.hear(*pulses(390, 509))
    assert await office.look(509) == []
    await office.hear(*pulses(510, 510))
    assert await office.look(510) == [f"{HERE} firing"]


async def test_an_outage_ends_no_alert(office: Office, database: Database) -> None:
    device = await kiosk(database)
    await office.hear(beat(device, 0), *pulses(0, 120))
    assert await office.look(120) == [f"{HERE} firing"]
    await office.hear(*pulses(180, 200))
    assert await office.look(200) == [f"{HERE} firing"]
    assert await office.look(2000) == [f"{HERE} firing"]


async def test_a_kiosk_that_is_revoked_is_missed_no_more(
    office: Office, database: Database
) -> None:
    device = await kiosk(database)
    await kiosk(database, OTHER_UNIT)
    await office.hear(*pulses(0, 120))
    assert await office.look(120) == [f"{HERE} firing", f"{THERE} firing"]
    await revoke(database, device, "broken", TESTER, after(125))
    assert await office.look(126) == [f"{HERE} firing", f"{THERE} firing"]
    assert await office.look(136) == [f"{HERE} resolved", f"{THERE} firing"]


async def test_two_instances_raise_one_alert(office: Office, database: Database) -> None:
    await kiosk(database)
    other = Office(database)
    await other.registry.refresh()
    await office.hear(*pulses(0, 120))
    await other.hear(*pulses(0, 60))  # it is behind, and takes nothing back
    assert await office.look(120) == [f"{HERE} firing"]
    assert await other.look(121) == [f"{HERE} firing"]
    assert len(await messages(database)) == 2


async def test_the_process_reads_the_topic_and_raises_the_alert(
    servers: Servers, database: Database, tmp_path: Path
) -> None:
    await load_small_registry(database)
    silent, alive = await kiosk(database), await kiosk(database, OTHER_UNIT)
    rules = tmp_path / "rules.yaml"
    rules.write_text(SILENT)
    where = {"KAFKA_URL": servers.kafka_url, "MONGO_URL": servers.mongo_url, "database": DATABASE}
    key = "a master key for tests, 32 characters"
    settings = NotifySettings.model_validate({**where, "rules": rules, "webhook_key": key})
    producer = Producer(servers.kafka_url, "gateway")
    await producer.start()

    async def states() -> Sequence[tuple[str, str]]:
        return [(one["scope"], one["state"]) async for one in database[ALERTS].find({})]

    async def fires() -> bool:
        return await states() == [(HERE, "firing")]

    try:
        await producer.connected()
        heard = [beat(alive, minute) for minute in range(0, 130, 10)]
        await producer.send(DEVICE_HEARTBEAT, [beat(silent, 0), *heard, *pulses(0, 130)])
        async with serving(build(settings).app()):
            await eventually(fires, "the office whose kiosk is silent is told of it, and no other")
    finally:
        await producer.stop()
