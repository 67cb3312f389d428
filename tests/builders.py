"""Well-formed things with sensible values, for tests to vary."""

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from aiokafka import ConsumerRecord
from uuid_utils.compat import uuid7

from schemas.base import Event
from schemas.feedback import FeedbackAccepted, FeedbackSubmitted, SourcePosition
from schemas.registry import EntryKind, RegistryEntry
from services.gateway.registry.store import write
from services.runtime.database import Database

UNIT = "000.00.19.H26"
OTHER_UNIT = "000.00.20.H26"
ABOVE = ["commune:00004", "province:01", "country"]
NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
"""Noon in Vietnam, a Sunday."""


def response(**changes: Any) -> dict[str, Any]:
    """The JSON of a response, as a kiosk sends it."""
    return {
        "id": str(uuid7()),
        "unit": UNIT,
        "device": "kiosk-1",
        "channel": "kiosk",
        "stage": "result",
        "occurred_at": NOW.isoformat(),
        "instrument": "kiosk",
        "instrument_version": 1,
        "answers": {"overall": 5},
        "language": "vi",
        **changes,
    }


def submitted(**changes: Any) -> FeedbackSubmitted:
    """A response as the gateway passes it on."""
    value = response(**{"received_at": NOW.isoformat(), **changes})
    return FeedbackSubmitted.model_validate_json(json.dumps(value))


def accepted(offset: int, level: int = 5, **changes: Any) -> FeedbackAccepted:
    """A response as ingest passes it on."""
    values: dict[str, Any] = {
        "id": uuid7(),
        "unit": UNIT,
        "above": ABOVE,
        "channel": "kiosk",
        "stage": "result",
        "occurred_at": NOW,
        "received_at": NOW,
        "instrument": "kiosk",
        "instrument_version": 1,
        "answers": {"overall": level},
        "source": SourcePosition(partition=0, offset=offset),
        **changes,
    }
    return FeedbackAccepted.model_validate(values, strict=False)


def record(
    value: Event | bytes | None, offset: int, *, topic: str = "t", partition: int = 0
) -> ConsumerRecord[bytes, bytes]:
    """A Kafka record as a consumer sees it."""
    data = value.to_json() if isinstance(value, Event) else value
    return ConsumerRecord(
        topic=topic,
        partition=partition,
        offset=offset,
        timestamp=int(NOW.timestamp() * 1000),
        timestamp_type=0,
        key=None,
        value=data,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=len(data or b""),
        headers=(),
    )


def records(
    events: Iterable[Event], *, first: int = 0, partition: int = 0
) -> list[ConsumerRecord[bytes, bytes]]:
    """Consecutive records."""
    return [
        record(event, first + number, partition=partition) for number, event in enumerate(events)
    ]


def entry(kind: EntryKind, code: str, parent: str = "country", **changes: Any) -> RegistryEntry:
    """A registry entry in force since always."""
    return RegistryEntry(
        kind=kind,
        code=code,
        name_vi=f"Đơn vị {code}",
        name_en=f"Unit {code}",
        parent=parent,
        **changes,
    )


def small_registry() -> list[RegistryEntry]:
    """One province, one commune, two units, one closed unit, one ministry, one field."""
    return [
        entry(EntryKind.PROVINCE, "01"),
        entry(EntryKind.COMMUNE, "00004", "province:01"),
        entry(EntryKind.MINISTRY, "G09", email="bo@example.vn"),
        entry(
            EntryKind.UNIT,
            UNIT,
            "commune:00004",
            email="office@example.vn",
            webhook="http://127.0.0.1:9/hook",
        ),
        entry(EntryKind.UNIT, OTHER_UNIT, "province:01"),
        entry(EntryKind.UNIT, "000.00.21.H26", "province:01", valid_to=date(2026, 1, 1)),
        entry(EntryKind.FIELD, "ho-tich"),
    ]


async def load_small_registry(database: Database) -> None:
    """Put the small registry into a database."""
    await write(database, small_registry())
