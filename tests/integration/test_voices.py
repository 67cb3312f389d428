"""What dissatisfied citizens wrote is kept for alerts: masked, the newest, once, for 90 days."""

from datetime import timedelta
from typing import Any

import pytest
from pymongo.errors import OperationFailure

from schemas.collections import VOICES
from schemas.voices import KEPT, Voice
from services.ingest import voices
from services.ingest.batch import Ingest
from services.runtime.database import Database
from tests.builders import NOW, OTHER_UNIT, UNIT, records, submitted
from tests.servers import Servers, taking_only

DAY = timedelta(days=1)
PARTITION = 2


def said(comment: str, level: int = 1, minutes: int = 0, **changes: Any) -> Any:
    at = (NOW - timedelta(minutes=minutes)).isoformat()
    return submitted(comment=comment, answers={"overall": level}, occurred_at=at, **changes)


async def kept(database: Database, unit: str = UNIT) -> list[str]:
    document = await database[VOICES].find_one({"_id": unit})
    found = [Voice.model_validate(voice) for voice in document["voices"]] if document else []
    return [voice.comment for voice in found]


async def test_dissatisfied_comments_are_kept_masked_newest_first(
    ingest: Ingest, database: Database
) -> None:
    given = [
        said("Gọi 0912345678", 2, minutes=3),
        said("rất tốt", 4),
        said("chờ lâu", 1, minutes=1),
        said("nơi khác", 1, unit=OTHER_UNIT),
        submitted(answers={"overall": 1}),
        submitted(
            comment="ai cũng viết được",
            channel="web",
            instrument="open",
            answers={"open_overall": 1},
        ),
        said("không tính", 1, unit="000.00.99.H99"),
    ]
    await ingest.handle(PARTITION, records(given, partition=PARTITION))
    assert await kept(database) == ["chờ lâu", "Gọi [số]"]
    assert await kept(database, OTHER_UNIT) == ["nơi khác"]
    assert await database[VOICES].count_documents({}) == 2


async def test_what_is_read_again_is_kept_once_and_what_fell_off_stays_off(
    ingest: Ingest, database: Database
) -> None:
    given = [said(f"{number}", minutes=60 - number) for number in range(KEPT + 5)]
    batch = records(given, partition=PARTITION)
    await ingest.handle(PARTITION, batch)
    newest = [f"{number}" for number in reversed(range(5, KEPT + 5))]
    assert await kept(database) == newest
    # As after a crash before the commit, with other batch boundaries.
    await ingest.handle(PARTITION, batch[3:9])
    await ingest.handle(PARTITION, batch)
    assert await kept(database) == newest


async def test_nothing_is_kept_for_longer_than_90_days(ingest: Ingest, database: Database) -> None:
    paper: dict[str, Any] = {"channel": "paper", "instrument": "service"}
    old, older = (
        said(text, minutes=60 * 24 * days, **paper) for text, days in (("a", 89), ("b", 91))
    )
    received = older.model_copy(update={"received_at": NOW - 5 * DAY})
    await ingest.handle(PARTITION, records([old, received], partition=PARTITION))
    assert await kept(database) == ["a"]
    await voices.forget(database, NOW + DAY)
    assert await kept(database) == ["a"]
    await ingest.handle(PARTITION, records([said("c")], first=9, partition=PARTITION))
    await voices.forget(database, NOW + 2 * DAY)
    assert await kept(database) == ["c"]
    await voices.forget(database, NOW + 91 * DAY)
    assert await database[VOICES].count_documents({}) == 0


async def test_an_error_of_mongodb_does_not_repeat_what_was_written(
    ingest: Ingest, servers: Servers
) -> None:
    with (
        taking_only(servers.mongo_url, VOICES, {"voices.comment": {"$exists": False}}),
        pytest.raises(OperationFailure) as raised,
    ):
        await ingest.handle(PARTITION, records([said("chờ lâu")], partition=PARTITION))
    assert "121" in str(raised.value)
    assert "chờ lâu" not in f"{raised.value!r} {raised.value.details}"
