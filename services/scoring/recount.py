"""The buckets of one local day, counted again from the stored responses as the ledger counts them.

A response that scoring has counted is stored, and what is counted of it never changes. So they are
read at leisure, outside of any transaction, and only what has been counted since is read later.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

import msgspec
from pymongo import ASCENDING

from method.period import local_midnight
from schemas.collections import POSITIONS, RESPONSES
from services.runtime.database import Database, Document, Session
from services.scoring.counting import NO_FIELD, BucketKey, Delta, Sums
from services.scoring.reading import Answer

_BEFORE_ALL: Final = -(2**53)
"""Below all offsets, those of logs that a restore put before the present one too."""

_BY_TIME: Final = [("occurred_at", ASCENDING)]
_BY_PLACE: Final = [("source.partition", ASCENDING), ("source.offset", ASCENDING)]
_READ: Final = dict.fromkeys(Answer.__struct_fields__, 1)


async def counted_up_to(database: Database, session: Session | None = None) -> dict[int, int]:
    """The source offset of the last response that is counted, by partition."""
    found = database[POSITIONS].find({}, session=session)
    return {position["partition"]: position["applied"] async for position in found}


class Recount:
    """One local day, of all units or of some.

    Attributes:
        day: which.
    """

    def __init__(self, database: Database, day: date, units: Sequence[str] | None) -> None:
        """Begin with nothing."""
        self.day = day
        self._database = database
        occurred = {"$gte": local_midnight(day), "$lt": local_midnight(day + timedelta(days=1))}
        self._query: dict[str, Any] = {"occurred_at": occurred}
        if units is not None:
            self._query["unit"] = {"$in": list(units)}
        self._reached: Mapping[int, int] = {}
        self._sums: dict[str, dict[int, Sums]] = defaultdict(dict)

    @property
    def responses(self) -> int:
        """How many are counted."""
        return sum(sums.answers for of_unit in self._sums.values() for sums in of_unit.values())

    @property
    def units(self) -> Iterable[str]:
        """Those that anything is counted of."""
        return self._sums.keys()

    async def reach(self, positions: Mapping[int, int]) -> None:
        """Count the responses up to positions that are not counted here.

        Args:
            positions: source offsets by partition, none below what was reached before.
        """
        if not self._reached:
            await self._add({}, _BY_TIME, positions)
        for partition, offset in positions.items() if self._reached else ():
            since = self._reached.get(partition, _BEFORE_ALL)
            if since < offset:
                between = {"$gt": since, "$lte": offset}
                place = {"source.partition": partition, "source.offset": between}
                await self._add(place, _BY_PLACE, positions)
        self._reached = dict(positions)

    async def _add(
        self,
        place: Mapping[str, Any],
        index: Sequence[tuple[str, int]],
        positions: Mapping[int, int],
    ) -> None:
        """Add those of the day at a place, in the order in which each partition has them."""
        found = self._database[RESPONSES].find({**self._query, **place}, _READ)
        ordered = found.hint(index).sort("source.offset", ASCENDING).allow_disk_use(True)
        async for response in ordered:
            partition = response["source"]["partition"]
            if response["source"]["offset"] > positions.get(partition, _BEFORE_ALL):
                continue
            answer = msgspec.convert(response, Answer)
            sums = self._sums[answer.unit].setdefault(partition, Sums(_BEFORE_ALL))
            sums.add(answer)
            # For the charts, which are not rebuilt, and for who waits for an answer to be visible.
            sums.news.clear()
            sums.ages.clear()

    def buckets(self, unit: str) -> dict[str, Document]:
        """What the buckets of a unit must be, by their ids."""
        return buckets(self._sums[unit]) if unit in self._sums else {}


def buckets(sums: Mapping[int, Sums]) -> dict[str, Document]:
    """The buckets that sums, by partition, add up to: as the ledger has them. Pure.

    A unit is in one partition; when topics were given more of them, in two.
    """
    found: dict[str, Document] = {}
    for partition, of_it in sums.items():
        for key, delta in of_it.deltas().items():
            _add(found.setdefault(key.id, _empty(key)), partition, delta)
    return found


def _empty(key: BucketKey) -> Document:
    field = None if key.field == NO_FIELD else key.field
    return {"_id": key.id, "unit": key.unit, "field": field, "day": key.day, "item": key.item}


def _add(bucket: Document, partition: int, delta: Delta) -> None:
    hours = bucket.setdefault("h", {})
    for hour, levels, offset in delta.hours():
        of_hour = hours.setdefault(hour, {})
        for level, n in levels.items():
            bucket[level] = bucket.get(level, 0) + n
            of_hour[level] = of_hour.get(level, 0) + n
        of_hour["offset"] = offset
    bucket |= {"partition": partition, "offset": delta.offset, "above": delta.above}
    for name in ("latest_occurred_at", "latest_received_at"):
        newest = getattr(delta, name)
        bucket[name] = max(bucket.get(name, newest), newest)
