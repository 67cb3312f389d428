"""Delivers from the outbox: to many receivers at a time, to each one message after another.

A receiver that hangs costs its own slot and nothing else: what becomes due for others meanwhile
goes out meanwhile.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from method.period import local_day
from services.notify.delivery import endpoints, waiting
from services.notify.delivery.attempt import Attempt
from services.notify.delivery.channels import Deliver
from services.notify.delivery.directory import Directories
from services.notify.delivery.endpoints import Closed
from services.notify.delivery.outbox import Channel
from services.notify.delivery.schedule import Jitter
from services.notify.delivery.waiting import Due
from services.runtime import tracing
from services.runtime.clock import Clock
from services.runtime.database import Database, Session

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.25
_AT_ONCE: Final = {Channel.TOPIC: 8, Channel.WEBHOOK: 64, Channel.EMAIL: 4, Channel.CHAT: 4}
"""Deliveries under way in one process."""


class Sender:
    """The delivery of one process; several may share an outbox."""

    def __init__(
        self,
        database: Database,
        directories: Directories,
        channels: Mapping[Channel, Deliver],
        public_url: str,
        clock: Clock,
        *,
        jitter: Jitter = random.random,
    ) -> None:
        """Hold what the work needs."""
        self._database = database
        self._directories = directories
        self._clock = clock
        self._attempt = Attempt(database, directories, channels, public_url, clock, jitter)

    async def run(self) -> None:
        """Deliver what is due, and what becomes due meanwhile; back when nothing is under way."""
        under_way: dict[asyncio.Task[None], Due] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                for found in await self._startable(under_way.values()):
                    under_way[group.create_task(self._serve(found.receiver))] = found
                if not under_way:
                    return
                await asyncio.wait(
                    under_way, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                under_way = {task: one for task, one in under_way.items() if not task.done()}

    async def _startable(self, under_way: Iterable[Due]) -> list[Due]:
        """Receivers to begin with: something is due, they are open, their channel has room."""
        now = self._clock()
        found = await waiting.due(self._database, now)
        if not found:
            return []
        closed = await endpoints.closed(self._database, now)
        busy = {one.receiver for one in under_way}
        room = Counter(_AT_ONCE)
        room.subtract(one.channel for one in under_way)
        start = []
        for one in found:
            if room[one.channel] <= 0 or one.receiver in busy:
                continue
            if one.receiver in closed and not await self._reopened(one, closed[one.receiver], now):
                continue
            room[one.channel] -= 1
            start.append(one)
        return start

    async def _reopened(self, one: Due, closed: Closed, now: datetime) -> bool:
        """Enable a receiver whose address is another by now than the one that is gone."""
        gone = closed.target
        day = local_day(now)
        address = self._directories.value.address(one.channel, one.agency, one.route, day)
        if gone is None or address is None or address == gone:
            return False

        async def work(session: Session) -> int | None:
            return await endpoints.enable(self._database, one.receiver, gone, now, session)

        if await self._database.transaction(work) is not None:
            log.info("%s has a new address and is enabled again", one.receiver)
        return True

    async def _serve(self, receiver: str) -> None:
        """Deliver the next message of one receiver, if nobody else is at it."""
        now = self._clock()
        claim = await endpoints.take(self._database, receiver, now)
        if claim is None:
            return
        # Looked up behind the claim: nothing that has to be told before it can come in between.
        taken = await waiting.next_for(self._database, receiver, now)
        with tracing.continuing(taken.content.get("traceparent") if taken else None):
            asked = await self._attempt(taken) if taken else {}
        await endpoints.release(self._database, receiver, claim, asked)
