"""Rebuilds buckets, tallies and indices from the stored responses while scoring counts.

Day by day, the newest first: an index of ingest leads to the responses of a day, none to those of a
unit. A local day of a unit is on its own, because each answer is counted into the buckets of one.

Tallies and indices are summed up anew even where no bucket differed. So a day that a crash leaves
unfinished is done again as a whole, and what was put right of it needs not be remembered.
`docs/decisions/0014-rebuild.md` has the reasons.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from pymongo import ASCENDING, DESCENDING

from method.period import day_key, local_day
from schemas.collections import BUCKETS, REGISTRY, RESPONSES, TALLIES
from schemas.scope import Scope
from schemas.topics import FEEDBACK_ACCEPTED
from services.runtime.clock import Clock
from services.runtime.database import Database, Document
from services.runtime.producer import Producer
from services.scoring.applying import position
from services.scoring.derived import scopes_of, show, sum_up
from services.scoring.differences import Wrong
from services.scoring.mending import put_right, stored_buckets
from services.scoring.recount import Recount, counted_up_to
from services.scoring.storage import REBUILDS

_READ_AT_ONCE: Final = 500
_WRITTEN_AT_ONCE: Final = 50
"""Units whose day is put right in one transaction: at most about a thousand buckets."""


class UnknownUnitError(Exception):
    """A unit that the registry does not know and that nothing is counted of."""


@dataclass
class Report:
    """What a rebuild came to.

    Attributes:
        days: local days.
        responses: how many were counted again.
        units: whose they are, or whose buckets were there.
        buckets: how many there must be.
        hours: counts of a local hour that they hold.
        wrong: what differed.
        mended: units that it was wrong of.
    """

    days: int = 0
    responses: int = 0
    units: set[str] = field(default_factory=set)
    buckets: int = 0
    hours: int = 0
    wrong: Wrong = field(default_factory=Wrong)
    mended: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Beginning:
    """What a rebuild has to do.

    Attributes:
        days: local days, newest first.
        begun_at: when it was first started.
        goes_on: whether days were done since, which are left out.
    """

    days: Sequence[date]
    begun_at: datetime
    goes_on: bool


class Rebuild:
    """The rebuild of all counts, or of those of some units."""

    def __init__(
        self, database: Database, producer: Producer, clock: Clock, units: Sequence[str] = ()
    ) -> None:
        """Hold what the work needs.

        Args:
            database: of scoring.
            producer: of index.updated.v1.
            clock: the present.
            units: agency codes; none for all.
        """
        self._database = database
        self._producer = producer
        self._clock = clock
        self._units = sorted(units)
        self._name = "|".join(self._units) or "all"
        self._report = Report()

    async def begin(self) -> Beginning:
        """Find out what there is to do.

        Raises:
            UnknownUnitError: naming the unit.
        """
        for unit in self._units:
            if not (
                await self._database[BUCKETS].find_one({"unit": unit})
                or await self._database[REGISTRY].find_one({"kind": "unit", "code": unit})
            ):
                raise UnknownUnitError(unit)
        for partition in range(FEEDBACK_ACCEPTED.partitions):
            await position(self._database, partition)
        mark = await self._database[REBUILDS].find_one_and_update(
            {"_id": self._name},
            {"$setOnInsert": {"begun_at": self._clock()}},
            upsert=True,
            return_document=True,
        )
        done = mark.get("down_to")
        days = [day for day in await self._days() if done is None or day_key(day) < done]
        return Beginning(days, mark["begun_at"], goes_on=done is not None)

    async def _days(self) -> list[date]:
        """Those of responses, buckets or tallies, newest first."""
        keys: set[str] = set()
        responses = self._database[RESPONSES]
        ends = [
            await responses.find_one({}, {"occurred_at": 1}, sort=[("occurred_at", order)])
            for order in (ASCENDING, DESCENDING)
        ]
        oldest, newest = (local_day(end["occurred_at"]) if end else None for end in ends)
        if oldest and newest:
            count = (newest - oldest).days + 1
            keys |= {day_key(oldest + timedelta(days=n)) for n in range(count)}
        for collection, name in ((BUCKETS, "day"), (TALLIES, "period")):
            group = {"$group": {"_id": f"${name}"}}
            keys |= {found["_id"] async for found in self._database.aggregate(collection, [group])}
        return sorted(map(date.fromisoformat, keys), reverse=True)

    async def run(self, days: Sequence[date], done: Callable[[], None]) -> Report:
        """Rebuild days and the indices.

        Args:
            days: as they were found at the beginning.
            done: called after each day.
        """
        known = set(await self._database[BUCKETS].distinct("unit"))
        for day in days:
            await self._day(day, known)
            done_to = {"$set": {"down_to": day_key(day)}}
            await self._database[REBUILDS].update_one({"_id": self._name}, done_to)
            self._report.days += 1
            done()
        mark = await self._database[REBUILDS].find_one({"_id": self._name}) or {}
        await show(self._database, self._producer, self._clock, mark.get("mended", []))
        await self._database[REBUILDS].delete_one({"_id": self._name})
        return self._report

    async def _day(self, day: date, known: set[str]) -> None:
        """Put the buckets of a day right, then all that is summed up of them."""
        recount = Recount(self._database, day, self._units or None)
        await recount.reach(await counted_up_to(self._database))
        units = self._units or sorted(known | set(recount.units))
        found: set[Scope] = set()
        for start in range(0, len(units), _READ_AT_ONCE):
            some = units[start : start + _READ_AT_ONCE]
            differing: list[str] = []
            stored = await stored_buckets(self._database, some, day)
            for unit in some:
                expected = recount.buckets(unit)
                found |= scopes_of(expected.values())
                self._note(unit, expected, stored[unit])
                if stored[unit] != expected:
                    differing.append(unit)
            for first in range(0, len(differing), _WRITTEN_AT_ONCE):
                few = differing[first : first + _WRITTEN_AT_ONCE]
                differed = await put_right(self._database, recount, few, self._name)
                for unit, wrong in differed.items():
                    self._report.wrong += wrong
                    if wrong.buckets:
                        self._report.mended.add(unit)
        self._report.responses += recount.responses
        # Read only now: scoring may have summed up, meanwhile, what was about to be put right.
        found |= set(await self._database[TALLIES].distinct("scope"))
        await sum_up(self._database, day, found, self._units, self._clock())

    def _note(self, unit: str, expected: dict[str, Document], stored: dict[str, Document]) -> None:
        if expected or stored:
            self._report.units.add(unit)
        self._report.buckets += len(expected)
        self._report.hours += sum(len(bucket["h"]) for bucket in expected.values())
