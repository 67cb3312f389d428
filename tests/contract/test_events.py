"""Strict where we produce, tolerant where we consume, and old messages stay readable."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from schemas.base import read
from schemas.cloudevents import headers
from schemas.export import ROOT, json_schema
from schemas.feedback import FeedbackSubmitted
from schemas.topics import FEEDBACK_SUBMITTED, TOPICS, Topic

GOLDEN = ROOT / "schemas" / "golden"
BY_TYPE = {topic.event.TYPE: topic for topic in TOPICS}
MESSAGES = sorted(GOLDEN.glob("*/*.json"))


def submitted(**changes: Any) -> dict[str, Any]:
    """A well-formed `feedback.submitted.v1` value, with changes."""
    return {
        "id": "019aa000-0000-7000-8000-000000000001",
        "unit": "000.00.19.H26",
        "device": "kiosk-1",
        "channel": "kiosk",
        "stage": "result",
        "occurred_at": "2026-11-22T09:00:00+07:00",
        "received_at": "2026-11-22T02:00:01Z",
        "instrument": "kiosk",
        "instrument_version": 1,
        "answers": {"overall": 5},
        "language": "vi",
        **changes,
    }


def parse(value: dict[str, Any]) -> FeedbackSubmitted:
    return read(FeedbackSubmitted, json.dumps(value).encode())


@pytest.mark.parametrize("path", MESSAGES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_golden_old_messages_are_read_by_todays_models(path: Path) -> None:
    topic = BY_TYPE[path.parent.name]
    event = read(topic.event, path.read_bytes())
    assert event.subject()
    assert read(topic.event, event.to_json()) == event


@pytest.mark.parametrize("topic", TOPICS, ids=lambda t: t.name)
def test_every_event_has_a_golden_message(topic: Topic) -> None:
    assert list((GOLDEN / topic.event.TYPE).glob("*.json"))


@pytest.mark.parametrize("path", MESSAGES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_what_we_send_obeys_the_exported_schema(path: Path) -> None:
    topic = BY_TYPE[path.parent.name]
    sent = json.loads(read(topic.event, path.read_bytes()).to_json())
    jsonschema.validate(sent, json_schema(topic.event))


def test_new_fields_are_ignored_when_read_and_refused_when_written() -> None:
    newer = submitted(mood="happy")
    assert parse(newer).unit == "000.00.19.H26"
    with pytest.raises(ValidationError, match="mood"):
        FeedbackSubmitted.model_validate_json(json.dumps(newer))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "019aa000-0000-4000-8000-000000000001"),
        ("unit", "H26"),
        ("channel", "fax"),
        ("stage", "later"),
        ("occurred_at", "2026-11-22T09:00:00"),
        ("occurred_at", "2026-02-31T09:00:00+07:00"),
        ("occurred_at", 1763776800),
        ("occurred_at", "yesterday"),
        ("answers", {"overall": 0}),
        ("answers", {"overall": 6}),
        ("answers", {"overall": 4.5}),
        ("answers", {"overall": "5"}),
        ("answers", {"overall": True}),
        ("answers", {}),
        ("comment", "x" * 1001),
        ("device", "a b"),
        ("procedure", "11442"),
        ("language", "Vietnamese"),
    ],
)
def test_bad_values_are_refused_by_field(field: str, value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        parse(submitted(**{field: value}))
    assert {error["loc"][0] for error in caught.value.errors()} == {field}


def test_errors_do_not_repeat_what_the_citizen_wrote() -> None:
    with pytest.raises(ValidationError) as caught:
        parse(submitted(comment="gọi 0912345678 " + "x" * 1000))
    assert "0912345678" not in str(caught.value)


def test_a_comment_is_masked_by_its_type() -> None:
    assert parse(submitted(comment="gọi 0912345678")).comment == "gọi [số]"


def test_headers_are_cloudevents_binary_mode() -> None:
    event = parse(submitted())
    got = dict(headers(FEEDBACK_SUBMITTED, event, "/langnghe/gateway"))
    assert got == {
        "ce_specversion": b"1.0",
        "ce_id": b"019aa000-0000-7000-8000-000000000001",
        "ce_source": b"/langnghe/gateway",
        "ce_type": b"vn.langnghe.feedback.submitted.v1",
    }
