"""Scoring's bookkeeping against a model: whatever happens in whatever order, each counts once.

Hypothesis invents the histories: batches with other boundaries, records that ingest publishes
again, owners that crash before and after the transaction, two owners of one partition, late
answers, days that pass, clocks that differ, refreshes that are cut off. A history that fails is
shrunk to its shortest form.
"""

from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, Literal, get_args
from unittest import mock

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from langnghe.verify import verify
from method.change import Chart, design, follow
from schemas.collections import BUCKETS, CHARTS, INDICES, POSITIONS, RESPONSES, TALLIES
from schemas.feedback import FeedbackAccepted
from services.runtime.consumer import MovedError
from services.runtime.database import Database, Session
from services.scoring.ledger import Ledger
from services.scoring.refresh import Refresh
from services.scoring.storage import PASTS
from tests.builders import NOW, UNIT, accepted, record
from tests.servers import Servers
from tests.world import CrashError, World, play, world_of

PARTITION = 0
OWNERS = st.integers(0, 1)
SIZES = st.integers(1, 6)
FIELDS = (None, "ho-tich")


@dataclass
class Owner:
    """A process that believes the partition is its own.

    Attributes:
        ledger: of the process.
        cursor: how far it has read.
        done: how far it has dealt with.
        added: how far it has added up; a failure to write takes nothing of that back.
    """

    ledger: Ledger
    cursor: int = 0
    done: int = 0
    added: int = 0

    def place(self, cursor: int) -> None:
        """Go on from a place of the log; all before it is done."""
        self.cursor = self.done = cursor


@dataclass
class History:
    """What the model knows.

    Attributes:
        log: feedback.accepted.v1, one partition; a record's offset is its place.
        applied: how many places of the log were surely dealt with by somebody.
    """

    log: list[FeedbackAccepted] = field(default_factory=list)
    applied: int = 0

    def distinct(self, upto: int) -> Counter[tuple[str, str]]:
        """Day and level of every response up to a place, each once."""
        events = {e.source.offset: e for e in self.log[:upto]}
        return Counter(
            ((e.occurred_at + timedelta(hours=7)).date().isoformat(), f"n{e.answers['overall']}")
            for e in events.values()
        )


Moment = Literal["before a write", "before the commit", "after the commit"]


@contextmanager
def crash_in_transaction(moment: Moment) -> Iterator[None]:
    """Die before anything is written, with everything written and not committed, or committed."""
    real = Database.transaction

    async def dying(self: Database, work: Callable[[Session], Coroutine[Any, Any, None]]) -> None:
        async def cut_off(session: Session) -> None:
            await work(session)
            raise CrashError

        if moment == "before the commit":
            await real(self, cut_off)
        if moment == "after the commit":
            await real(self, work)
        raise CrashError

    with mock.patch.object(Database, "transaction", dying):
        yield


class Scoring(RuleBasedStateMachine):
    """The partition, its two would-be owners, and what may befall them."""

    world: ClassVar[World]

    @initialize()
    def begin(self) -> None:
        self.history = History()
        self.now = NOW
        self.waiting = 0
        self.owners = [Owner(self._ledger()) for _ in range(2)]

        async def empty() -> None:
            for name in (BUCKETS, CHARTS, INDICES, PASTS, POSITIONS, RESPONSES, TALLIES):
                await self.world.database[name].delete_many({})

        self.world.run(empty())

    def _ledger(self) -> Ledger:
        return Ledger(self.world.database, lambda _: self.waiting)

    @rule(levels=st.lists(st.integers(1, 5), min_size=1, max_size=8), hours=st.integers(0, 60))
    def accept(self, levels: list[int], hours: int) -> None:
        """Ingest publishes new responses; some happened long ago."""
        known = {event.source.offset for event in self.history.log}
        first = max(known, default=-1) + 1
        when = {"occurred_at": self.now - timedelta(hours=hours), "received_at": self.now}
        self.history.log += [
            accepted(first + number, level, field=FIELDS[number % 2], **when)
            for number, level in enumerate(levels)
        ]

    @rule(hours=st.integers(1, 13))
    def time_passes(self, hours: int) -> None:
        """Days become earlier days; never so many that another share becomes usual."""
        self.now = min(self.now + timedelta(hours=hours), NOW + timedelta(days=7))

    @rule(count=SIZES)
    def publish_again(self, count: int) -> None:
        """Ingest died before its commit: the newest records come a second time."""
        newest = sorted({e.source.offset: e for e in self.history.log}.items())[-count:]
        self.history.log += [event for _, event in newest]

    def _batch(self, owner: Owner, size: int) -> list[Any]:
        part = self.history.log[owner.cursor : owner.cursor + size]
        return [
            record(event, owner.cursor + place, partition=PARTITION)
            for place, event in enumerate(part)
        ]

    @rule(owner=OWNERS, size=SIZES, waiting=st.integers(0, 1))
    def deliver(self, owner: int, size: int, waiting: int) -> None:
        """A batch comes and is dealt with, or only added up while more is waiting."""
        who = self.owners[owner]
        batch = self._batch(who, size)
        if not batch:
            return
        self.waiting = waiting
        try:
            written = self.world.run(who.ledger.handle(PARTITION, batch))
        except MovedError:
            who.cursor, who.added = who.done, 0
            return
        who.cursor += len(batch)
        who.added = max(who.added, who.cursor)
        if written:
            who.done = who.cursor
            self.history.applied = max(self.history.applied, who.added)

    @rule(
        owner=OWNERS,
        size=SIZES,
        moment=st.sampled_from(get_args(Moment)),
        restarted=st.booleans(),
    )
    def crash(self, owner: int, size: int, moment: Moment, restarted: bool) -> None:
        """The owner dies in the middle, or only loses its connection and tries again."""
        who = self.owners[owner]
        batch = self._batch(who, size)
        if not batch:
            return
        self.waiting = 0
        who.added = max(who.added, who.cursor + len(batch))
        with (
            crash_in_transaction(moment),
            pytest.raises((CrashError, MovedError)) as why,
        ):
            self.world.run(who.ledger.handle(PARTITION, batch))
        who.cursor = who.done
        if why.type is MovedError:
            who.added = 0
        elif moment == "after the commit":
            self.history.applied = max(self.history.applied, who.added)
        if restarted:
            self.take_over(owner)

    @rule(owner=OWNERS)
    def take_over(self, owner: int) -> None:
        """A new process gets the partition and goes on where MongoDB says."""
        who = self.owners[owner] = Owner(self._ledger())
        who.place(self.world.run(who.ledger.resume(PARTITION)))

    @rule(owner=OWNERS)
    def give_back(self, owner: int) -> None:
        """Kafka takes the partition away, with what is added up, and hands it out again."""
        who = self.owners[owner]
        with suppress(MovedError):
            self.world.run(who.ledger.release(PARTITION))
            self.history.applied = max(self.history.applied, who.added)
        who.added = 0
        who.place(self.world.run(who.ledger.resume(PARTITION)))

    @rule(owner=OWNERS, back=SIZES)
    def redeliver(self, owner: int, back: int) -> None:
        """Kafka's commit lies behind: records come again, in batches of other sizes."""
        who = self.owners[owner]
        who.place(max(0, who.done - back))

    def _refresh(self, owner: Owner) -> Refresh:
        # The second owner's clock is late: about midnight they believe in different days.
        late = timedelta(minutes=20) if owner is self.owners[1] else timedelta()
        return Refresh(
            *(self.world.database, self.world.producer, owner.ledger),
            *(lambda: {PARTITION}, lambda: self.now - late),
        )

    @rule(owner=OWNERS)
    def refresh(self, owner: int) -> None:
        """The indices follow."""
        self.world.run(self._refresh(self.owners[owner]).run())

    @rule(owner=OWNERS)
    def refresh_dies(self, owner: int) -> None:
        """It dies when the tallies are written and the indices are not."""
        dying = mock.patch("services.scoring.refresh.refresh_indices", side_effect=CrashError)
        with dying:
            try:
                self.world.run(self._refresh(self.owners[owner]).run())
            except CrashError:
                self.take_over(owner)

    @invariant()
    def every_response_is_counted_once(self) -> None:
        """The buckets hold the distinct responses of what was dealt with, no more, no less."""
        found: Counter[tuple[str, str]] = Counter()

        async def count() -> None:
            async for bucket in self.world.database[BUCKETS].find({"unit": UNIT}):
                for level in ("n1", "n2", "n3", "n4", "n5"):
                    found[bucket["day"], level] += bucket.get(level, 0)

        self.world.run(count())
        assert +found == self.history.distinct(self.history.applied)

    @invariant()
    def every_response_moved_the_chart_once_and_in_order(self) -> None:
        """The chart is the one that the distinct responses give in the order of their offsets."""
        events = {e.source.offset: e for e in self.history.log[: self.history.applied]}
        answers = [
            events[n].occurred_at if events[n].answers["overall"] < 4 else None
            for n in sorted(events)
        ]
        expected = follow(Chart(), answers, design().reference(0, 0), design())
        stored = self.world.run(self.world.database[CHARTS].find_one({"_id": UNIT})) or vars(
            Chart()
        )
        assert {name: stored[name] for name in vars(expected)} == vars(expected)

    def teardown(self) -> None:
        """When all has come and been refreshed, a recount finds no difference."""
        self.world.run(self._come_to_rest())

    async def _come_to_rest(self) -> None:
        ledger = Ledger(self.world.database)
        cursor = await ledger.resume(PARTITION)
        rest = self._batch(Owner(ledger, cursor), len(self.history.log))
        if rest:
            await ledger.handle(PARTITION, rest)
        await self._refresh(Owner(ledger)).run()
        events = {event.source.offset: event for event in self.history.log}
        if events:
            await self.world.database[RESPONSES].insert_many(
                [
                    {"_id": event.id, **event.model_dump(mode="python", exclude={"id"})}
                    for event in events.values()
                ]
            )
        report = await verify(self.world.database, patience=5, progress=None)
        assert report.differences == []
        assert report.responses == len(events)


@pytest.fixture
def world(session_servers: Servers) -> Iterator[World]:
    with world_of(session_servers, "scoring") as world:
        yield world


@pytest.mark.timeout(900)  # a failing history is shrunk for minutes
def test_whatever_happens_every_response_is_counted_once(world: World) -> None:
    Scoring.world = world
    play(Scoring, histories=40, steps=25)
