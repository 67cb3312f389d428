"""The indexes of ingest's collections."""

from typing import Final

from pymongo import ASCENDING, IndexModel

from schemas.collections import QUARANTINE, RESPONSES

INDEXES: Final = {
    RESPONSES: [IndexModel([("source.partition", ASCENDING), ("source.offset", ASCENDING)])],
    QUARANTINE: [IndexModel([("reason", ASCENDING), ("quarantined_at", ASCENDING)])],
}
