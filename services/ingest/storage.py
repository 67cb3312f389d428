"""The indexes of ingest's collections."""

from typing import Final

from pymongo import ASCENDING, DESCENDING, IndexModel

from schemas.collections import QUARANTINE, RESPONSES, VOICES
from services.ingest.spent import KEPT_FOR, SPENT

INDEXES: Final = {
    RESPONSES: [
        IndexModel([("source.partition", ASCENDING), ("source.offset", ASCENDING)]),
        IndexModel(
            [("device", ASCENDING), ("sequence", ASCENDING)],
            unique=True,
            partialFilterExpression={"sequence": {"$exists": True}},
        ),
        # Only what has a comment: the gateway shows those of a unit, newest first.
        IndexModel(
            [("unit", ASCENDING), ("occurred_at", DESCENDING)],
            partialFilterExpression={"comment": {"$type": "string"}},
        ),
    ],
    VOICES: [],
    SPENT: [IndexModel([("at", ASCENDING)], expireAfterSeconds=int(KEPT_FOR.total_seconds()))],
    QUARANTINE: [IndexModel([("reason", ASCENDING), ("quarantined_at", ASCENDING)])],
}
