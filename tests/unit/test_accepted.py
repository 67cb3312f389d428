"""What ingest writes of a response that counts is what the model of its event would write."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from schemas.feedback import Channel, FeedbackAccepted, SourcePosition
from services.ingest.examining import accepted
from services.ingest.responses import Stored
from tests.builders import ABOVE, submitted

SOURCE = SourcePosition(partition=3, offset=2**40)
NOT_PASSED_ON = {
    "device": "kiosk-1",
    "sequence": 7,
    "dossier_token": "abc",
    "comment": "chờ lâu quá",
    "language": "en",
}
MOMENTS = [
    datetime(2026, 11, 22, 2, tzinfo=UTC),
    datetime(2026, 11, 22, 9, 0, 0, 1, timezone(timedelta(hours=7))),
    datetime(2026, 11, 22, 2, 0, 0, 120_000, UTC),
    datetime(1970, 1, 1, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
]


@pytest.mark.parametrize("moment", MOMENTS, ids=datetime.isoformat)
@pytest.mark.parametrize(
    "said",
    [
        {},
        {"field": "ho-tich", "procedure": "1.011442.000.00.00.H38"},
        {"answers": {"overall": 1, "access": 5, "staff": 3}, "instrument": "service"},
        *({"channel": channel.value} for channel in Channel),
    ],
    ids=str,
)
def test_it_is_written_as_its_model_writes_it(said: dict[str, Any], moment: datetime) -> None:
    received = moment + timedelta(seconds=3)
    times = {"occurred_at": moment.isoformat(), "received_at": received.isoformat()}
    response = submitted(**NOT_PASSED_ON, **said, **times)
    value = accepted(Stored(response, SOURCE, ABOVE))
    event = FeedbackAccepted.model_validate_json(value)
    assert value == event.to_json()
    assert event.source == SOURCE
    assert event.above == ABOVE
    for name in json.loads(value).keys() - {"source", "above"}:
        assert getattr(event, name) == getattr(response, name)


def test_it_does_not_pass_on_who_wrote_what() -> None:
    value = accepted(Stored(submitted(**NOT_PASSED_ON), SOURCE, ABOVE))
    assert not json.loads(value).keys() & NOT_PASSED_ON.keys()
