"""Citizens without a device: with a token one vote, without one an answer that is kept apart."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from method.period import local_day
from schemas.base import read
from schemas.collections import BUCKETS, INDICES, QUARANTINE, RESPONSES
from schemas.feedback import FeedbackSubmitted, Stage
from schemas.topics import FEEDBACK_SUBMITTED
from services.gateway.intake.tokens import digest, issue, open_token, seal
from services.gateway.main import build
from services.gateway.settings import GatewaySettings
from services.ingest.main import build as build_ingest
from services.ingest.settings import IngestSettings
from services.ingest.spent import SPENT, cut_links
from services.runtime.database import Database
from services.scoring.main import ScoringSettings
from services.scoring.main import build as build_scoring
from tests.builders import OTHER_UNIT, UNIT, load_small_registry, response
from tests.integration.test_commands import langnghe
from tests.servers import DATABASE, Servers, eventually, published
from tests.serving import serving, serving_gateway

KEY = "a key of tokens, for tests, 32 or more"
Answer = tuple[int, dict[str, Any]]


class Web:
    """A citizen's browser."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def post(self, body: object) -> Answer:
        url = f"{self._url}/v1/feedback"
        async with self._session.post(url, json=body) as answer:
            return answer.status, await answer.json(content_type=None)


@pytest_asyncio.fixture
async def web(servers: Servers, database: Database) -> AsyncIterator[Web]:
    await load_small_registry(database)
    settings = GatewaySettings(
        KAFKA_URL=servers.kafka_url,
        MONGO_URL=servers.mongo_url,
        database=DATABASE,
        token_key=KEY,
        anonymous_per_minute=30,
    )
    async with serving_gateway(build(settings)) as at, aiohttp.ClientSession() as session:
        yield Web(session, at.public)


@asynccontextmanager
async def ingesting(servers: Servers) -> AsyncIterator[None]:
    settings = IngestSettings(
        KAFKA_URL=servers.kafka_url, MONGO_URL=servers.mongo_url, database=DATABASE
    )
    async with serving(build_ingest(settings).app()):
        yield


def said(**changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    return response(**{"device": "web", "channel": "qr", "occurred_at": now, **changes})


def open_answer(level: int = 5, **changes: Any) -> dict[str, Any]:
    return said(instrument="open", answers={"open_overall": level}, **changes)


def token(unit: str = UNIT, stage: Stage = Stage.RESULT, days: int = 1) -> str:
    good_until = local_day(datetime.now(UTC)) + timedelta(days=days)
    return seal(issue(unit, stage, good_until), KEY.encode())


async def test_a_token_votes_once_and_leaves_no_link(
    web: Web, servers: Servers, database: Database
) -> None:
    mine = token()
    first = said(dossier_token=mine)
    assert (await web.post(first))[0] == 202
    assert (await web.post(first))[0] == 202, "its answer was lost and it is sent again"
    assert (await web.post(said(dossier_token=mine)))[0] == 202
    assert (await web.post(said(dossier_token=token())))[0] == 202
    records = [
        record
        for partition in range(FEEDBACK_SUBMITTED.partitions)
        for record in await published(servers, FEEDBACK_SUBMITTED.name, partition)
    ]
    spent = digest(open_token(mine, KEY.encode(), local_day(datetime.now(UTC))))
    assert [read(FeedbackSubmitted, r.value or b"").dossier_token for r in records].count(
        spent
    ) == 3
    assert all(mine.encode() not in (record.value or b"") for record in records)
    async with ingesting(servers):

        async def dealt_with() -> bool:
            stored = await database[RESPONSES].count_documents({})
            return (stored, await database[QUARANTINE].count_documents({})) == (2, 1)

        await eventually(dealt_with, "two votes are stored, the second of one token is not")
    aside = await database[QUARANTINE].find_one({})
    assert aside is not None
    assert aside["reason"] == "token_used"
    documents = [d async for d in database[RESPONSES].find({})]
    assert "copies" in next(d for d in documents if str(d["_id"]) == first["id"])
    assert not any("dossier_token" in document for document in documents)

    async def linked() -> int:
        return await database[SPENT].count_documents({"response": {"$exists": True}})

    now = datetime.now(UTC)
    await cut_links(database, now + timedelta(days=14))
    assert await linked() == 2, "Kafka may still deliver it again"
    await cut_links(database, now + timedelta(days=16))
    assert await linked() == 0
    assert await database[SPENT].count_documents({}) == 2, "a spent token stays spent"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (said(dossier_token="A" * 58), ["dossier_token"]),
        (said(dossier_token=token(days=-1)), ["dossier_token"]),
        (said(dossier_token=token(OTHER_UNIT)), ["unit"]),
        (said(dossier_token=token(stage=Stage.RECEIPT)), ["stage"]),
        (said(dossier_token=token(), sequence=1), ["sequence"]),
        (said(), ["instrument"]),
        (open_answer(unit="000.00.99.H99"), ["unit"]),
        (open_answer(unit="000.00.21.H26"), ["unit"]),
        (open_answer(channel="kiosk"), ["channel"]),
        (open_answer(device="d-somebody"), ["device"]),
        (response(), ["device", "channel", "instrument"]),
    ],
)
async def test_what_nobody_may_hand_in_is_refused(
    web: Web, servers: Servers, body: dict[str, Any], fields: list[str]
) -> None:
    status, problem = await web.post(body)
    assert (status, [error["field"] for error in problem["errors"]]) == (403, fields)
    assert all(error["rule"] for error in problem["errors"])
    assert "A" * 58 not in json.dumps(problem)
    for partition in range(FEEDBACK_SUBMITTED.partitions):
        assert await published(servers, FEEDBACK_SUBMITTED.name, partition) == []


async def test_open_answers_are_limited_by_address(web: Web) -> None:
    statuses = [(await web.post(open_answer()))[0] for _ in range(40)]
    assert statuses[:30] == [202] * 30
    assert 429 in statuses[30:]


async def test_open_answers_are_shown_apart_and_never_in_the_index(
    web: Web, servers: Servers, database: Database
) -> None:
    for _ in range(12):
        assert (await web.post(open_answer(1)))[0] == 202
    for _ in range(12):
        assert (await web.post(said(dossier_token=token())))[0] == 202
    settings = ScoringSettings(
        KAFKA_URL=servers.kafka_url, MONGO_URL=servers.mongo_url, database=DATABASE
    )
    async with ingesting(servers), serving(build_scoring(settings).app()):

        async def scored() -> bool:
            found = await database[INDICES].find_one({"_id": "country|open_overall"})
            return bool(found and found["windows"]["24h"]["current"]["n"] == 12)

        await eventually(scored, "the open answers are scored as an item of their own")

        async def headline() -> bool:
            found = await database[INDICES].find_one({"_id": "country|overall"})
            figure = found["windows"]["24h"]["current"] if found else {}
            return (figure.get("n"), figure.get("index")) == (12, 100.0)

        await eventually(headline, "the index holds the votes by token alone")
    assert await database[BUCKETS].distinct("item") == ["open_overall", "overall"]


async def test_tokens_come_from_the_command_line(
    web: Web, servers: Servers, database: Database
) -> None:
    environment = {**servers.environment(), "LANGNGHE_TOKEN_KEY": KEY}
    issue_them = ("tokens", "issue", "--unit", UNIT, "--stage", "result", "--count", "3")
    printed = await langnghe(*issue_them, **environment)
    lines = printed.out.split()
    assert len(set(lines)) == 3
    for line in lines:
        assert (await web.post(said(dossier_token=line)))[0] == 202
    assert (await langnghe(*issue_them, **servers.environment())).code == 2
    elsewhere = ("tokens", "issue", "--unit", "000.00.99.H99", "--stage", "result")
    assert (await langnghe(*elsewhere, **environment)).code == 2
    entry = await database["gateway.audit"].find_one({"action": "token.issue"})
    assert entry is not None
    assert (entry["about"], entry["details"]["count"]) == (f"unit:{UNIT}", "3")
    assert not any(line in json.dumps(entry, default=str) for line in lines)
