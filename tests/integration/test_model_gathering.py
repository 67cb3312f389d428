"""Mails of one moment against a model: each change is told once and in order, whatever happens.

Hypothesis invents the histories: critical alerts that move, time, two processes that gather, one
that crashes before or after any of its writes, and a mail server that takes mails, or not.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, ClassVar
from unittest import mock

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from schemas.alert import Severity
from schemas.collections import REGISTRY
from schemas.registry import EntryKind, Registry
from services.gateway.registry.store import write
from services.notify.delivery import endpoints, gathering, outbox, waiting
from services.notify.delivery.channels import NotDeliveredError
from services.notify.delivery.content import Told, tells
from services.notify.delivery.directory import Directories
from services.notify.delivery.gathering import Gathering
from services.notify.delivery.outbox import Channel, Entry
from services.notify.delivery.sender import Sender
from services.notify.storage import ENDPOINTS, GATHERED, OUTBOX
from services.notify.wording.message import Message
from services.runtime.cached import Cached
from services.runtime.database import Session
from tests.builders import NOW, UNIT, entry, small_registry
from tests.post import moved
from tests.servers import Servers
from tests.world import CrashError, World, play, world_of

AGENCY = f"unit:{UNIT}"
WAIT = timedelta(minutes=1)
PAUSES = [WAIT / 2, WAIT, timedelta(minutes=10), timedelta(hours=27)]
WRITES = [(outbox, "put"), (endpoints, "take"), (waiting, "delivered"), (waiting, "not_delivered")]


class Gathered(RuleBasedStateMachine):
    """What is gathered for one agency, the outbox, and the agency's mailbox."""

    world: ClassVar[World]

    @initialize()
    def begin(self) -> None:
        self.now = NOW
        self.well = True
        self.revisions: dict[int, int] = defaultdict(int)
        self.moved: set[Told] = set()
        self.taken: dict[str, list[Told]] = {}
        self.broken: list[AssertionError] = []

        async def empty() -> None:
            for name in (OUTBOX, ENDPOINTS, GATHERED, REGISTRY):
                await self.world.database[name].delete_many({})
            there = entry(EntryKind.UNIT, UNIT, "province:01", email="office@example.vn")
            await write(self.world.database, [*small_registry(), there])
            await self.registry.refresh()

        self.registry = Cached(self.world.database, REGISTRY, Registry.of_documents)
        self.world.run(empty())

    def _gathering(self) -> Gathering:
        return Gathering(self.world.database, Directories(self.registry), WAIT, lambda: self.now)

    def _sender(self) -> Sender:
        return Sender(
            self.world.database,
            Directories(self.registry),
            {Channel.EMAIL: self._receive},
            "http://ln.test",
            lambda: self.now,
            jitter=lambda: 0.5,
        )

    async def _receive(self, mail: Entry, _address: str, _: Message) -> None:
        told = list(tells(mail.event))
        try:
            assert self.taken.get(mail.id, told) == told, "an id says the same every time"
            for identity, before in self.taken.items():
                for alert, revision in before if identity != mail.id else ():
                    assert Told(alert, revision) not in told, "nothing has two ids"
                    later = [one for one in told if one.of == alert]
                    assert all(one.number > revision for one in later), "told in order"
        except AssertionError as error:  # the sender takes what is raised here for its own fault
            self.broken.append(error)
        if not self.well:
            msg = "SMTP 451"
            raise NotDeliveredError(msg)
        self.taken[mail.id] = told

    @rule(number=st.integers(1, 3))
    def alert_moves(self, number: int) -> None:
        """An alert fires, is over, fires again."""
        self.revisions[number] += 1
        event = moved(f"{number}/{AGENCY}", AGENCY, self.revisions[number])
        event = event.model_copy(update={"severity": Severity.CRITICAL})
        mail = Entry(Channel.EMAIL, AGENCY, event)
        self.moved.update(tells(event))

        async def work(session: Session) -> None:
            await gathering.put(self.world.database, [mail], self.now, session)

        self.world.run(self.world.database.transaction(work))

    @rule(pause=st.sampled_from(PAUSES))
    def time_passes(self, pause: timedelta) -> None:
        """Nothing else happens."""
        self.now += pause

    @rule(well=st.booleans())
    def server_changes(self, well: bool) -> None:
        """The mail server comes to take mails, or not to."""
        self.well = well

    @rule()
    def gather(self) -> None:
        """Two processes gather at a time."""

        async def both() -> None:
            await asyncio.gather(self._gathering().run(), self._gathering().run())

        self.world.run(both())

    @rule()
    def deliver(self) -> None:
        """A process delivers what is due."""
        self.world.run(self._sender().run())

    @rule(where=st.sampled_from(WRITES), after=st.booleans())
    def crash(self, where: tuple[Any, str], after: bool) -> None:
        """A process dies before or after one of its writes."""
        real = getattr(*where)

        async def dying(*given: Any, **named: Any) -> Any:
            if after:
                await real(*given, **named)
            raise CrashError

        with mock.patch.object(*where, dying):
            try:
                self.world.run(self._gathering().run())
            except CrashError:
                return
            try:
                self.world.run(self._sender().run())
            except* CrashError:
                pass

    def teardown(self) -> None:
        """When the mail server is well again, all was told, given up, or not worth a mail."""
        self.well = True
        self.world.run(self._come_to_rest())
        for error in self.broken:
            raise error

    async def _come_to_rest(self) -> None:
        for _ in range(4):
            self.now += timedelta(hours=27)
            await self._gathering().run()
            await self._sender().run()
        assert await self.world.database[GATHERED].count_documents({}) == 0
        kept = [document async for document in self.world.database[OUTBOX].find({})]
        assert all(document["state"] in {"delivered", "given_up"} for document in kept)
        written = [Told(**told) for document in kept for told in document["tells"]]
        assert len(written) == len(set(written)), "nothing is told twice"
        assert set(written) <= self.moved
        for number, last in self.revisions.items():
            told = [one.number for one in written if one.of == f"{number}/{AGENCY}"]
            # Left out is only what a later change in the same mail overtook, and both where they
            # are the beginning and the end.
            over = last % 2 == 0
            assert last in told or (over and last - 1 not in told), "it is told how it stands"


@pytest.fixture
def world(session_servers: Servers) -> Iterator[World]:
    with world_of(session_servers, "notify") as world:
        yield world


@pytest.mark.timeout(900)  # a failing history is shrunk for minutes
def test_whatever_happens_every_change_is_mailed_once_and_in_order(world: World) -> None:
    Gathered.world = world
    play(Gathered, histories=40, steps=30)
