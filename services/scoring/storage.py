"""The collections of scoring and their indexes."""

from typing import Final

from pymongo import ASCENDING, IndexModel

from schemas.collections import BUCKETS, CHARTS, INDICES, POSITIONS, TALLIES

UNREADABLE: Final = "scoring.unreadable"
"""Accepted records that could not be read, as they came."""

PASTS: Final = "scoring.pasts"
"""One document a scope, `_id` the scope: what its windows hold of the days before today, as `parts`
by item and segment; `cut` tells the days and their segments. And `reached`, of all scopes: see
`past.py`."""

REBUILDS: Final = "scoring.rebuilds"
"""One document a rebuild that is not finished: all local days from `down_to` on are done; `mended`
are the units whose buckets were wrong."""

INDEXES: Final = {
    BUCKETS: [
        IndexModel([("partition", ASCENDING), ("offset", ASCENDING)]),
        IndexModel([("unit", ASCENDING), ("day", ASCENDING)]),
        IndexModel([("field", ASCENDING), ("day", ASCENDING)]),
    ],
    POSITIONS: [],
    CHARTS: [IndexModel([("referenced_on", ASCENDING)])],
    TALLIES: [
        IndexModel([("scope", ASCENDING), ("period", ASCENDING)]),
        IndexModel([("above", ASCENDING), ("period", ASCENDING)]),
        IndexModel([("period", ASCENDING)], partialFilterExpression={"h": {"$exists": True}}),
    ],
    INDICES: [IndexModel([("scope", ASCENDING)]), IndexModel([("as_of", ASCENDING)])],
    PASTS: [],
    UNREADABLE: [],
    REBUILDS: [],
}
