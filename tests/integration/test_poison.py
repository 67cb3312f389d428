"""One record that breaks our code, MongoDB or Kafka never takes others with it, nor is it lost."""

import json
import logging
from dataclasses import replace
from pkgutil import resolve_name
from typing import Any
from unittest import mock

import pytest
from pymongo import GEOSPHERE

from method.counted import Exclusion
from schemas.base import read
from schemas.collections import BUCKETS, QUARANTINE, RESPONSES
from schemas.feedback import FeedbackAccepted, FeedbackQuarantined, Violation
from schemas.registry import Registry
from schemas.topics import FEEDBACK_ACCEPTED, FEEDBACK_QUARANTINED
from services.ingest.batch import Ingest
from services.ingest.reading import Rejection
from services.runtime.consumer import HaltError
from services.runtime.database import Database, DatabaseError, Document
from services.runtime.producer import KafkaUnavailableError, Producer
from services.scoring.counting import Sums
from services.scoring.ledger import Ledger
from services.scoring.reading import Answer
from services.scoring.storage import UNREADABLE
from tests.builders import (
    ABOVE,
    OTHER_UNIT,
    accepted,
    record,
    records,
    submitted,
)
from tests.servers import Servers, published, taking_only

PARTITION = 2
SECRET = "Nguyễn Thị Bé, 0912345678"


async def counted(servers: Servers) -> list[int]:
    found = await published(servers, FEEDBACK_ACCEPTED.name, PARTITION)
    return [read(FeedbackAccepted, r.value or b"").source.offset for r in found]


async def aside(database: Database) -> list[Document]:
    return await database[QUARANTINE].find({}).to_list(None)


def raising(place: str) -> Any:
    """Our code at a place, with a fault that shows with one unit only and talks too much."""
    holder, _, name = place.rpartition(".")
    target = resolve_name(holder)
    real = getattr(target, name)

    def faulty(*given: Any) -> Any:
        if any(OTHER_UNIT in str(one) for one in given):
            raise ZeroDivisionError(SECRET)
        return real(*given)

    return mock.patch.object(target, name, faulty)


FAULTS = (
    "services.ingest.examining.read_response",
    "services.ingest.examining.judge",
    "schemas.registry.Registry.above",
    "services.ingest.responses.encoded",
    "services.ingest.examining.accepted",
)


@pytest.mark.parametrize("place", FAULTS)
async def test_whatever_our_code_raises_sets_that_record_aside_alone(
    ingest: Ingest,
    servers: Servers,
    database: Database,
    caplog: pytest.LogCaptureFixture,
    place: str,
) -> None:
    batch = records([submitted(), submitted(unit=OTHER_UNIT), submitted()], partition=PARTITION)
    caplog.set_level(logging.DEBUG)
    with raising(place):
        await ingest.handle(PARTITION, batch)
    assert await counted(servers) == [0, 2]
    assert await database[RESPONSES].count_documents({}) == 2
    (kept,) = await aside(database)
    assert kept["reason"] == Exclusion.ERROR.value
    assert kept["value"] == batch[1].value
    rule = kept["violations"][0]["rule"]
    assert "ZeroDivisionError at services/ingest/" in rule
    (out,) = await published(servers, FEEDBACK_QUARANTINED.name, 0)
    assert read(FeedbackQuarantined, out.value or b"").reason == "error"
    for text in (rule, (out.value or b"").decode(), caplog.text):
        assert SECRET not in text
        assert "Nguyễn" not in text
    assert f"{kept['_id']} is set aside: {rule}" in caplog.text
    # Mended code keeps the first verdict of a record that is read again.
    await ingest.handle(PARTITION, batch)
    assert await counted(servers) == [0, 2, 0, 2]
    assert len(await aside(database)) == 1


async def test_an_event_larger_than_a_batch_of_kafka_is_set_aside_before_it_is_stored(
    ingest: Ingest, servers: Servers, database: Database
) -> None:
    many = [f"commune:{n:05d}" for n in range(40_000)]

    def above(_: Registry, key: str, __: object) -> list[str]:
        return many if OTHER_UNIT in key else ABOVE

    with mock.patch.object(Registry, "above", above):
        events = [submitted(), submitted(unit=OTHER_UNIT), submitted()]
        await ingest.handle(PARTITION, records(events, partition=PARTITION))
    assert await counted(servers) == [0, 2]
    assert await database[RESPONSES].count_documents({}) == 2
    (kept,) = await aside(database)
    assert "EventTooLargeError" in kept["violations"][0]["rule"]


async def test_a_record_that_breaks_a_hundred_thousand_rules_tells_of_some_and_quotes_nothing(
    ingest: Ingest, servers: Servers, database: Database
) -> None:
    value = json.loads(submitted().to_json())
    value["answers"] = {f"{SECRET} {n}": 9 for n in range(15_000)}
    bad = json.dumps(value).encode()
    batch = [record(submitted(), 0, partition=PARTITION), record(bad, 1, partition=PARTITION)]
    await ingest.handle(PARTITION, batch)
    assert await counted(servers) == [0]
    (kept,) = await aside(database)
    assert kept["violations"][0]["field"] == "answers.…"
    assert kept["violations"][-1]["rule"] == "29980 more rules are broken"
    (out,) = await published(servers, FEEDBACK_QUARANTINED.name, 0)
    assert len(out.value or b"") < 10_000
    assert "Nguyễn" not in (out.value or b"").decode()


async def test_a_document_that_mongodb_cannot_take_is_set_aside_alone(
    ingest: Ingest, servers: Servers, database: Database
) -> None:
    batch = records([submitted(), submitted(unit=OTHER_UNIT), submitted()], partition=PARTITION)
    with taking_only(servers.mongo_url, RESPONSES, {"unit": {"$ne": OTHER_UNIT}}):
        await ingest.handle(PARTITION, batch)
    assert await counted(servers) == [0, 2]
    (kept,) = await aside(database)
    assert kept["reason"] == "error"
    assert "121 DocumentValidationFailure" in kept["violations"][0]["rule"]
    await ingest.handle(PARTITION, batch)
    assert await counted(servers) == [0, 2, 0, 2]


async def test_what_may_be_the_servers_fault_makes_the_batch_wait_and_quotes_nothing(
    ingest: Ingest, servers: Servers, database: Database
) -> None:
    batch = records([submitted(comment="một lời nhắn")], partition=PARTITION)
    # A code that the table of `writing` does not hold.
    index = await database[RESPONSES].create_index([("comment", GEOSPHERE)])
    try:
        with pytest.raises(DatabaseError) as caught:
            await ingest.handle(PARTITION, batch)
    finally:
        await database[RESPONSES].drop_index(index)
    assert "16755" in str(caught.value)
    assert "lời" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert await aside(database) == []
    await ingest.handle(PARTITION, batch)
    assert await counted(servers) == [0]


async def stored_but_not_published(ingest: Ingest, value: Any) -> None:
    """As ingest dies between the two."""
    with (
        mock.patch.object(Producer, "send_in_order", side_effect=KafkaUnavailableError),
        pytest.raises(KafkaUnavailableError),
    ):
        await ingest.handle(PARTITION, [record(value, 7, partition=PARTITION)])


@pytest.mark.parametrize("place", FAULTS[1:3])
async def test_a_response_that_was_stored_is_published_though_our_code_fails_on_it_now(
    ingest: Ingest, servers: Servers, database: Database, place: str
) -> None:
    event = submitted(unit=OTHER_UNIT)
    await stored_but_not_published(ingest, event)
    with raising(place):
        await ingest.handle(PARTITION, [record(event, 7, partition=PARTITION)])
    (out,) = await published(servers, FEEDBACK_ACCEPTED.name, PARTITION)
    assert read(FeedbackAccepted, out.value or b"").above == ["province:01", "country"]
    assert await aside(database) == []


async def test_a_response_that_was_stored_and_cannot_be_read_now_waits_for_mended_code(
    ingest: Ingest, servers: Servers, database: Database
) -> None:
    event = submitted()
    await stored_but_not_published(ingest, event)
    batch = [record(event, 7, partition=PARTITION)]
    wrong = Rejection(Exclusion.MALFORMED, (Violation(field="body", rule="a new rule"),))
    with (
        mock.patch("services.ingest.examining.read_response", return_value=wrong),
        pytest.raises(HaltError, match="record 7 was stored"),
    ):
        await ingest.handle(PARTITION, batch)
    assert await aside(database) == []
    await ingest.handle(PARTITION, batch)
    assert await counted(servers) == [7]


async def total(database: Database) -> int:
    return sum([b["n5"] async for b in database[BUCKETS].find({})])


def of_ingest(value: bytes, offset: int) -> Any:
    return replace(record(value, offset), headers=(("ce_source", b"/langnghe/ingest"),))


async def test_scoring_stands_still_at_a_record_of_ingest_that_it_cannot_read(
    database: Database,
) -> None:
    """It holds an answer that was acknowledged: to pass over it would lose that."""
    batch = [record(accepted(0), 0), of_ingest(b'{"id": 1}', 1), record(accepted(2), 2)]
    ledger = Ledger(database)
    with pytest.raises(HaltError, match="t/0/1 is of ingest and cannot be read"):
        await ledger.handle(0, batch)
    assert await total(database) == 1
    assert await database[UNREADABLE].count_documents({}) == 0
    # With code that can read it.
    batch[1] = of_ingest(accepted(1).to_json(), 1)
    await ledger.handle(0, batch)
    assert await total(database) == 3


async def test_scoring_names_the_response_that_its_code_fails_on_and_counts_it_once_mended(
    database: Database,
) -> None:
    events = [accepted(0), accepted(1, unit=OTHER_UNIT), accepted(2)]
    ledger = Ledger(database)

    def faulty(self: Sums, answer: Answer) -> None:
        if answer.unit == OTHER_UNIT:
            raise ZeroDivisionError(SECRET)
        add(self, answer)

    add = Sums.add
    with mock.patch.object(Sums, "add", faulty), pytest.raises(HaltError) as caught:
        await ledger.handle(0, records(events))
    assert "source 0/1 cannot be counted: ZeroDivisionError" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert await total(database) == 1
    await ledger.handle(0, records(events))
    assert await total(database) == 3
