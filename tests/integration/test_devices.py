"""Devices over real HTTP: enrolment, what a signature must be, what each may hand in."""

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client.keys import public_text
from client.kiosk import EnrolmentError, Kiosk
from client.signing import Signer
from schemas.base import read
from schemas.collections import QUARANTINE, RESPONSES
from schemas.device import DeviceKind
from schemas.feedback import FeedbackSubmitted
from schemas.topics import FEEDBACK_SUBMITTED
from services.gateway import audit
from services.gateway.devices.replays import Replays
from services.gateway.devices.store import InvitationError, enrol, invite, revoke
from services.gateway.main import build
from services.gateway.settings import GatewaySettings
from services.ingest.main import build as build_ingest
from services.ingest.settings import IngestSettings
from services.runtime.database import Database
from tests.builders import OTHER_UNIT, UNIT, load_small_registry, response
from tests.devices import TESTER, enrolled, named
from tests.integration.test_commands import langnghe
from tests.servers import DATABASE, Servers, eventually, published
from tests.serving import serving, serving_gateway

PATH = "/v1/feedback"
Answer = tuple[int, dict[str, Any]]


class Gateway:
    """A gateway that runs, with strict limits."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def post(self, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        async with self.session.post(self.url + path, data=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def signed(self, signer: Signer, body: object, path: str = PATH) -> Answer:
        data = json.dumps(body).encode()
        return await self.post(path, data, signer.headers("POST", path, data))

    async def enrol(self, **body: str) -> Answer:
        data = json.dumps(body).encode()
        return await self.post("/v1/devices", data, {"Content-Type": "application/json"})


@pytest_asyncio.fixture
async def gateway(servers: Servers, database: Database) -> AsyncIterator[Gateway]:
    await load_small_registry(database)
    settings = GatewaySettings(
        KAFKA_URL=servers.kafka_url,
        MONGO_URL=servers.mongo_url,
        database=DATABASE,
        kiosk_per_minute=20,
        enrolments_per_minute=20,
    )
    async with serving_gateway(build(settings)) as at, aiohttp.ClientSession() as session:
        yield Gateway(session, at.public)


async def kiosk_at(database: Database, unit: str = UNIT) -> Signer:
    return await enrolled(database, f"unit:{unit}", DeviceKind.KIOSK)


def answer_of(signer: Signer, number: int, **changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    whole = response(device=signer.device, sequence=number, occurred_at=now)
    return whole | changes


async def code_for(database: Database, *, hours: float = 1) -> str:
    return await invite(
        database,
        kind=DeviceKind.KIOSK,
        scope=f"unit:{UNIT}",
        name="Quầy 1",
        valid_for=timedelta(hours=hours),
        actor=TESTER,
        now=datetime.now(UTC),
    )


def new_key() -> str:
    return public_text(Ed25519PrivateKey.generate())


async def submitted(servers: Servers) -> list[FeedbackSubmitted]:
    return [
        read(FeedbackSubmitted, record.value or b"")
        for partition in range(FEEDBACK_SUBMITTED.partitions)
        for record in await published(servers, FEEDBACK_SUBMITTED.name, partition)
    ]


# Enrolment


async def test_a_code_enrols_one_device_once(gateway: Gateway, database: Database) -> None:
    code, key = await code_for(database), new_key()
    status, said = await gateway.enrol(code=code.lower().replace("-", " "), public_key=key)
    assert (status, said["kind"], said["scope"]) == (201, "kiosk", f"unit:{UNIT}")
    # The answer was lost and the kiosk asks again.
    assert await gateway.enrol(code=code, public_key=key) == (201, said)
    status, problem = await gateway.enrol(code=code, public_key=new_key())
    assert (status, problem["errors"][0]["field"]) == (403, "code")
    stored = json.dumps([d async for d in database["gateway.invitations"].find()], default=str)
    assert code not in stored
    assert code.replace("-", "") not in stored


async def test_of_two_that_use_one_code_at_once_one_comes_through(database: Database) -> None:
    code, now = await code_for(database), datetime.now(UTC)
    tries = [enrol(database, code, new_key(), now) for _ in range(8)]
    got = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, InvitationError) for one in got) == 7


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"code": "0000-0000-0000-0000"}, 403, "code"),
        ({"code": "short"}, 422, "code"),
        ({"public_key": "AAAA"}, 422, "public_key"),
        ({"public_key": "ä" * 43}, 422, "public_key"),
        ({"more": "x"}, 422, "more"),
    ],
)
async def test_a_wrong_enrolment_says_what_is_wrong(
    gateway: Gateway, database: Database, change: dict[str, str], status: int, field: str
) -> None:
    body = {"code": await code_for(database), "public_key": new_key()} | change
    got, problem = await gateway.enrol(**body)
    assert (got, problem["errors"][0]["field"]) == (status, field)


async def test_an_expired_code_enrols_nobody(gateway: Gateway, database: Database) -> None:
    code = await code_for(database, hours=-0.1)
    assert (await gateway.enrol(code=code, public_key=new_key()))[0] == 403


async def test_codes_cannot_be_guessed_fast(gateway: Gateway) -> None:
    tries = [await gateway.enrol(code="0" * 16, public_key=new_key()) for _ in range(25)]
    assert {status for status, _ in tries} == {403, 429}


# Signatures


async def test_a_signed_answer_is_taken(gateway: Gateway, database: Database) -> None:
    kiosk = await kiosk_at(database)
    status, said = await gateway.signed(kiosk, answer_of(kiosk, 1))
    assert status == 202, said


def _without(name: str) -> Callable[[dict[str, str], bytes], tuple[dict[str, str], bytes]]:
    return lambda headers, body: ({k: v for k, v in headers.items() if k != name}, body)


def _replace(name: str, old: str, new: str) -> Any:
    def change(headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
        assert old in headers[name]
        return {**headers, name: headers[name].replace(old, new)}, body

    return change


HARM: dict[str, Callable[[dict[str, str], bytes], tuple[dict[str, str], bytes]]] = {
    "no signature": lambda _, body: ({"Content-Type": "application/json"}, body),
    "no signature value": _without("Signature"),
    "no signature input": _without("Signature-Input"),
    "no digest": _without("Content-Digest"),
    "another body": lambda headers, body: (headers, body.replace(b'"overall": 5', b'"overall": 1')),
    "a digest of another body": lambda headers, body: (
        {**headers, "Content-Digest": "sha-256=:" + base64.b64encode(bytes(32)).decode() + ":"},
        body,
    ),
    "the path left out": _replace("Signature-Input", ' "@path"', ""),
    "the digest left out": _replace("Signature-Input", ' "content-digest"', ""),
    "another algorithm": _replace("Signature-Input", 'alg="ed25519"', 'alg="hmac-sha256"'),
    "another nonce": _replace("Signature-Input", 'nonce="', 'nonce="x'),
    "no tag": _replace("Signature-Input", ';tag="langnghe"', ""),
    "unknown key": _replace("Signature-Input", 'keyid="d-', 'keyid="d-0'),
    "not base64": lambda headers, body: ({**headers, "Signature": "sig=:!!!:"}, body),
    "no structured field": lambda headers, body: ({**headers, "Signature-Input": "((((("}, body),
    "an empty signature": lambda headers, body: ({**headers, "Signature": "sig=::"}, body),
    "two signatures": lambda headers, body: (
        {
            **headers,
            "Signature": f"{headers['Signature']}, b{headers['Signature']}",
            "Signature-Input": f"{headers['Signature-Input']}, b{headers['Signature-Input']}",
        },
        body,
    ),
}


@pytest.mark.parametrize("name", HARM)
async def test_a_harmed_signature_is_refused(
    gateway: Gateway, database: Database, servers: Servers, name: str
) -> None:
    kiosk = await kiosk_at(database)
    body = json.dumps(answer_of(kiosk, 1)).encode()
    headers, body = HARM[name](kiosk.headers("POST", PATH, body), body)
    status, problem = await gateway.post(PATH, body, headers)
    assert status == (403 if name == "no signature" else 401), problem
    assert problem["detail"]
    assert await submitted(servers) == []


async def test_a_signature_for_one_path_is_none_for_another(
    gateway: Gateway, database: Database
) -> None:
    system = await enrolled(database)
    body = json.dumps([named(system, response())]).encode()
    status, problem = await gateway.post(f"{PATH}/batch", body, system.headers("POST", PATH, body))
    assert (status, problem["type"]) == (401, "urn:langnghe:problem:signature-invalid")


@pytest.mark.parametrize("minutes", [-6, 6])
async def test_the_time_of_a_signature_is_minutes_from_now(
    gateway: Gateway, database: Database, minutes: int
) -> None:
    kiosk = await kiosk_at(database)
    body = json.dumps(answer_of(kiosk, 1)).encode()
    then = datetime.now(UTC) + timedelta(minutes=minutes)
    status, problem = await gateway.post(PATH, body, kiosk.headers("POST", PATH, body, then))
    assert (status, problem["type"]) == (401, "urn:langnghe:problem:signature-invalid")
    days_ago = (datetime.now(UTC) - timedelta(days=5)).isoformat()
    status, _ = await gateway.signed(kiosk, answer_of(kiosk, 1, occurred_at=days_ago))
    assert status == 202, "what is inside may be days old"


async def test_a_replayed_request_is_refused(
    gateway: Gateway, database: Database, servers: Servers
) -> None:
    kiosk = await kiosk_at(database)
    body = json.dumps(answer_of(kiosk, 1)).encode()
    headers = kiosk.headers("POST", PATH, body)
    assert (await gateway.post(PATH, body, headers))[0] == 202
    status, problem = await gateway.post(PATH, body, headers)
    assert (status, problem["type"]) == (401, "urn:langnghe:problem:signature-replayed")
    assert len(await submitted(servers)) == 1


async def test_a_revoked_device_is_heard_no_more(gateway: Gateway, database: Database) -> None:
    kiosk = await kiosk_at(database)
    assert (await gateway.signed(kiosk, answer_of(kiosk, 1)))[0] == 202
    await revoke(database, kiosk.device, "stolen", TESTER, datetime.now(UTC))

    async def refused() -> bool:
        status, problem = await gateway.signed(kiosk, answer_of(kiosk, 2))
        return (status, problem.get("type")) == (401, "urn:langnghe:problem:signature-revoked")

    await eventually(refused, "within seconds")
    assert (await audit.entries(database, None, 1))[0].action == "device.revoke"


async def test_a_kiosk_gone_wild_is_slowed_down(gateway: Gateway, database: Database) -> None:
    kiosk, other = await kiosk_at(database), await kiosk_at(database)
    said = [await gateway.signed(kiosk, answer_of(kiosk, n)) for n in range(1, 26)]
    assert [status for status, _ in said[:20]] == [202] * 20
    assert 429 in {status for status, _ in said[20:]}
    assert (await gateway.signed(other, answer_of(other, 1)))[0] == 202, "others are not"


# What each may hand in


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"unit": OTHER_UNIT}, "unit"),
        ({"device": "d-somebody-else"}, "device"),
        ({"channel": "web"}, "channel"),
        ({"sequence": None}, "sequence"),
    ],
)
async def test_a_kiosk_speaks_for_its_office_only(
    gateway: Gateway, database: Database, change: dict[str, Any], field: str
) -> None:
    kiosk = await kiosk_at(database)
    status, problem = await gateway.signed(kiosk, answer_of(kiosk, 1, **change))
    assert (status, [e["field"] for e in problem["errors"]]) == (403, [field])


async def test_a_system_speaks_for_the_offices_under_it(
    gateway: Gateway, database: Database
) -> None:
    system = await enrolled(database, "commune:00004")
    below, beside = named(system, response()), named(system, response(unit=OTHER_UNIT))
    status, said = await gateway.signed(system, [below, beside], f"{PATH}/batch")
    assert (status, said["accepted"], said["refused"]) == (207, 1, 1)
    assert said["results"][1]["errors"] == [
        {"field": "unit", "rule": "must stand under commune:00004"}
    ]
    status, problem = await gateway.signed(system, response(device="d-somebody-else"))
    assert (status, problem["errors"][0]["field"]) == (403, "device")


# Copied keys


async def test_a_number_that_is_used_again_is_set_aside_and_shown(
    gateway: Gateway, database: Database, servers: Servers
) -> None:
    kiosk = await kiosk_at(database)
    first = answer_of(kiosk, 7)
    for body in (first, first, answer_of(kiosk, 7), answer_of(kiosk, 9)):
        assert (await gateway.signed(kiosk, body))[0] == 202
    settings = IngestSettings(
        KAFKA_URL=servers.kafka_url, MONGO_URL=servers.mongo_url, database=DATABASE
    )
    async with serving(build_ingest(settings).app()):

        async def dealt_with() -> bool:
            there = await database[RESPONSES].count_documents({"device": kiosk.device})
            return (there, await database[QUARANTINE].count_documents({})) == (2, 1)

        await eventually(dealt_with, "two are stored and one is set aside")
    aside = await database[QUARANTINE].find_one({})
    assert aside is not None
    assert (aside["reason"], aside["device"]) == ("sequence_reused", kiosk.device)
    stored = await database[RESPONSES].find_one({"sequence": 7})
    assert stored is not None
    assert str(stored["_id"]) == first["id"], "the first one counts"
    said = await langnghe("devices", "show", kiosk.device, "--json", **servers.environment())
    story = json.loads(said.out)
    assert (story["answers"], story["last_number"]) == (2, 9)
    assert (story["numbers_missing"], story["numbers_used_again"]) == (7, 1)


# The commands and the client


async def test_from_the_command_line_to_a_kiosk_that_sends(
    gateway: Gateway, database: Database, servers: Servers, tmp_path: Path
) -> None:
    environment = servers.environment()
    said = await langnghe("devices", "invite", f"unit:{UNIT}", "--name", "Quầy 3", **environment)
    code = said.out.strip()
    kiosk = Kiosk(tmp_path / "kiosk", gateway.url, gateway.session)
    with pytest.raises(EnrolmentError):
        await kiosk.enrol("0" * 16)
    device = await kiosk.enrol(code)
    kiosk.keep(answer_of(Signer(device, Ed25519PrivateKey.generate()), 0))
    # The power goes; another process finds key, name, number and queue.
    again = Kiosk(tmp_path / "kiosk", gateway.url, gateway.session)
    again.keep(answer_of(Signer(device, Ed25519PrivateKey.generate()), 0))
    away = Kiosk(tmp_path / "kiosk", "http://127.0.0.1:9", gateway.session)
    assert await away.send() == 2
    assert await again.send() == 0
    assert sorted(event.sequence or 0 for event in await submitted(servers)) == [1, 2]
    assert (tmp_path / "kiosk" / "key.pem").stat().st_mode & 0o077 == 0

    said = await langnghe("devices", "list", "--json", **environment)
    (shown,) = json.loads(said.out)
    assert (shown["device"], shown["name"], shown["revoked"]) == (device, "Quầy 3", None)
    assert (await langnghe("devices", "revoke", device, "--why", "sold", **environment)).code == 0
    assert (await langnghe("devices", "revoke", device, "--why", "sold", **environment)).code == 2
    actions = [entry.action for entry in await audit.entries(database, None, 10)]
    assert actions == ["device.revoke", "device.enrol", "device.invite"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("devices", "invite", "castle:1", "--name", "x"),
        ("devices", "invite", "province:01", "--name", "a kiosk of a whole province"),
        ("devices", "invite", "unit:000.00.99.H99", "--name", "x"),
        ("devices", "show", "d-nobody"),
    ],
    ids=" ".join,
)
async def test_a_wrong_call_says_so(
    servers: Servers, database: Database, arguments: tuple[str, ...]
) -> None:
    await load_small_registry(database)
    said = await langnghe(*arguments, **servers.environment())
    assert said.code == 2
    assert said.notes.strip()


def test_nonces_are_not_kept_for_good() -> None:
    replays, now = Replays(timedelta(minutes=10)), datetime(2026, 11, 22, tzinfo=UTC)
    nonce = secrets.token_urlsafe()
    assert replays.first_time("d", nonce, now)
    assert not replays.first_time("d", nonce, now + timedelta(minutes=10))
    assert replays.first_time("d", nonce, now + timedelta(minutes=30))
