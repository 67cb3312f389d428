"""The indexes of ingest's collections."""

from typing import Final

from pymongo import ASCENDING, DESCENDING, IndexModel

from schemas.collections import QUARANTINE, RESPONSES, SUSPICIONS, VOICES
from services.ingest.device_days import DEVICE_DAYS
from services.ingest.spent import KEPT_FOR, SPENT

INDEXES: Final = {
    RESPONSES: [
        IndexModel([("source.partition", ASCENDING), ("source.offset", ASCENDING)]),
        IndexModel(
            [("device", ASCENDING), ("sequence", ASCENDING)],
            unique=True,
            partialFilterExpression={"sequence": {"$exists": True}},
        ),
        # The days that are looked at for what is too good (suspicions.py).
        IndexModel([("occurred_at", ASCENDING)]),
        # Only what has a comment: the gateway shows those of a unit, newest first.
        IndexModel(
            [("unit", ASCENDING), ("occurred_at", DESCENDING)],
            partialFilterExpression={"comment": {"$type": "string"}},
        ),
    ],
    VOICES: [],
    SUSPICIONS: [
        IndexModel([("unit", ASCENDING), ("first", DESCENDING)]),
        IndexModel([("first", DESCENDING)]),
    ],
    DEVICE_DAYS: [IndexModel([("day", ASCENDING)])],
    SPENT: [IndexModel([("at", ASCENDING)], expireAfterSeconds=int(KEPT_FOR.total_seconds()))],
    QUARANTINE: [IndexModel([("reason", ASCENDING), ("quarantined_at", ASCENDING)])],
}
