"""Signs of life on their way from a kiosk to device.heartbeat.v1, over real HTTP and Kafka."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from client.kiosk import Kiosk
from client.signing import Signer
from deploy.local import ports
from schemas.base import read
from schemas.device import GATEWAY, DeviceHeartbeat, DeviceKind
from schemas.topics import DEVICE_HEARTBEAT
from services.gateway import main
from services.gateway.devices.store import invite, read_devices
from services.gateway.intake import wiring
from services.gateway.intake.heartbeats import Presence
from services.gateway.settings import GatewaySettings
from services.runtime.database import Database
from services.runtime.producer import KafkaUnavailableError, Producer
from tests.builders import NOW, UNIT, load_small_registry
from tests.devices import TESTER, enrolled, post
from tests.integration.test_devices import answer_of, kiosk_at
from tests.servers import DATABASE, Servers, eventually, published
from tests.serving import serving, serving_gateway

PATH = "/v1/heartbeats"
MOST = 5


async def told(servers: Servers) -> list[DeviceHeartbeat]:
    found = await published(servers, DEVICE_HEARTBEAT.name, 0)
    return [read(DeviceHeartbeat, record.value or b"") for record in found]


def settings_of(servers: Servers, kafka_url: str | None = None) -> GatewaySettings:
    return GatewaySettings(
        KAFKA_URL=kafka_url or servers.kafka_url,
        MONGO_URL=servers.mongo_url,
        database=DATABASE,
        kiosk_per_minute=MOST,
    )


class Gateway:
    """A gateway that runs."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def signed(self, signer: Signer, body: object, path: str = PATH) -> tuple[int, str]:
        return await post(self.session, self.url, signer, path, json.dumps(body).encode())


@pytest_asyncio.fixture
async def gateway(
    servers: Servers, database: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Gateway]:
    """A gateway that tells every moment who was there, instead of every minute."""
    monkeypatch.setattr(wiring, "_PRESENCE_SECONDS", 0.1)
    await load_small_registry(database)
    async with (
        serving_gateway(main.build(settings_of(servers))) as at,
        aiohttp.ClientSession() as session,
    ):
        yield Gateway(session, at.public)


async def test_a_heartbeat_is_passed_on_by_the_gateways_clock(
    gateway: Gateway, database: Database, servers: Servers
) -> None:
    signer = await kiosk_at(database)
    before = datetime.now(UTC)
    status, said = await gateway.signed(signer, {"queued": 3})
    assert (status, json.loads(said)["status"]) == (202, "heard")
    assert (await gateway.signed(signer, {}))[0] == 202
    first, second = [one for one in await told(servers) if one.device == signer.device]
    assert (first.queued, second.queued) == (3, None)
    assert before <= first.sent_at <= second.sent_at <= datetime.now(UTC)


@pytest.mark.usefixtures("gateway")
async def test_the_gateway_says_that_it_listens(servers: Servers) -> None:
    async def twice() -> bool:
        return [one.device for one in await told(servers)].count(GATEWAY) >= 2

    await eventually(twice, "the gateway's own signs of life")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"queued": -1}, "queued"),
        ({"queued": "many"}, "queued"),
        ({"queued": 10_000_001}, "queued"),
        ({"sent_at": "now"}, "sent_at"),
    ],
)
async def test_a_heartbeat_that_breaks_a_rule_is_refused_by_field(
    gateway: Gateway, database: Database, body: object, field: str
) -> None:
    status, said = await gateway.signed(await kiosk_at(database), body)
    problem = json.loads(said)
    assert (status, problem["type"]) == (422, "urn:langnghe:problem:invalid-heartbeat")
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_only_kiosks_that_sign_are_heard(
    gateway: Gateway, database: Database, servers: Servers
) -> None:
    headers = {"Content-Type": "application/json"}
    async with gateway.session.post(gateway.url + PATH, data=b"{}", headers=headers) as answer:
        assert answer.status == 401
    system = await enrolled(database)
    status, said = await gateway.signed(system, {"queued": 0})
    assert status == 403
    (error,) = json.loads(said)["errors"]
    assert error["field"] == "device"
    assert error["rule"].startswith("must be a kiosk")
    assert {one.device for one in await told(servers)} <= {GATEWAY}


async def test_heartbeats_are_limited_together_with_answers(
    gateway: Gateway, database: Database
) -> None:
    signer = await kiosk_at(database)
    for number in range(1, MOST + 1):
        body, path = ({}, PATH) if number % 2 else (answer_of(signer, number), "/v1/feedback")
        assert (await gateway.signed(signer, body, path))[0] == 202
    assert (await gateway.signed(signer, {}))[0] == 429


@pytest.mark.parametrize("batch", [False, True])
async def test_an_answer_is_a_sign_of_life_even_one_that_is_refused(
    gateway: Gateway, database: Database, servers: Servers, *, batch: bool
) -> None:
    signer = await kiosk_at(database)
    wrong = answer_of(signer, 1, channel="web")
    body, path = ([wrong], "/v1/feedback/batch") if batch else (wrong, "/v1/feedback")
    assert (await gateway.signed(signer, body, path))[0] in {207, 403}

    async def heard() -> bool:
        return signer.device in [one.device for one in await told(servers)]

    await eventually(heard, "the kiosk was heard")


async def test_what_a_kiosk_signs_in_a_minute_is_told_once_and_before_the_gateways_own(
    servers: Servers, database: Database
) -> None:
    kiosk, other = await kiosk_at(database), await kiosk_at(database)
    system = await enrolled(database)
    devices = {device.id: device for device in await read_devices(database)}
    producer = Producer(servers.kafka_url, "gateway")
    presence = Presence(producer, settings_of(servers), lambda: NOW)
    for signer in (kiosk, kiosk, system, other, kiosk):
        presence.seen(devices[signer.device])
    with pytest.raises(KafkaUnavailableError):
        await presence.tell()
    await producer.start()
    try:
        await producer.connected()
        await presence.tell()
        await presence.tell()
    finally:
        await producer.stop()
    names = [one.device for one in await told(servers)]
    assert sorted(names[:2]) == sorted([kiosk.device, other.device]), "kept while Kafka was away"
    assert names[2:] == [GATEWAY, GATEWAY]


async def test_without_kafka_a_kiosk_is_told_to_come_back(
    servers: Servers, database: Database
) -> None:
    await load_small_registry(database)
    signer = await kiosk_at(database)
    settings = settings_of(servers, f"127.0.0.1:{ports.choose()}")
    async with serving(main.build(settings).public) as url, aiohttp.ClientSession() as session:
        status, said = await Gateway(session, url).signed(signer, {"queued": 1})
    assert (status, json.loads(said)["type"]) == (503, "urn:langnghe:problem:unavailable")


async def test_the_client_beats(
    gateway: Gateway, database: Database, servers: Servers, tmp_path: Path
) -> None:
    kiosk = Kiosk(tmp_path, gateway.url, gateway.session)
    code = await invite(
        database,
        kind=DeviceKind.KIOSK,
        scope=f"unit:{UNIT}",
        name="Quầy 1",
        valid_for=timedelta(hours=1),
        actor=TESTER,
        now=datetime.now(UTC),
    )
    device = await kiosk.enrol(code)
    kiosk.keep(answer_of(Signer(device, kiosk._key), 1))
    assert await kiosk.beat()
    (heard,) = [one for one in await told(servers) if one.device == device]
    assert heard.queued == 1
    away = Kiosk(tmp_path, f"http://127.0.0.1:{ports.choose()}", gateway.session)
    assert not await away.beat()
