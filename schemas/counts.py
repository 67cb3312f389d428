"""How scoring's counts are asked for: pipelines over its shared collections.

Days are local days, both ends included, as in `method/period.py`.
"""

from collections.abc import Sequence
from typing import Any, Final

from schemas.figure import LEVELS, Counts
from schemas.instrument import OVERALL
from schemas.scope import Scope

Stages = list[dict[str, Any]]

LEVEL_FIELDS: Final = tuple(f"n{level}" for level in LEVELS)
"""What the counts of the five levels are called: `n1`, of the lowest, to `n5`."""

SUMS: Final = {name: {"$sum": f"${name}"} for name in LEVEL_FIELDS}
"""For a `$group`: the five counts of all its documents."""

A_DAY: Final = {"scope": 1, "period": 1, **dict.fromkeys(LEVEL_FIELDS, 1)}
"""Projection of a tally without its hours, which are most of it."""


def counts_of(document: dict[str, Any]) -> Counts:
    """The five counts of a tally, or of a sum of them."""
    one, two, three, four, five = (int(document[name]) for name in LEVEL_FIELDS)
    return one, two, three, four, five


def _days(scopes: Sequence[Scope], first: str, last: str) -> dict[str, Any]:
    return {
        "scope": {"$in": list(scopes)},
        "period": {"$gte": first, "$lte": last},
    }


def by_item(scope: Scope, first: str, last: str) -> Stages:
    """Of `scoring.tallies`: a scope's counts by question, `_id`."""
    return [
        {"$match": _days([scope], first, last)},
        {"$group": {"_id": "$item", **SUMS}},
    ]


def by_scope(scopes: Sequence[Scope], first: str, last: str) -> Stages:
    """Of `scoring.tallies`: counts of the overall question by scope, `_id`."""
    return [
        {"$match": _days(scopes, first, last) | {"item": OVERALL}},
        {"$group": {"_id": "$scope", **SUMS}},
    ]


def by_day(scope: Scope, first: str, last: str) -> Stages:
    """Of `scoring.tallies`: a scope's counts of the overall question by day, `_id`, in order."""
    return [
        {"$match": _days([scope], first, last) | {"item": OVERALL}},
        {"$group": {"_id": "$period", **SUMS}},
        {"$sort": {"_id": 1}},
    ]


def by_hour(unit: str, first: str, last: str) -> Stages:
    """Of `scoring.buckets`: a unit's counts of the overall question by local hour, `_id`: "07"."""
    in_hour = {name: {"$sum": f"$hour.v.{name}"} for name in LEVEL_FIELDS}
    return [
        {"$match": {"unit": unit, "day": {"$gte": first, "$lte": last}, "item": OVERALL}},
        {"$project": {"hour": {"$objectToArray": "$h"}}},
        {"$unwind": "$hour"},
        {"$group": {"_id": "$hour.k", **in_hour}},
        {"$sort": {"_id": 1}},
    ]
