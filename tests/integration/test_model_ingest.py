"""Ingest's bookkeeping against a model: every record gets one verdict, every response counts once.

Hypothesis invents the histories: copies of an event, batches with other boundaries, owners that
crash between any two writes, two owners of one partition, a registry that changes in between.
"""

from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar
from unittest import mock

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from schemas.base import read
from schemas.collections import QUARANTINE, REGISTRY, RESPONSES
from schemas.feedback import FeedbackAccepted, FeedbackSubmitted
from schemas.registry import EntryKind, Registry
from schemas.topics import FEEDBACK_ACCEPTED, FEEDBACK_SUBMITTED
from services.gateway.registry.store import write
from services.ingest import quarantine, responses, voices
from services.ingest.batch import Ingest
from services.ingest.settings import IngestSettings
from services.runtime.cached import Cached
from services.runtime.producer import Producer
from tests.builders import NOW, OTHER_UNIT, entry, record, small_registry, submitted
from tests.servers import Servers, published
from tests.world import CrashError, World, play, world_of

PARTITION = 1
TOPIC = FEEDBACK_SUBMITTED.name
NEW_UNIT = "999.99.99.H99"
OWNERS = st.integers(0, 1)
SIZES = st.integers(1, 6)
WRITES: tuple[tuple[Any, str], ...] = (
    (responses, "store"),
    (quarantine, "keep"),
    (voices, "keep"),
    (Producer, "send_in_order"),
    (Producer, "send"),
)
"""Where a process can die; each is called once in the work on a batch, in this order."""


@dataclass
class Owner:
    """A process that believes the partition is its own, with its view of the registry."""

    ingest: Ingest
    registry: Cached[Registry]
    cursor: int = 0


@dataclass
class History:
    """The partition of feedback.submitted.v1; a record's offset is its place."""

    log: list[FeedbackSubmitted | bytes] = field(default_factory=list)
    published: int = 0
    """Records of feedback.accepted.v1 that are of earlier histories."""


class Ingesting(RuleBasedStateMachine):
    """The partition, its two would-be owners, and what may befall them."""

    world: ClassVar[World]

    def _owner(self) -> Owner:
        registry = Cached(self.world.database, REGISTRY, Registry.of_documents)
        self.world.run(registry.refresh())
        ingest = Ingest(
            self.world.database, self.world.producer, registry, IngestSettings(), lambda: NOW
        )
        return Owner(ingest, registry)

    @initialize()
    def begin(self) -> None:
        self.history = History()

        async def empty() -> None:
            for name in (RESPONSES, QUARANTINE, REGISTRY):
                await self.world.database[name].delete_many({})
            await write(self.world.database, small_registry())
            found = await published(self.world.servers, FEEDBACK_ACCEPTED.name, PARTITION)
            self.history.published = len(found)

        self.world.run(empty())
        self.owners = [self._owner() for _ in range(2)]

    @rule(unit=st.sampled_from([OTHER_UNIT, NEW_UNIT]), count=st.integers(1, 4))
    def submit(self, unit: str, count: int) -> None:
        """Answers come in, perhaps for a unit that nobody knows yet."""
        self.history.log += [submitted(unit=unit) for _ in range(count)]

    @rule(place=st.integers(0, 100), other=st.booleans())
    def submit_again(self, place: int, other: bool) -> None:
        """A kiosk did not hear the acknowledgement; or somebody reuses an id."""
        events = [e for e in self.history.log if isinstance(e, FeedbackSubmitted)]
        if events:
            event = events[place % len(events)]
            changes: dict[str, Any] = {"answers": {"overall": 1}} if other else {}
            self.history.log.append(event.model_copy(update=changes))

    @rule()
    def submit_rubbish(self) -> None:
        """A partner writes to the topic by itself."""
        self.history.log.append(b"not json")

    @rule(unit=st.sampled_from([OTHER_UNIT, NEW_UNIT]), ended=st.booleans(), moved=st.booleans())
    def load_registry(self, unit: str, ended: bool, moved: bool) -> None:
        """A unit comes into being, is said to have ended, or to belong elsewhere."""
        parent = "ministry:G09" if moved else "province:01"
        until = date(2026, 1, 1) if ended else None
        changed = entry(EntryKind.UNIT, unit, parent, valid_to=until)
        self.world.run(write(self.world.database, [changed]))
        for owner in self.owners:
            self.world.run(owner.registry.refresh())

    def _work(self, owner: Owner, size: int) -> Awaitable[None] | None:
        part = self.history.log[owner.cursor : owner.cursor + size]
        batch = [
            record(event, owner.cursor + place, topic=TOPIC, partition=PARTITION)
            for place, event in enumerate(part)
        ]
        return owner.ingest.handle(PARTITION, batch) if batch else None

    @rule(owner=OWNERS, size=SIZES)
    def deliver(self, owner: int, size: int) -> None:
        """A batch comes and is dealt with."""
        who = self.owners[owner]
        if work := self._work(who, size):
            self.world.run(work)
            who.cursor = min(who.cursor + size, len(self.history.log))

    @rule(owner=OWNERS, size=SIZES, where=st.sampled_from(WRITES), after=st.booleans())
    def crash(self, owner: int, size: int, where: tuple[Any, str], after: bool) -> None:
        """The owner dies before or after a write; a new one goes on where Kafka's commit says."""
        who = self.owners[owner]
        work = self._work(who, size)
        if work is None:
            return
        real = getattr(*where)

        async def dying(*given: Any, **named: Any) -> Any:
            if after:
                await real(*given, **named)
            raise CrashError

        with mock.patch.object(*where, dying), pytest.raises(CrashError):
            self.world.run(work)
        cursor = who.cursor
        self.owners[owner] = self._owner()
        self.owners[owner].cursor = cursor

    @rule(owner=OWNERS, back=SIZES)
    def redeliver(self, owner: int, back: int) -> None:
        """Kafka's commit lies behind: records come again, in batches of other sizes."""
        who = self.owners[owner]
        who.cursor = max(0, who.cursor - back)

    def teardown(self) -> None:
        """When all has been dealt with, every record has one verdict and none is missing."""
        self.world.run(self._come_to_rest())

    async def _come_to_rest(self) -> None:
        for owner in self.owners:
            if work := self._work(owner, len(self.history.log)):
                await work
        stored = {d["_id"]: d async for d in self.world.database[RESPONSES].find({})}
        aside = {d["source"]["offset"] async for d in self.world.database[QUARANTINE].find({})}
        verdicts = {d["source"]["offset"]: "counted" for d in stored.values()}
        for document in stored.values():
            for copy in document.get("copies", []):
                assert copy["offset"] not in verdicts, "a record is counted and a copy"
                verdicts[copy["offset"]] = "copy"
        assert not aside & verdicts.keys(), "a record is set aside and counted"
        assert aside | verdicts.keys() == set(range(len(self.history.log))), "a record is missing"

        out = await published(self.world.servers, FEEDBACK_ACCEPTED.name, PARTITION)
        events = [read(FeedbackAccepted, r.value or b"") for r in out[self.history.published :]]
        by_source = {event.source.offset: event for event in events}
        counted = {d["source"]["offset"]: d for d in stored.values()}
        assert by_source.keys() == counted.keys(), "published is what is stored"
        for offset, event in by_source.items():
            assert (event.id, event.above) == (counted[offset]["_id"], counted[offset]["above"])
        highest = -1
        for event in events:
            # A reader may take the highest offset it has seen for all below.
            below = {o for o in counted if highest < o < event.source.offset}
            assert not below, "a response is passed over"
            highest = max(highest, event.source.offset)


@pytest.fixture
def world(session_servers: Servers) -> Iterator[World]:
    with world_of(session_servers, "ingest") as world:
        yield world


@pytest.mark.timeout(900)  # a failing history is shrunk for minutes
def test_whatever_happens_every_record_gets_one_verdict(world: World) -> None:
    Ingesting.world = world
    play(Ingesting, histories=80, steps=20)
