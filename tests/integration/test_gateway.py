"""The gateway over real HTTP: what it takes, what it refuses and how it says so."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from openapi_spec_validator import validate as validate_openapi

from client.signing import Signer
from deploy.local import ports
from schemas.alert import AlertChanged, AlertState, Evidence, Severity
from schemas.base import read
from schemas.collections import ALERTS
from schemas.feedback import FeedbackSubmitted
from schemas.figure import NO_ANSWERS, Figure
from schemas.topics import FEEDBACK_SUBMITTED
from services.gateway.intake.feedback import EXAMPLE
from services.gateway.main import build
from services.gateway.published.live import REFRESH_SECONDS
from services.gateway.settings import GatewaySettings
from services.runtime.database import Database
from services.runtime.producer import Producer
from services.scoring.ledger import Ledger
from services.scoring.refresh import Refresh
from tests.builders import NOW, UNIT, accepted, load_small_registry, records, response
from tests.devices import enrolled, named
from tests.servers import DATABASE, Servers, eventually, published
from tests.serving import serving, serving_gateway

Answer = tuple[int, dict[str, Any]]


class Client:
    """A caller of one gateway."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, operations: str, signer: Signer
    ) -> None:
        self.session = session
        self.url = url
        self.operations = operations
        self.signer = signer

    async def get(self, path: str) -> Answer:
        return await self._get(self.url + path)

    async def ops(self, path: str) -> Answer:
        """What is at a path of the port for operations."""
        return await self._get(self.operations + path)

    async def _get(self, url: str) -> Answer:
        async with self.session.get(url) as answer:
            return answer.status, await answer.json(content_type=None)

    async def post(
        self, path: str, body: bytes | object, headers: dict[str, str] | None = None
    ) -> Answer:
        """Post as a partner system does, signed; bytes and headers as they are given."""
        data = body if isinstance(body, bytes) else json.dumps(named(self.signer, body)).encode()
        signed = self.signer.headers("POST", path, data) | (headers or {})
        async with self.session.post(self.url + path, data=data, headers=signed) as answer:
            assert answer.status < 400 or answer.content_type == "application/problem+json"
            return answer.status, await answer.json(content_type=None)


@asynccontextmanager
async def calling(settings: GatewaySettings, signer: Signer) -> AsyncIterator[Client]:
    sites = build(settings)
    async with (
        serving(sites.public) as url,
        serving(sites.operations) as operations,
        aiohttp.ClientSession() as session,
    ):
        yield Client(session, url, operations, signer)


@pytest_asyncio.fixture
async def gateway(servers: Servers, database: Database) -> AsyncIterator[Client]:
    await load_small_registry(database)
    settings = GatewaySettings(
        KAFKA_URL=servers.kafka_url, MONGO_URL=servers.mongo_url, database=DATABASE
    )
    signer = await enrolled(database)
    async with serving_gateway(build(settings)) as at, aiohttp.ClientSession() as session:
        yield Client(session, at.public, at.operations, signer)


async def submitted(servers: Servers) -> list[FeedbackSubmitted]:
    found = [
        record
        for partition in range(4)
        for record in await published(servers, FEEDBACK_SUBMITTED.name, partition)
    ]
    return [read(FeedbackSubmitted, record.value or b"") for record in found]


async def test_a_response_is_in_kafka_when_it_is_acknowledged(
    gateway: Client, servers: Servers
) -> None:
    body = response(comment="Gọi 0912 345 678", procedure="1.011442")
    status, answer = await gateway.post("/v1/feedback", body)
    assert status == 202
    assert answer["id"] == body["id"]
    (event,) = await submitted(servers)
    assert str(event.id) == body["id"]
    assert event.comment == "Gọi [số]"
    assert event.received_at.isoformat() == answer["received_at"].replace("Z", "+00:00")


REFUSED: list[tuple[str, Any, int, str]] = [
    ("half a JSON", b'{"id": "019aa', 400, "body"),
    ("no JSON", b"hello", 400, "body"),
    ("wrong encoding", b'{"id": "\xff\xfe"}', 400, "body"),
    ("a bare list", b"[1]", 422, "body"),
    ("level 0", response(answers={"overall": 0}), 422, "answers.overall"),
    ("level 6", response(answers={"overall": 6}), 422, "answers.overall"),
    ("level as text", response(answers={"overall": "5"}), 422, "answers.overall"),
    ("no zone", response(occurred_at="2026-11-22T09:00:00"), 422, "occurred_at"),
    ("31 February", response(occurred_at="2026-02-31T09:00:00+07:00"), 422, "occurred_at"),
    ("no unit", {k: v for k, v in response().items() if k != "unit"}, 422, "unit"),
    ("malformed unit", response(unit="H26"), 422, "unit"),
    ("id of version 4", response(id="f47ac10b-58cc-4372-a567-0e02b2c3d479"), 422, "id"),
    ("long comment", response(comment="x" * 1001), 422, "comment"),
    ("unknown field", response(commment="typo"), 422, "commment"),
    ("deep nesting", b"[" * 10_000 + b"]" * 10_000, 400, "body"),
    ("huge number", json.dumps(response()).replace("5}", "1e400}").encode(), 422, "answers"),
    ("received_at from outside", response(received_at=NOW.isoformat()), 422, "received_at"),
]


@pytest.mark.parametrize(
    ("body", "status", "field"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
async def test_bad_input_is_refused_with_field_and_rule(
    gateway: Client, servers: Servers, body: Any, status: int, field: str
) -> None:
    got, problem = await gateway.post("/v1/feedback", body)
    assert got == status == problem["status"], problem
    assert problem["type"].startswith("urn:langnghe:problem:")
    assert problem["title"]
    assert problem["title_vi"]
    assert [e for e in problem["errors"] if e["field"].startswith(field) and e["rule"]], problem
    assert await submitted(servers) == []


async def test_problems_do_not_repeat_what_was_sent(gateway: Client) -> None:
    body = response(comment="gọi 0912345678 " + "x" * 1000)
    _, problem = await gateway.post("/v1/feedback", body)
    assert "0912345678" not in json.dumps(problem)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"{}", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (
            gzip.compress(b" " * 50_000_000),
            {"content-encoding": "gzip"},
            415,
        ),
        (json.dumps(response(comment="x" * 1_000_000)).encode(), {}, 413),
    ],
    ids=["text", "form", "gzip bomb", "comment of 1 MB"],
)
async def test_the_wrong_kind_or_size_of_body_is_refused(
    gateway: Client, body: bytes, headers: dict[str, str], status: int
) -> None:
    got, problem = await gateway.post("/v1/feedback", body, headers)
    assert got == status == problem["status"]
    assert problem["detail"]


async def test_a_batch_is_judged_item_by_item(gateway: Client, servers: Servers) -> None:
    good, bad = response(), response(answers={"overall": 9})
    status, answer = await gateway.post("/v1/feedback/batch", [good, bad, 7, response()])
    assert status == 207
    assert (answer["accepted"], answer["refused"]) == (2, 2)
    assert [r["status"] for r in answer["results"]] == [
        "accepted",
        "refused",
        "refused",
        "accepted",
    ]
    assert answer["results"][1]["errors"][0]["field"] == "answers.overall"
    assert answer["results"][1]["id"] == bad["id"]
    assert len(await submitted(servers)) == 2


@pytest.mark.parametrize("size", [0, 501])
async def test_a_batch_has_a_size(gateway: Client, size: int) -> None:
    status, problem = await gateway.post("/v1/feedback/batch", [response() for _ in range(size)])
    assert status == 422
    assert "1 to 500" in problem["detail"]


async def test_a_full_batch_is_taken(gateway: Client, servers: Servers) -> None:
    body = [response(comment="x" * 900) for _ in range(500)]
    status, answer = await gateway.post("/v1/feedback/batch", body)
    assert (status, answer["accepted"]) == (202, 500)
    assert {str(event.id) for event in await submitted(servers)} == {item["id"] for item in body}


async def test_without_kafka_kiosks_are_told_to_come_back_at_once(
    servers: Servers, database: Database
) -> None:
    await load_small_registry(database)
    settings = GatewaySettings(
        KAFKA_URL=f"127.0.0.1:{ports.choose()}", MONGO_URL=servers.mongo_url, database=DATABASE
    )
    async with calling(settings, await enrolled(database)) as client:
        body = json.dumps(named(client.signer, response())).encode()
        headers = client.signer.headers("POST", "/v1/feedback", body)
        url = f"{client.url}/v1/feedback"
        async with client.session.post(url, data=body, headers=headers) as answer:
            problem = await answer.json(content_type=None)
            assert answer.status == problem["status"] == 503
            assert answer.headers["Retry-After"] == "5"

        async def reads() -> bool:
            return (await client.get(f"/v1/indices/unit:{UNIT}"))[0] == 200

        await eventually(reads, "indices can be read without Kafka")
        assert (await client.ops("/health/live"))[0] == 200
        assert (await client.ops("/health/ready"))[0] == 503


async def test_without_mongodb_readers_and_senders_are_told_to_come_back(servers: Servers) -> None:
    """What is in the registry is not known then: nobody may hear that something is not in it."""
    settings = GatewaySettings(
        KAFKA_URL=servers.kafka_url,
        MONGO_URL=f"mongodb://127.0.0.1:{ports.choose()}/?directConnection=true",
        database=DATABASE,
    )
    nobody = Signer("d-nobody", Ed25519PrivateKey.generate())
    async with calling(settings, nobody) as client:
        known = ("/v1/alerts", "/v1/indices/country", "/v1/indices?parent=country")
        citizen = {"device": "web", "channel": "qr", "instrument": "open"}
        answer_of_one = response(**citizen, answers={"open_overall": 5})
        for method, path, body in (
            *(("GET", path, None) for path in (*known, f"/v1/indices/unit:{UNIT}")),
            ("POST", "/v1/feedback", answer_of_one),
        ):
            async with client.session.request(method, client.url + path, json=body) as answer:
                problem = await answer.json(content_type=None)
                assert (answer.status, problem["type"]) == (
                    503,
                    "urn:langnghe:problem:database-unavailable",
                ), path
                assert answer.headers["Retry-After"] == "5"
        assert (await client.ops("/health/ready"))[1]["checks"]["registry"] != "ok"


async def _score(servers: Servers, database: Database, levels: list[int], first: int) -> None:
    """Count some answers of UNIT and announce the indices, as scoring does."""
    producer = Producer(servers.kafka_url, "scoring")
    await producer.start()
    await producer.connected()
    try:
        ledger = Ledger(database)
        events = [
            accepted(first + n, level, field="ho-tich", occurred_at=NOW - timedelta(days=n % 3))
            for n, level in enumerate(levels)
        ]
        await ledger.handle(0, records(events, first=first))
        await Refresh(database, producer, ledger, lambda: {0}, lambda: NOW).run()
    finally:
        await producer.stop()


async def test_indices_are_served_with_interval_and_history(
    gateway: Client, servers: Servers, database: Database
) -> None:
    await _score(servers, database, [5, 4, 1, 5, 5, 3] * 10, 0)
    status, view = await gateway.get(f"/v1/indices/unit:{UNIT}?days=400")
    assert status == 200
    assert view["name"] == {"vi": f"Đơn vị {UNIT}", "en": f"Unit {UNIT}"}
    assert view["basis"] == "management_information"
    assert view["method"] == "rolling-1"
    week = view["windows"]["7d"]["current"]
    assert (week["n"], week["index"]) == (60, 66.67)
    assert week["low"] < week["index"] < week["high"]
    assert set(view["windows"]) == {"24h", "7d", "30d", "90d"}
    assert sum(day["figure"]["n"] for day in view["history"]) == 60
    assert [day["day"] for day in view["history"]] == sorted(day["day"] for day in view["history"])


async def test_lists_follow_the_registry_tree(
    gateway: Client, servers: Servers, database: Database
) -> None:
    await _score(servers, database, [5, 1] * 15, 0)

    async def scopes(query: str) -> dict[str, int]:
        _, view = await gateway.get(f"/v1/indices{query}")
        return {i["scope"]: i["windows"]["90d"]["current"]["n"] for i in view["indices"]}

    assert await scopes("") == {"field:ho-tich": 30, "ministry:G09": 0, "province:01": 30}
    assert await scopes("?parent=province:01") == {"commune:00004": 30, "unit:000.00.20.H26": 0}
    assert await scopes("?parent=province:01&kind=unit") == {
        f"unit:{UNIT}": 30,
        "unit:000.00.20.H26": 0,
    }


async def test_a_unit_without_answers_has_no_index_rather_than_zero(gateway: Client) -> None:
    _, view = await gateway.get("/v1/indices/unit:000.00.20.H26")
    assert view["version"] == 0
    assert view["windows"]["7d"]["current"]["index"] is None


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/indices/unit:000.00.99.H99", 404),
        ("/v1/indices?parent=province:99", 404),
        ("/v1/indices/nonsense", 422),
        ("/v1/indices?kind=castle", 422),
        (f"/v1/indices/unit:{UNIT}?days=0", 422),
        ("/v1/alerts?state=angry", 422),
        ("/v1/live?kind=castle", 422),
        ("/v1/live?offices_of=nonsense", 422),
        ("/nowhere", 404),
    ],
)
async def test_what_is_not_there_is_a_problem(gateway: Client, path: str, status: int) -> None:
    got, problem = await gateway.get(path)
    assert got == status == problem["status"]


@asynccontextmanager
async def _following(gateway: Client, query: str = "") -> AsyncIterator[set[str]]:
    """The scopes whose changes a page has been told of, while it follows them."""
    told: set[str] = set()
    async with gateway.session.get(f"{gateway.url}/v1/live{query}") as stream:
        assert stream.status == 200

        async def read() -> None:
            kind = ""
            async for raw in stream.content:
                name, _, value = raw.decode().strip().partition(": ")
                if name == "event":
                    kind = value
                elif name == "data" and kind == "index":
                    told.add(json.loads(value)["scope"])

        reading = asyncio.create_task(read())
        try:
            yield told
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def test_live_updates_reach_a_page(
    gateway: Client, servers: Servers, database: Database
) -> None:
    """All of them, or those that it asks for."""
    moving = {f"unit:{UNIT}", "commune:00004", "province:01", "field:ho-tich", "country"}
    async with (
        _following(gateway) as everything,
        _following(gateway, "?kind=country&kind=ministry&scope=commune:00004") as above,
        _following(gateway, "?offices_of=province:01") as offices,
        _following(gateway, "?offices_of=ministry:G09&kind=country") as elsewhere,
    ):
        await asyncio.sleep(0.5)  # a stream begins before its page is known
        await _score(servers, database, [5, 5, 1], 0)

        async def told() -> bool:
            return (everything, above, offices, elsewhere) == (
                moving,
                {"country", "commune:00004"},
                {f"unit:{UNIT}"},
                {"country"},
            )

        await eventually(told, "each page is told of what it asks for")
        await asyncio.sleep(2 * REFRESH_SECONDS)
        assert await told(), "and of nothing else"


async def test_alerts_are_served_with_names(gateway: Client, database: Database) -> None:
    nothing = Figure(n=0, counts=NO_ANSWERS)
    event = AlertChanged(
        alert="a/1",
        revision=2,
        rule="drop",
        kind="drop",
        severity=Severity.WARNING,
        scope=f"unit:{UNIT}",
        state=AlertState.FIRING,
        opened_at=NOW,
        changed_at=NOW,
        evidence=Evidence(window="7d", as_of=NOW, current=nothing, previous=nothing),
    )
    await database[ALERTS].insert_one(
        {
            "_id": "a/1",
            "rule": "drop",
            "scope": event.scope,
            "open": True,
            "state": "firing",
            "changed_at": NOW,
            "event": event.model_dump(mode="json"),
        }
    )
    _, answer = await gateway.get("/v1/alerts")
    assert answer["alerts"][0]["name"]["vi"] == f"Đơn vị {UNIT}"
    assert answer["alerts"][0]["alert"]["alert"] == "a/1"
    _, answer = await gateway.get("/v1/alerts?state=resolved")
    assert answer["alerts"] == []


async def test_the_openapi_document_is_valid_and_its_example_is_accepted(
    gateway: Client,
) -> None:
    _, document = await gateway.ops("/openapi.json")
    validate_openapi(document)
    assert {
        "/v1/feedback",
        "/v1/feedback/batch",
        "/v1/indices",
        "/v1/indices/{scope}",
        "/v1/alerts",
        "/v1/live",
    } <= document["paths"].keys()
    status, _ = await gateway.post("/v1/feedback", EXAMPLE)
    assert status == 202


async def test_pages_are_there_for_units_of_the_registry(gateway: Client) -> None:
    for path in ("/", f"/kiosk/{UNIT}"):
        async with gateway.session.get(gateway.url + path) as answer:
            assert answer.status == 200
            assert "<html" in await answer.text()
    assert (await gateway.get("/kiosk/000.00.99.H99"))[0] == 404
