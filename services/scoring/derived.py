"""What follows from buckets that were rebuilt: the tallies of a local day, and every index.

The live refresh sees what the ledger has touched. It does not see a bucket that is gone, nor an
hour that is gone from one.
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime

from method.period import day_key, last_days
from schemas.collections import CHARTS, INDICES, TALLIES
from schemas.scope import Scope
from services.runtime.clock import Clock
from services.runtime.database import Database, Document
from services.runtime.producer import Producer
from services.scoring import charts
from services.scoring.refresh import announce
from services.scoring.tallies import refresh_tallies
from services.scoring.touched import HOURLY_DAYS, Touched

_SUMMED_FROM_BUCKETS = ("unit", "field")


def scopes_of(buckets: Iterable[Document]) -> set[Scope]:
    """All that buckets are summed up into."""
    found: set[Scope] = set()
    for bucket in buckets:
        found |= {f"unit:{bucket['unit']}", *bucket["above"]}
        if bucket["field"] is not None:
            found.add(f"field:{bucket['field']}")
    return found


async def sum_up(
    database: Database, day: date, scopes: Iterable[Scope], units: Collection[str], now: datetime
) -> None:
    """Sum a local day up anew, and remove the tallies of it that nothing is left of.

    Args:
        database: of scoring.
        day: the day.
        scopes: all that have tallies, or will have.
        units: the only units to sum up, by agency code; none for all.
        now: the time.
    """
    codes: dict[str, set[str]] = {kind: set() for kind in _SUMMED_FROM_BUCKETS}
    above: set[Scope] = set()
    for scope in scopes:
        kind, _, code = scope.partition(":")
        codes.get(kind, above).add(code if kind in codes else scope)
    key = day_key(day)
    recent = key in last_days(HOURLY_DAYS, now)
    touched = Touched(
        units=frozenset(units or codes["unit"]),
        fields=frozenset(codes["field"]),
        above=frozenset(above),
        days=frozenset([key]),
        hours=frozenset(f"{key}T{hour:02d}" for hour in range(24) if recent),
    )
    await refresh_tallies(database, touched, gone=True)


async def show(
    database: Database, producer: Producer, clock: Clock, mended: Collection[str]
) -> None:
    """Compute every index anew and tell of it; remove those of what nobody has answered for.

    Args:
        database: of scoring.
        producer: of index.updated.v1.
        clock: the present.
        mended: units whose buckets were wrong: what is usual there, and the trend, are made anew.
    """
    wrong = {"_id": {"$in": sorted(mended)}}
    await database[CHARTS].update_many(wrong, {"$unset": {"referenced_on": ""}})
    await charts.renew_references(database, clock())
    scopes = {
        scope
        for collection in (TALLIES, INDICES)
        for scope in await database[collection].distinct("scope")
    }
    await announce(database, producer, scopes, clock, oldest_moved=day_key(date.min))
    async for index in database[INDICES].find({"latest_occurred_at": None}):
        about = {"scope": index["scope"], "item": index["item"]}
        if await database[TALLIES].find_one(about) is None:
            # Unless it was written since.
            same = {"_id": index["_id"], "version": index["version"]}
            await database[INDICES].delete_one(same)
