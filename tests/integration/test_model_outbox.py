"""The outbox's bookkeeping against a model: whatever happens, nothing is lost or told out of order.

Hypothesis invents the histories: alerts that move, receivers that fail, ask for a pause, are gone
and move, two processes that deliver, one that crashes before or after any write or sleeps past its
claim, an operator who retries and enables, and time. A history that fails is shrunk to its
shortest form.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar
from unittest import mock

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from schemas.collections import REGISTRY
from schemas.registry import EntryKind, Registry
from services.gateway.registry.store import write
from services.notify.delivery import deliveries, endpoints, outbox, waiting
from services.notify.delivery.channels import GoneError, NotDeliveredError
from services.notify.delivery.deliveries import BusyError, DeliveryError
from services.notify.delivery.directory import Directories
from services.notify.delivery.outbox import Channel, Entry
from services.notify.delivery.sender import Sender
from services.notify.storage import ENDPOINTS, OUTBOX
from services.notify.wording.message import Message
from services.runtime.cached import Cached
from services.runtime.database import Session
from tests.builders import NOW, OTHER_UNIT, UNIT, entry, small_registry
from tests.post import moved
from tests.servers import Servers
from tests.world import CrashError, World, play, world_of

OFFICES = st.sampled_from([f"unit:{UNIT}", f"unit:{OTHER_UNIT}"])
PROCESSES = st.integers(0, 1)
WRITES = [
    (endpoints, "take"),
    (waiting, "next_for"),
    (waiting, "delivered"),
    (waiting, "not_delivered"),
    (endpoints, "release"),
]
PAUSES = [timedelta(seconds=6), endpoints.LEASE, timedelta(hours=3), timedelta(hours=27)]


class Mood(StrEnum):
    """How a receiver answers."""

    WELL = "well"
    FAILS = "fails"
    ASKS = "asks for a pause"
    GONE = "gone"


class Delivering(RuleBasedStateMachine):
    """The outbox, two processes that deliver from it, the receivers, and what may befall them."""

    world: ClassVar[World]

    @initialize()
    def begin(self) -> None:
        self.now = NOW
        self.put: dict[str, tuple[str, int]] = {}
        self.revisions: dict[tuple[str, int], int] = defaultdict(int)
        self.addresses: dict[str, int] = defaultdict(int)
        self.moods: dict[str, Mood] = defaultdict(lambda: Mood.WELL)
        self.taken: set[str] = set()
        self.inside: set[str] = set()
        self.sleeper: int | None = None
        self.broken: list[AssertionError] = []

        async def empty() -> None:
            for name in (OUTBOX, ENDPOINTS, REGISTRY):
                await self.world.database[name].delete_many({})
            await write(self.world.database, small_registry())

        self.world.run(empty())
        self.registry = Cached(self.world.database, REGISTRY, Registry.of_documents)
        for office in (f"unit:{UNIT}", f"unit:{OTHER_UNIT}"):
            self._point(office)

    def _sender(self) -> Sender:
        return Sender(
            self.world.database,
            Directories(self.registry),
            {Channel.WEBHOOK: self._receive},
            "http://ln.test",
            lambda: self.now,
            jitter=lambda: 0.5,
        )

    def _address(self, office: str) -> str:
        return f"https://agency.example.vn/{office}/{self.addresses[office]}"

    async def _check(self, message: Entry, address: str, receiver: str) -> None:
        """What may come in at all."""
        assert address == self._address(message.agency), "the address is that of today"
        assert self.put[message.id] == (message.alert.alert, message.alert.revision)
        assert receiver not in self.inside, "one at a time"
        earlier = await self.world.database[OUTBOX].count_documents(
            {
                "receiver": receiver,
                "state": "waiting",
                "event.alert": message.alert.alert,
                "event.revision": {"$lt": message.alert.revision},
            }
        )
        assert earlier == 0, "of one alert it is told in order"
        endpoint = await self.world.database[ENDPOINTS].find_one({"_id": receiver})
        assert endpoint is not None
        assert endpoint.get("disabled") is None, "nothing goes to who is gone"

    async def _receive(self, message: Entry, address: str, _: Message) -> None:
        """A receiver's end."""
        receiver = f"webhook/{message.agency}"
        try:
            await self._check(message, address, receiver)
        except AssertionError as error:  # the sender takes what is raised here for its own fault
            self.broken.append(error)
        if self.sleeper is not None:  # the process sleeps past its claim, and another goes on
            self.sleeper = None
            self.now += endpoints.LEASE
            await self._sender().run()
        self.inside.add(receiver)
        try:
            await asyncio.sleep(0)
        finally:
            self.inside.discard(receiver)
        match self.moods[address]:
            case Mood.WELL:
                self.taken.add(message.id)
            case Mood.FAILS:
                raise NotDeliveredError("HTTP 500")
            case Mood.ASKS:
                raise NotDeliveredError("HTTP 429", timedelta(hours=2))
            case Mood.GONE:
                raise GoneError("HTTP 410")

    @rule(office=OFFICES, number=st.sampled_from([1, 1, 1, 2]))
    def alert_moves(self, office: str, number: int) -> None:
        """An alert fires, is over, fires again."""
        self.revisions[office, number] += 1
        alert, revision = f"{number}/{office}", self.revisions[office, number]
        message = Entry(Channel.WEBHOOK, office, moved(alert, office, revision))
        self.put[message.id] = (alert, revision)

        async def work(session: Session) -> None:
            await outbox.put(self.world.database, [message], self.now, session)

        self.world.run(self.world.database.transaction(work))

    @rule(office=OFFICES, mood=st.sampled_from(Mood))
    def receiver_changes(self, office: str, mood: Mood) -> None:
        """A receiver comes to answer otherwise."""
        self.moods[self._address(office)] = mood

    @rule(office=OFFICES)
    def receiver_moves(self, office: str) -> None:
        """The registry is told another address, where all is well."""
        self.addresses[office] += 1
        self._point(office)

    def _point(self, office: str) -> None:
        code = office.partition(":")[2]
        there = entry(EntryKind.UNIT, code, "province:01", webhook=self._address(office))
        self.world.run(write(self.world.database, [there]))
        self.world.run(self.registry.refresh())

    @rule(pause=st.sampled_from(PAUSES))
    def time_passes(self, pause: timedelta) -> None:
        """Nothing else happens."""
        self.now += pause

    @rule(both=st.booleans())
    def deliver(self, both: bool) -> None:
        """One process, or two at a time, deliver what is due."""

        async def run() -> None:
            await asyncio.gather(*(self._sender().run() for _ in range(1 + both)))

        self.world.run(run())

    @rule()
    def deliver_asleep(self) -> None:
        """A process sleeps past its claim just before it reaches a receiver."""
        self.sleeper = 1
        self.world.run(self._sender().run())
        self.sleeper = None

    @rule(where=st.sampled_from(WRITES), after=st.booleans())
    def crash(self, where: tuple[Any, str], after: bool) -> None:
        """A process dies before or after a write of its first delivery."""
        real = getattr(*where)

        async def dying(*given: Any, **named: Any) -> Any:
            if after:
                await real(*given, **named)
            raise CrashError

        with mock.patch.object(*where, dying):
            try:
                self.world.run(self._sender().run())
            except* CrashError:
                pass

    @rule(place=st.integers(0, 20))
    def retry(self, place: int) -> None:
        """An operator has a message tried again, if that can be."""
        if not self.put:
            return
        identity = list(self.put)[place % len(self.put)]

        async def work(session: Session) -> None:
            await deliveries.retry(self.world.database, session, identity, self.now)

        with suppress(DeliveryError, BusyError):
            self.world.run(self.world.database.transaction(work))

    @rule(office=OFFICES)
    def enable(self, office: str) -> None:
        """An operator enables an endpoint, if it is disabled."""

        async def work(session: Session) -> int | None:
            receiver = f"webhook/{office}"
            return await endpoints.enable(self.world.database, receiver, None, self.now, session)

        self.world.run(self.world.database.transaction(work))

    def teardown(self) -> None:
        """When all is well and time has passed, everything was told or given up, in order."""
        self.moods.clear()
        for office in (f"unit:{UNIT}", f"unit:{OTHER_UNIT}"):
            self.enable(office)
        self.world.run(self._come_to_rest())
        for error in self.broken:
            raise error

    async def _come_to_rest(self) -> None:
        told: dict[str, list[tuple[int, datetime]]] = defaultdict(list)
        for _ in range(2):
            self.now += timedelta(hours=27)
            await self._sender().run()
        kept = {d["_id"]: d async for d in self.world.database[OUTBOX].find({})}
        assert kept.keys() == self.put.keys(), "nothing is lost"
        for identity, document in kept.items():
            assert document["state"] in {"delivered", "given_up"}, "nothing waits for ever"
            if document["state"] == "delivered":
                assert identity in self.taken, "what is noted as delivered was taken"
                alert, revision = self.put[identity]
                told[alert].append((revision, document["delivered_at"]))
            else:
                assert document["attempts"] == 10
        for revisions in told.values():
            moments = [moment for _, moment in sorted(revisions)]
            assert moments == sorted(moments), "told in order"


@pytest.fixture
def world(session_servers: Servers) -> Iterator[World]:
    with world_of(session_servers, "notify") as world:
        yield world


@pytest.mark.timeout(900)  # a failing history is shrunk for minutes
def test_whatever_happens_every_message_is_told_in_order_or_given_up(world: World) -> None:
    Delivering.world = world
    play(Delivering, histories=60, steps=40)
