"""Traces on real servers: what a batch of many becomes, and that nothing is traced unless asked."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from deploy.local import ports
from schemas.base import Event
from schemas.registry import EntryKind
from schemas.topics import (
    FEEDBACK_ACCEPTED,
    FEEDBACK_SUBMITTED,
    INDEX_UPDATED,
    TOPICS,
    Topic,
)
from services.gateway.registry.store import write
from services.ingest import main as ingest
from services.ingest.settings import IngestSettings
from services.notify.storage import OUTBOX
from services.runtime.consumer import Records
from services.runtime.database import Database
from services.runtime.logs import JsonLines
from services.runtime.service import Service
from services.runtime.settings import Settings
from services.runtime.tracing import MOST_TRACES
from services.scoring import main as scoring
from tests.builders import (
    NOW,
    OTHER_UNIT,
    UNIT,
    accepted,
    entry,
    load_small_registry,
    response,
    submitted,
)
from tests.collector import Collector
from tests.devices import enrolled, named
from tests.post import Receivers
from tests.servers import DATABASE, Servers, eventually, published
from tests.stack import below_target
from tests.together import Moment, together

SECRET = "Nguyễn Văn An 0912345678"


def came(number: int, *, sampled: bool = True) -> str:
    """What a sender of ours would say: a trace and a span by a number."""
    return f"00-{number + 1:032x}-{number + 1:016x}-{'01' if sampled else '00'}"


def where(servers: Servers, traces: str) -> dict[str, str]:
    return {
        "KAFKA_URL": servers.kafka_url,
        "MONGO_URL": servers.mongo_url,
        "database": DATABASE,
        "traces": traces,
    }


async def put(
    servers: Servers, topic: Topic, events: Sequence[tuple[Event | bytes, str | None]]
) -> None:
    """Write events to partition 0 so that they are read at once, each with its `traceparent`.

    One of bytes is junk of somebody else, key and value alike.
    """
    producer = AIOKafkaProducer(bootstrap_servers=servers.kafka_url)
    await producer.start()
    batch = producer.create_batch()
    for event, traceparent in events:
        headers = [("ce_traceparent", traceparent.encode() if traceparent else None)]
        key = event if isinstance(event, bytes) else event.subject().encode()
        value = event if isinstance(event, bytes) else event.to_json()
        assert batch.append(key=key, value=value, timestamp=None, headers=headers)
    await (await producer.send_batch(batch, topic.name, partition=0))
    await producer.stop()


async def traces_by(servers: Servers, topic: Topic) -> list[tuple[str, str | None]]:
    """Keys and `traceparent` of all that a topic holds."""
    found: list[tuple[str, str | None]] = []
    for partition in range(topic.partitions):
        for record in await published(servers, topic.name, partition):
            header = dict(record.headers).get("ce_traceparent")
            found.append(((record.key or b"").decode(), header.decode() if header else None))
    return found


def exporters() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("Otel")]


@pytest_asyncio.fixture
async def collector() -> AsyncIterator[Collector]:
    collector = Collector()
    async with collector.listening():
        yield collector


@asynccontextmanager
async def running(
    service: Service, topic: Topic, servers: Servers, count: int
) -> AsyncIterator[None]:
    """A service until a topic holds so many records."""
    async with service.running():

        async def done() -> bool:
            return len(await traces_by(servers, topic)) >= count

        await eventually(done, f"{topic.name} holds {count} records")
        yield


async def test_each_answer_of_a_batch_goes_on_in_its_trace_and_the_newest_have_a_span(
    servers: Servers, database: Database, collector: Collector
) -> None:
    await load_small_registry(database)
    sent = [came(number) for number in range(MOST_TRACES + 8)]
    unsampled = came(1000, sampled=False)
    headers = [*sent, unsampled, SECRET, None]
    answers: list[tuple[Event | bytes, str | None]] = [(submitted(), header) for header in headers]
    await put(servers, FEEDBACK_SUBMITTED, answers)
    settings = IngestSettings.model_validate(where(servers, collector.url))
    service = ingest.build(settings, Moment(NOW))
    async with running(service, FEEDBACK_ACCEPTED, servers, len(answers)):
        assert exporters(), "spans are exported by a thread"
    assert not exporters()

    out = [traceparent for _, traceparent in await traces_by(servers, FEEDBACK_ACCEPTED)]
    assert out[:8] == sent[:8], "the oldest go on as they came"
    assert out[len(sent) :] == [unsampled, None, None]
    steps = {span.trace: span for span in collector.spans if span.name == "store"}
    expected = [
        f"00-{trace}-{steps[trace].id}-01" for trace in (one.split("-")[1] for one in sent[8:])
    ]
    assert out[8 : len(sent)] == expected
    assert {span.parent for span in steps.values()} == {one.split("-")[2] for one in sent[8:]}
    (batch,) = (span for span in collector.spans if span.name.startswith("process"))
    assert (batch.name, batch.parent) == ("process feedback.submitted.v1", "")
    assert batch.links == steps.keys()
    assert batch.attributes["records"] == len(answers)
    assert all(span.links == {batch.trace} for span in steps.values())
    assert SECRET.encode() not in collector.raw


async def test_a_refresh_shows_each_office_in_the_trace_of_its_own_answer(
    servers: Servers, collector: Collector
) -> None:
    await put(
        servers,
        FEEDBACK_ACCEPTED,
        [
            (accepted(0, unit=UNIT), came(1)),
            (accepted(1, unit=UNIT), came(2)),
            (accepted(2, unit=OTHER_UNIT), came(3)),
            (b"\xff\xfe", came(3)),
        ],
    )
    settings = scoring.ScoringSettings.model_validate(where(servers, collector.url))
    async with running(scoring.build(settings, Moment(NOW)), INDEX_UPDATED, servers, 3):
        pass
    out = dict(await traces_by(servers, INDEX_UPDATED))
    (refresh,) = (span for span in collector.spans if span.name == "refresh")
    shown = {span.trace: span.id for span in collector.spans if span.name == "show"}
    of_unit, of_other = came(2).split("-")[1], came(3).split("-")[1]
    assert shown.keys() == refresh.links == {of_unit, of_other}
    assert out.pop(f"unit:{UNIT}") == f"00-{of_unit}-{shown[of_unit]}-01"
    assert out.pop(f"unit:{OTHER_UNIT}") == f"00-{of_other}-{shown[of_other]}-01"
    assert "country" in out
    assert {str(one)[:-3] for one in out.values()} == {f"00-{refresh.trace}-{refresh.id}"}


async def test_a_failed_batch_shows_in_its_trace_and_its_log_leads_there(
    servers: Servers, collector: Collector
) -> None:
    await put(servers, FEEDBACK_SUBMITTED, [(submitted(), came(1))])
    tries: list[int] = []

    async def handle(_partition: int, records: Records) -> None:
        tries.append(len(records))
        if len(tries) == 1:
            raise RuntimeError(SECRET)

    written = StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines("ingest"))
    logging.getLogger().addHandler(handler)
    try:
        settings = Settings.model_validate(where(servers, collector.url))
        service = Service("ingest", settings, Moment(NOW))
        service.consume(FEEDBACK_SUBMITTED, handle)
        async with service.running():

            async def again() -> bool:
                return len(tries) == 2

            await eventually(again, "the batch is tried again")
    finally:
        logging.getLogger().removeHandler(handler)
    first, second = collector.of_trace(came(1).split("-")[1])
    assert (first.failed, second.failed) == (True, False)
    assert first.attributes["error.type"] == "RuntimeError"
    assert SECRET.encode() not in collector.raw
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    (told,) = (line for line in lines if "are not done" in line["message"])
    assert (told["trace_id"], told["span_id"]) == (first.trace, first.id)


async def test_a_collector_that_is_away_holds_nothing_up(
    servers: Servers, caplog: pytest.LogCaptureFixture
) -> None:
    await put(servers, FEEDBACK_SUBMITTED, [(submitted(), came(1))])
    seen: list[int] = []

    async def handle(_partition: int, records: Records) -> None:
        seen.append(len(records))

    nowhere = f"http://127.0.0.1:{ports.choose()}/v1/traces"
    settings = Settings.model_validate(where(servers, nowhere))
    service = Service("ingest", settings, Moment(NOW))
    service.consume(FEEDBACK_SUBMITTED, handle)
    async with service.running():

        async def handled() -> bool:
            return seen == [1]

        await eventually(handled, "the record is dealt with")
    assert "Failed to export spans" in caplog.text


async def test_without_a_collector_nothing_is_traced(
    servers: Servers, database: Database, tmp_path: Path
) -> None:
    receivers = Receivers()
    runner = await receivers.start()
    await load_small_registry(database)
    hook = f"{receivers.url}/office"
    await write(database, [entry(EntryKind.UNIT, UNIT, "commune:00004", webhook=hook)])
    signer = await enrolled(database)
    rules = tmp_path / "rules.yaml"
    rules.write_text(below_target(for_="0s", keep_firing_for="1h"), encoding="utf-8")
    answers = [response(answers={"overall": 1}) for _ in range(30)]
    body = json.dumps(named(signer, answers)).encode()
    path = "/v1/feedback/batch"
    headers = signer.headers("POST", path, body) | {"traceparent": came(1)}
    async with together(servers, Moment(NOW), rules, ports.choose()) as gateway:
        async with (
            aiohttp.ClientSession() as session,
            session.post(gateway + path, data=body, headers=headers) as answer,
        ):
            assert answer.status == 202, await answer.text()

        async def told() -> bool:
            return receivers.told("office") == ["alert.firing"]

        await eventually(told, "the office is told")
        assert not exporters()
    await runner.cleanup()
    assert [got.traceparent for got in receivers.got] == [None]
    held = [one for topic in TOPICS for one in await traces_by(servers, topic)]
    assert len(held) > 60
    assert {traceparent for _, traceparent in held} == {None}
    kept = [one["traceparent"] async for one in database[OUTBOX].find({})]
    assert set(kept) == {None}


def test_a_process_without_a_collector_does_without_the_libraries_for_one() -> None:
    """They would be several megabytes in each of four services."""
    look = "import sys, services.gateway.main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", look], capture_output=True, check=True)  # noqa: S603  # our own words
    assert b"opentelemetry.trace" in loaded.stdout
    assert b"opentelemetry.exporter" not in loaded.stdout
