"""Keeps the newest comments of dissatisfied answers by office, for messages about alerts.

Only answers that count for the index: what anybody may write in the open questionnaire is not
carried further. A comment that comes again changes nothing: it is known by its answer's id, and one
too old to be kept falls off again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from method.definition import definition_on
from method.period import local_day
from schemas.collections import VOICES
from schemas.instrument import OVERALL
from schemas.voices import KEPT, Voice
from services.ingest.responses import Stored
from services.ingest.writing import without_input
from services.runtime.database import Database

KEPT_FOR: Final = timedelta(days=90)


def _voice(item: Stored, now: datetime) -> Voice | None:
    response = item.response
    level = response.answers.get(OVERALL)
    if response.comment is None or level is None or response.occurred_at < now - KEPT_FOR:
        return None
    if level >= definition_on(local_day(response.occurred_at)).satisfied_from:
        return None
    return Voice.model_construct(
        id=response.id, at=response.occurred_at, level=level, comment=response.comment
    )


async def keep(database: Database, items: Sequence[Stored], now: datetime) -> None:
    """Keep what is worth keeping of stored responses; harmless to repeat.

    Raises:
        DatabaseError: when MongoDB fails; its text holds no comment.
    """
    writes: list[UpdateOne] = []
    for item in items:
        voice = _voice(item, now)
        if voice is None:
            continue
        unit = item.response.unit
        newest_first = {"$each": [dict(voice)], "$sort": {"at": -1, "id": -1}, "$slice": KEPT}
        writes += [
            UpdateOne({"_id": unit}, {"$setOnInsert": {"voices": []}}, upsert=True),
            UpdateOne(
                {"_id": unit, "voices.id": {"$ne": voice.id}}, {"$push": {"voices": newest_first}}
            ),
        ]
    if not writes:
        return
    try:
        await database[VOICES].bulk_write(writes)
    except BulkWriteError as error:
        raise without_input(error) from None


async def forget(database: Database, now: datetime) -> None:
    """Remove what is older than it may be."""
    old = {"at": {"$lt": now - KEPT_FOR}}
    await database[VOICES].update_many({"voices": {"$elemMatch": old}}, {"$pull": {"voices": old}})
    await database[VOICES].delete_many({"voices": []})
