"""The indexes of ingest's collections."""

from typing import Final

from pymongo import ASCENDING, DESCENDING, IndexModel

from schemas.collections import QUARANTINE, RESPONSES

INDEXES: Final = {
    RESPONSES: [
        IndexModel([("source.partition", ASCENDING), ("source.offset", ASCENDING)]),
        # Only what has a comment: the gateway shows those of a unit, newest first.
        IndexModel(
            [("unit", ASCENDING), ("occurred_at", DESCENDING)],
            partialFilterExpression={"comment": {"$type": "string"}},
        ),
    ],
    QUARANTINE: [IndexModel([("reason", ASCENDING), ("quarantined_at", ASCENDING)])],
}
