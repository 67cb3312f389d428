"""Ingest on real servers: what counts is published once, in order; the rest has a reason."""

import json
from datetime import timedelta
from typing import Any

import pytest

from schemas.base import read
from schemas.collections import QUARANTINE, RESPONSES
from schemas.feedback import FeedbackAccepted, FeedbackQuarantined
from schemas.registry import EntryKind
from schemas.topics import FEEDBACK_ACCEPTED, FEEDBACK_QUARANTINED
from services.gateway.registry.store import write
from services.ingest.batch import Ingest
from services.runtime.database import Database
from tests.builders import (
    ABOVE,
    NOW,
    OTHER_UNIT,
    UNIT,
    entry,
    record,
    records,
    response,
    submitted,
)
from tests.servers import Servers, published

PARTITION = 2


async def accepted(servers: Servers) -> list[FeedbackAccepted]:
    found = await published(servers, FEEDBACK_ACCEPTED.name, PARTITION)
    return [read(FeedbackAccepted, r.value or b"") for r in found]


async def test_accepted_responses_are_stored_and_published_in_order(
    ingest: Ingest, servers: Servers, database: Database
) -> None:
    responses = [submitted(comment="Gọi 0912345678" if n == 3 else None) for n in range(50)]
    await ingest.handle(PARTITION, records(responses, first=100, partition=PARTITION))
    out = await accepted(servers)
    assert [event.source.offset for event in out] == list(range(100, 150))
    assert [event.id for event in out] == [r.id for r in responses]
    assert out[0].above == ABOVE
    stored = await database[RESPONSES].find_one({"_id": responses[3].id})
    assert stored is not None
    assert stored["comment"] == "Gọi [số]"
    assert stored["source"] == {"partition": PARTITION, "offset": 103}
    assert stored["occurred_at"] == NOW


async def test_headers_and_keys_are_those_of_the_contract(ingest: Ingest, servers: Servers) -> None:
    event = submitted()
    await ingest.handle(PARTITION, [record(event, 0, partition=PARTITION)])
    (out,) = await published(servers, FEEDBACK_ACCEPTED.name, PARTITION)
    assert out.key == UNIT.encode()
    headers = dict(out.headers)
    assert headers["ce_type"] == b"vn.langnghe.feedback.accepted.v1"
    assert headers["ce_source"] == b"/langnghe/ingest"
    assert headers["ce_id"] == str(event.id).encode()


async def test_a_redelivered_batch_is_published_again_with_the_same_source(
    ingest: Ingest, servers: Servers, database: Database
) -> None:
    responses = [submitted() for _ in range(5)]
    batch = records(responses, partition=PARTITION)
    await ingest.handle(PARTITION, batch)
    # As after a crash before the commit, with other batch boundaries.
    await ingest.handle(PARTITION, batch[1:4])
    out = [event.source.offset for event in await accepted(servers)]
    assert out == [0, 1, 2, 3, 4, 1, 2, 3]
    assert await database[RESPONSES].count_documents({}) == 5
    assert await database[RESPONSES].count_documents({"copies": {"$exists": True}}) == 0


async def test_the_same_event_sent_twice_counts_once_and_leaves_a_trace(
    ingest: Ingest, servers: Servers, database: Database
) -> None:
    first = submitted()
    again = first.model_copy(update={"received_at": NOW + timedelta(seconds=5)})
    await ingest.handle(PARTITION, records([first, again, submitted()], partition=PARTITION))
    await ingest.handle(PARTITION, [record(again, 9, partition=PARTITION)])
    assert [event.source.offset for event in await accepted(servers)] == [0, 2]
    stored = await database[RESPONSES].find_one({"_id": first.id})
    assert stored is not None
    assert stored["copies"] == [
        {"partition": PARTITION, "offset": 1},
        {"partition": PARTITION, "offset": 9},
    ]


async def test_an_id_used_for_other_content_is_set_aside(
    ingest: Ingest, servers: Servers, database: Database
) -> None:
    first = submitted()
    clone = submitted(id=str(first.id), answers={"overall": 1})
    await ingest.handle(PARTITION, records([first, clone], partition=PARTITION))
    assert len(await accepted(servers)) == 1
    kept = await database[QUARANTINE].find_one({"reason": "id_reused"})
    assert kept is not None
    assert kept["_id"].endswith(f"/{PARTITION}/1")


_ANY_ID = "019aa000-0000-7000-8000-000000000001"
"""Not a new one: cases have the same names in all processes that share the tests."""

WRONG: list[tuple[str, Any, str]] = [
    ("malformed", b'{"id": ', "body"),
    ("malformed", None, "body"),
    ("malformed", b"\xff\xfe", "body"),
    ("malformed", json.dumps(response(id=_ANY_ID)).encode(), "received_at"),
    ("unknown_instrument", {"instrument": "nobody_knows"}, "instrument"),
    ("unknown_instrument", {"instrument_version": 99}, "instrument"),
    ("foreign_item", {"answers": {"overall": 5, "mood": 5}}, "answers"),
    ("missing_overall", {"instrument": "service", "answers": {"access": 5}}, "answers"),
    ("unknown_unit", {"unit": "000.00.99.H99"}, "unit"),
    ("unit_not_in_force", {"unit": "000.00.21.H26"}, "unit"),
    ("unknown_field", {"field": "nobody-knows"}, "field"),
    ("late", {"occurred_at": (NOW - timedelta(days=7, seconds=1)).isoformat()}, "occurred_at"),
    ("late", {"occurred_at": (NOW - timedelta(days=365)).isoformat()}, "occurred_at"),
    ("future", {"occurred_at": (NOW + timedelta(minutes=6)).isoformat()}, "occurred_at"),
    # No local day holds these two; each stopped its partition for good.
    ("future", {"occurred_at": "9999-12-31T23:30:00Z"}, "occurred_at"),
    ("late", {"occurred_at": "0001-01-01T00:00:00+07:00"}, "occurred_at"),
]


@pytest.mark.parametrize(("reason", "wrong", "field"), WRONG, ids=lambda v: str(v)[:40])
async def test_what_breaks_a_rule_is_set_aside_alone_with_its_reason(
    ingest: Ingest, servers: Servers, database: Database, reason: str, wrong: Any, field: str
) -> None:
    value = submitted(**wrong) if isinstance(wrong, dict) else wrong
    good = [submitted(), submitted()]
    batch = [
        record(good[0], 0, partition=PARTITION),
        record(value, 1, partition=PARTITION),
        record(good[1], 2, partition=PARTITION),
    ]
    await ingest.handle(PARTITION, batch)
    await ingest.handle(PARTITION, batch)
    assert {event.id for event in await accepted(servers)} == {r.id for r in good}
    (kept,) = await database[QUARANTINE].find({}).to_list(None)
    assert kept["reason"] == reason
    assert kept["violations"][0]["field"] == field
    assert kept["value"] == batch[1].value
    out = await published(servers, FEEDBACK_QUARANTINED.name, 0)
    event = read(FeedbackQuarantined, out[0].value or b"")
    assert (event.reason, event.id) == (reason, kept["_id"])


@pytest.mark.parametrize(
    "fine",
    [
        {"occurred_at": (NOW - timedelta(days=6, hours=23)).isoformat()},
        {"occurred_at": (NOW + timedelta(minutes=4)).isoformat()},
        {"occurred_at": (NOW - timedelta(days=365)).isoformat(), "channel": "import"},
        {"field": "ho-tich", "procedure": "1.011442"},
        {"instrument": "service", "answers": {"overall": 3, "access": 2}},
        {"unit": OTHER_UNIT},
    ],
    ids=str,
)
async def test_what_keeps_the_rules_counts(
    ingest: Ingest, servers: Servers, fine: dict[str, Any]
) -> None:
    await ingest.handle(PARTITION, [record(submitted(**fine), 0, partition=PARTITION)])
    assert len(await accepted(servers)) == 1


async def test_a_unit_registered_just_now_is_known_without_a_restart(
    ingest: Ingest, servers: Servers, database: Database
) -> None:
    await write(database, [entry(EntryKind.UNIT, "000.00.77.H26", "province:01")])
    event = submitted(unit="000.00.77.H26")
    await ingest.handle(PARTITION, [record(event, 0, partition=PARTITION)])
    assert len(await accepted(servers)) == 1
