"""The indexes of ingest's collections."""

from typing import Final

from pymongo import ASCENDING, IndexModel

from schemas.collections import QUARANTINE, RESPONSES
from services.ingest.spent import KEPT_FOR, SPENT

INDEXES: Final = {
    RESPONSES: [
        IndexModel([("source.partition", ASCENDING), ("source.offset", ASCENDING)]),
        IndexModel(
            [("device", ASCENDING), ("sequence", ASCENDING)],
            unique=True,
            partialFilterExpression={"sequence": {"$exists": True}},
        ),
    ],
    SPENT: [IndexModel([("at", ASCENDING)], expireAfterSeconds=int(KEPT_FOR.total_seconds()))],
    QUARANTINE: [IndexModel([("reason", ASCENDING), ("quarantined_at", ASCENDING)])],
}
