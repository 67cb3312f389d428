"""The days of windows that lie before today: summed up once a local day, and kept by scope.

Answers nearly always are of today. So an index is made of today's tally and of what is kept here,
and costs the same whatever lies behind. When the tally of an earlier day has moved, by answers that
came late or by a rebuild, what is kept of its scopes is summed up anew.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from method.period import day_key
from method.window import Segment
from schemas.collections import TALLIES
from schemas.counts import SUMS, Stages
from schemas.scope import Scope
from services.runtime.database import Database, Document
from services.scoring.storage import PASTS
from services.scoring.versions import unless_newer

LATEST: Final = ("latest_occurred_at", "latest_received_at")
_REACHED: Final = "reached"
"""Of no scope: `until`, the newest local day that anybody has begun to sum up as an earlier day."""


async def renew(
    database: Database, scopes: Sequence[Scope], cut: Sequence[Segment]
) -> list[Document]:
    """Sum up what lies behind scopes, and keep it unless newer is there.

    Args:
        database: of scoring.
        scopes: whose.
        cut: segments of the windows; today's is left out.

    Returns:
        For each scope what is kept: `parts` by item and segment, with n1…n5 and the newest answer.
    """
    days = _before_today(cut)
    until = max(each.last for each in days)
    await database[PASTS].update_one({"_id": _REACHED}, {"$max": {"until": until}}, upsert=True)
    version = await database.logical_time()
    parts = {
        found["_id"]: found["parts"]
        async for found in database.aggregate(TALLIES, _summed(scopes, days))
    }
    pasts: list[Document] = [
        {"_id": scope, "cut": _name(days), "version": version, "parts": parts.get(scope, [])}
        for scope in scopes
    ]
    if pasts:
        await database[PASTS].bulk_write([unless_newer(past) for past in pasts], ordered=False)
    return pasts


async def follow(
    database: Database, scopes: Sequence[Scope], cut: Sequence[Segment], oldest: str
) -> None:
    """Renew what lies behind scopes, if it may hold a day whose tallies have moved.

    Whoever moved them does this before taking the version of the indices that follow: so an index
    with that version or a higher one is made of what is here by then. Whether a day is an earlier
    day is not asked of the clock, for about midnight another process may be ahead: either it says
    in time that it sums the day up, or it meets the tallies as they are now.

    Args:
        database: of scoring.
        scopes: whose.
        cut: segments of the windows.
        oldest: of the local days that have moved.
    """
    async for mark in database.aggregate(PASTS, [{"$match": {"_id": _REACHED}}]):
        if oldest <= mark["until"]:
            await renew(database, scopes, cut)


async def read(
    database: Database, scopes: Sequence[Scope], cut: Sequence[Segment]
) -> list[Document]:
    """What `renew` kept of scopes; what it has not kept of these days is summed up first.

    Args:
        database: of scoring.
        scopes: whose.
        cut: segments of the windows.

    Returns:
        As `renew`.
    """
    of_these_days = {"_id": {"$in": list(scopes)}, "cut": _name(_before_today(cut))}
    kept = [past async for past in database.aggregate(PASTS, [{"$match": of_these_days}])]
    known = {past["_id"] for past in kept}
    unknown = [scope for scope in scopes if scope not in known]
    return kept + (await renew(database, unknown, cut) if unknown else [])


def today_of(cut: Sequence[Segment]) -> Segment:
    """The segment that ends with the local day that is still running."""
    return max((each for each in cut if each.grain == "day"), key=lambda each: each.last)


def _before_today(cut: Sequence[Segment]) -> list[Segment]:
    today = date.fromisoformat(today_of(cut).last)
    yesterday = day_key(today - timedelta(days=1))
    return [each._replace(last=min(each.last, yesterday)) for each in cut if each.grain == "day"]


def _name(days: Sequence[Segment]) -> str:
    """Tells which days are summed up to what: others tomorrow, or with other windows."""
    return " ".join(f"{segment.name}={segment.first}/{segment.last}" for segment in days)


def _summed(scopes: Sequence[Scope], days: Sequence[Segment]) -> Stages:
    """Tallies of scopes, summed up by item and segment of days; a document a scope."""
    branches = [
        {
            "case": {
                "$and": [{"$gte": ["$period", segment.first]}, {"$lte": ["$period", segment.last]}]
            },
            "then": segment.name,
        }
        for segment in days
    ]
    ends = {"$gte": min(each.first for each in days), "$lte": max(each.last for each in days)}
    sums = {**SUMS, **{name: {"$max": f"${name}"} for name in LATEST}}
    part = {"item": "$_id.item", "segment": "$_id.segment"} | {name: f"${name}" for name in sums}
    return [
        {"$match": {"scope": {"$in": list(scopes)}, "period": ends}},
        {"$set": {"segment": {"$switch": {"branches": branches}}}},
        {"$group": {"_id": {"scope": "$scope", "item": "$item", "segment": "$segment"}, **sums}},
        {"$group": {"_id": "$_id.scope", "parts": {"$push": part}}},
    ]
