"""Sets records aside with their reason, as they came."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bson import Binary
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from method.counted import Exclusion
from schemas.collections import QUARANTINE
from schemas.feedback import FeedbackQuarantined, SourcePosition, Violation
from services.ingest.reading import Rejection
from services.ingest.writing import without_input
from services.runtime.database import Database


def _name(topic: str, source: SourcePosition) -> str:
    return f"{topic}/{source.partition}/{source.offset}"


@dataclass(frozen=True)
class Suspect:
    """A record that does not count, and why."""

    topic: str
    source: SourcePosition
    value: bytes | None
    unit: str | None
    rejection: Rejection
    device: str | None = None

    @property
    def id(self) -> str:
        """Where the record stood: topic/partition/offset."""
        return _name(self.topic, self.source)

    def event(self, now: datetime) -> FeedbackQuarantined:
        """What the rest of the system learns of it."""
        return FeedbackQuarantined(
            id=self.id,
            unit=self.unit,
            reason=self.rejection.reason.value,
            violations=list(self.rejection.violations),
            source=self.source,
            quarantined_at=now,
        )


async def known(
    database: Database, topic: str, sources: Sequence[SourcePosition]
) -> dict[int, Rejection]:
    """Which records were set aside before, and why, by their source offsets."""
    names = [_name(topic, source) for source in sources]
    found = database[QUARANTINE].find(
        {"_id": {"$in": names}}, {"source": 1, "reason": 1, "violations": 1}
    )
    return {
        document["source"]["offset"]: Rejection(
            Exclusion(document["reason"]),
            tuple(Violation.model_validate(v) for v in document["violations"]),
        )
        async for document in found
    }


async def keep(database: Database, suspects: Sequence[Suspect], now: datetime) -> None:
    """Keep the records; one that is there already stays as it is."""
    if not suspects:
        return
    additions = [
        UpdateOne(
            {"_id": suspect.id},
            {
                "$setOnInsert": {
                    "reason": suspect.rejection.reason.value,
                    "violations": [v.model_dump() for v in suspect.rejection.violations],
                    "source": suspect.source.model_dump(),
                    "unit": suspect.unit,
                    "device": suspect.device,
                    "value": None if suspect.value is None else Binary(suspect.value),
                    "quarantined_at": now,
                }
            },
            upsert=True,
        )
        for suspect in suspects
    ]
    try:
        await database[QUARANTINE].bulk_write(additions, ordered=False)
    except BulkWriteError as error:
        raise without_input(error) from None
