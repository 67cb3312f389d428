"""The collections of notify and their indexes."""

from datetime import timedelta
from typing import Final

from pymongo import ASCENDING, IndexModel

from schemas.collections import ALERTS

OUTBOX: Final = "notify.outbox"
"""One document a message to a receiver, written with the transition that it tells of."""

DELIVERED_KEPT_FOR: Final = timedelta(days=90)
"""So long it can be looked up that an agency was told. What was given up stays."""

ENDPOINTS: Final = "notify.endpoints"
"""One document a receiver: until when it is busy, and whether it said that it is gone."""

SILENCES: Final = "notify.silences"
"""One document a silence, written by an operator's command; none is removed."""
KIOSKS: Final = "notify.kiosks"
"""One document a kiosk that was ever heard, `_id` its device: `seen_at` is its last sign of life,
`queued` how many answers waited on it when it last said so."""

LISTENING: Final = "notify.listening"
"""One document: `since` when `until` when kiosks were listened to, as far as that was read."""

GATHERED: Final = "notify.gathered"
"""One document a mail-to-be: what an agency hears of together with something else."""

DIGESTS: Final = "notify.digests"
"""That digests were made: one document a day and agency, and one a day when it is done."""

INDEXES: Final = {
    ALERTS: [
        # At most one open episode of a rule at a scope, whoever tries to open another.
        IndexModel(
            [("rule", ASCENDING), ("scope", ASCENDING)],
            unique=True,
            partialFilterExpression={"open": True},
        ),
        IndexModel([("open", ASCENDING), ("due", ASCENDING)]),
        IndexModel([("open", ASCENDING), ("held", ASCENDING), ("scope", ASCENDING)]),
        IndexModel([("state", ASCENDING), ("changed_at", ASCENDING)]),
    ],
    OUTBOX: [
        # What is due is read from this index alone (`waiting.due`).
        IndexModel(
            [
                ("state", ASCENDING),
                ("receiver", ASCENDING),
                ("series", ASCENDING),
                ("number", ASCENDING),
                ("due_at", ASCENDING),
                ("created_at", ASCENDING),
            ]
        ),
        IndexModel("delivered_at", expireAfterSeconds=int(DELIVERED_KEPT_FOR.total_seconds())),
    ],
    ENDPOINTS: [],
    GATHERED: [IndexModel([("into", ASCENDING), ("agency", ASCENDING), ("at", ASCENDING)])],
    DIGESTS: [
        IndexModel("made_at", expireAfterSeconds=int(DELIVERED_KEPT_FOR.total_seconds())),
    ],
    SILENCES: [IndexModel([("until", ASCENDING)])],
    KIOSKS: [],
    LISTENING: [],
}
