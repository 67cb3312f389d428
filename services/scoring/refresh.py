"""Brings indices up to the counts about once a second, and when an hour passes.

What has to be done is read from MongoDB, not remembered: buckets whose offset lies behind the
partition's last refresh. So whoever owns the partition next finishes what a killed owner began.
"""

import time
from asyncio import Semaphore, gather
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import reduce
from itertools import groupby
from operator import or_
from types import MappingProxyType
from typing import Final

from schemas.collections import POSITIONS
from schemas.scope import Scope, scope_kind
from schemas.topics import INDEX_UPDATED
from services.runtime import metrics
from services.runtime.clock import Clock
from services.runtime.database import Database
from services.runtime.producer import Producer
from services.scoring import charts
from services.scoring.applying import position_id
from services.scoring.indices import refresh_indices, stale_scopes, upwards
from services.scoring.ledger import Ledger, none_waits
from services.scoring.tallies import forget_hours, refresh_tallies
from services.scoring.touched import touched_since
from services.scoring.traces import Traces

_SCOPES_AT_ONCE = 500
_PARTS_AT_ONCE = 2
"""What one index costs is half MongoDB's and half ours."""
_BACKLOG: Final = 20_000
"""With more records waiting or held, a later refresh is for far more of them at almost the cost."""
_SHARE_OF_BACKLOG: Final = 10
_LEAST_PAUSE_SECONDS: Final = 30.0
_TIMEKEEPER = 0
"""Who owns this partition moves the windows when time passes."""


async def announce(
    database: Database,
    producer: Producer,
    scopes: Iterable[Scope],
    clock: Clock,
    traces: Mapping[Scope, str] = MappingProxyType({}),
    oldest_moved: str | None = None,
) -> None:
    """Compute the indices of scopes anew and tell of them, of what is above others last.

    Few go together. Of many, each kind goes when those below it are written, in parts.

    Args:
        database: of scoring.
        producer: of index.updated.v1.
        scopes: whose indices.
        clock: the present.
        traces: of the answers that moved them, if any is traced.
        oldest_moved: the oldest local day whose tallies have moved, if any has.
    """
    turn = Semaphore(_PARTS_AT_ONCE)

    async def announce_part(some: Sequence[Scope]) -> None:
        async with turn:
            indices = await refresh_indices(database, some, clock(), oldest_moved)
            await producer.send(INDEX_UPDATED, indices, traces=traces)

    ordered = upwards(scopes)
    stages = [ordered]
    if len(ordered) > _SCOPES_AT_ONCE:
        stages = [list(of_kind) for _, of_kind in groupby(ordered, scope_kind)]
    for stage in stages:
        starts = range(0, len(stage), _SCOPES_AT_ONCE)
        await gather(*(announce_part(stage[at : at + _SCOPES_AT_ONCE]) for at in starts))


class Refresh:
    """Recomputes what follows from the buckets of the partitions that this process owns."""

    def __init__(
        self,
        database: Database,
        producer: Producer,
        ledger: Ledger,
        owned: Callable[[], Collection[int]],
        clock: Clock,
        waiting: Callable[[int], int] = none_waits,
        traces: Traces | None = None,
    ) -> None:
        """Hold what the work needs.

        Args:
            database: of scoring.
            producer: of index.updated.v1.
            ledger: whose counts are followed.
            owned: tells the partitions of now.
            clock: the present.
            waiting: tells how many records of a partition are to be counted yet.
            traces: of the answers that are counted.
        """
        self._database = database
        self._producer = producer
        self._ledger = ledger
        self._owned = owned
        self._clock = clock
        self._waiting = waiting
        self._ended = time.monotonic()
        self._pause = _LEAST_PAUSE_SECONDS
        self._traces = traces or Traces()
        metrics.from_zero(metrics.AGE_AT_INDEX_SECONDS, ("occurred", "received"))

    async def run(self) -> None:
        """One refresh; does nothing when no count and no hour has moved.

        While a backlog is worked off, it takes at most one part in ten of the time.
        """
        to_come = sum(self._waiting(owned) + self._ledger.held(owned) for owned in self._owned())
        backlog = to_come > _BACKLOG
        if backlog and time.monotonic() < self._ended + self._pause:
            return
        started = time.monotonic()
        await self._follow_counts()
        if _TIMEKEEPER in self._owned():
            await self._follow_time(backlog=backlog)
        self._ended = time.monotonic()
        self._pause = max(_LEAST_PAUSE_SECONDS, _SHARE_OF_BACKLOG * (self._ended - started))

    async def _follow_counts(self) -> None:
        behind = [
            position
            async for position in self._database[POSITIONS].find(
                {"_id": {"$in": [position_id(partition) for partition in self._owned()]}}
            )
            if position["applied"] > position["refreshed"]
        ]
        if not behind:
            return
        started = time.monotonic()
        now = self._clock()
        every_touched = await gather(
            *(
                touched_since(self._database, position["partition"], position["refreshed"], now)
                for position in behind
            )
        )
        touched = reduce(or_, every_touched)
        if touched.units:
            with self._traces.shown(behind) as traces:
                await refresh_tallies(self._database, touched)
                await announce(
                    *(self._database, self._producer, touched.scopes, self._clock),
                    *(traces, min(touched.days)),
                )
        for position in behind:
            await self._database[POSITIONS].update_one(
                {"_id": position["_id"]}, {"$max": {"refreshed": position["applied"]}}
            )
            self._observe_ages(position["partition"], position["applied"])
        metrics.SCORING_REFRESH_SECONDS.observe(time.monotonic() - started)

    async def _follow_time(self, *, backlog: bool) -> None:
        if not backlog:  # once a day, of all units: that can wait
            await charts.renew_references(self._database, self._clock())
            await forget_hours(self._database, self._clock())
        while scopes := await stale_scopes(self._database, self._clock(), _SCOPES_AT_ONCE):
            await announce(self._database, self._producer, scopes, self._clock)

    def _observe_ages(self, partition: int, applied: int) -> None:
        now = self._clock().timestamp()
        ages = self._ledger.ages.get(partition, [])
        visible = [age for age in ages if age.offset <= applied]
        self._ledger.ages[partition] = [age for age in ages if age.offset > applied]
        for age in visible:
            metrics.AGE_AT_INDEX_SECONDS.labels("occurred").observe(now - age.occurred)
            metrics.AGE_AT_INDEX_SECONDS.labels("received").observe(now - age.received)
