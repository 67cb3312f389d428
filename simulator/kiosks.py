"""Sends answers as kiosks do: keeps each one until it is acknowledged, retries what was not."""

import asyncio
import itertools
import json
import math
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import aiohttp

from simulator.citizens import Answer
from simulator.faults import Parcel
from simulator.fleet import Fleet
from simulator.ledger import Ledger

_RETRY_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 5.0
_AT_ONCE = 8
"""Requests under way for one kiosk: it has a queue, and stands here for many of its kind."""
_BATCH = 500
_HEARTBEAT_SECONDS = 60.0


class Kiosks:
    """All kiosks of a run, behind one connection pool."""

    def __init__(
        self, session: aiohttp.ClientSession, gateway: str, ledger: Ledger, fleet: Fleet
    ) -> None:
        """Hold where to send, where to write down what was acknowledged, and who signs."""
        self._fleet = fleet
        self._session = session
        self._gateway = gateway
        self._ledger = ledger
        self._under_way: set[asyncio.Task[None]] = set()
        self._queues: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(_AT_ONCE)
        )
        self._stopped = False

    @property
    def under_way(self) -> int:
        """Answers that are not acknowledged yet."""
        return len(self._under_way)

    async def send(self, parcel: Parcel) -> None:
        """Send one answer until the gateway has it or refuses it, then its copies."""
        self._ledger.hand_in(parcel)
        device = parcel.answer["device"]
        async with self._queues[device]:
            for _ in range(1 + parcel.copies):
                status = await self._post("/v1/feedback", parcel.body, device)
                if status == 202:
                    self._ledger.acknowledge(parcel, time.monotonic())
                else:
                    self._ledger.refused += 1

    async def _post(self, path: str, body: bytes, device: str) -> int:
        longest = _RETRY_SECONDS
        while True:
            self._ledger.sent += 1
            pause = 0.0
            try:
                headers = self._fleet.headers(device, path, body)
                async with self._session.post(
                    self._gateway + path, data=body, headers=headers
                ) as response:
                    await response.read()
                    if response.status not in {429, 503}:
                        return response.status
                    pause = float(response.headers.get("Retry-After", pause))
            except (aiohttp.ClientError, TimeoutError):
                pass  # a kiosk cannot tell why; it keeps the answer
            # Ever longer and spread, and the queue of the kiosk waits meanwhile: attempts that grow
            # with what waits keep a gateway down that could recover.
            await asyncio.sleep(max(pause, longest) * random.uniform(0.5, 1.0))  # noqa: S311
            longest = min(2 * longest, _LONGEST_PAUSE_SECONDS)

    async def beat(self) -> None:
        """Show once a minute that every kiosk is there, until this is cancelled."""
        while True:
            await asyncio.gather(*(self._beat(device) for device in self._fleet.devices))
            await asyncio.sleep(_HEARTBEAT_SECONDS)

    async def _beat(self, device: str) -> None:
        path, body = "/v1/heartbeats", b"{}"
        headers = self._fleet.headers(device, path, body)
        try:
            async with self._session.post(
                self._gateway + path, data=body, headers=headers
            ) as response:
                await response.read()
        except (aiohttp.ClientError, TimeoutError):
            pass  # the next one is as good

    async def send_history(self, answers: Sequence[Answer]) -> None:
        """Send many old answers in batches, each kiosk its own, as if it had been cut off."""
        by_device: dict[str, list[Answer]] = defaultdict(list)
        for answer in answers:
            by_device[answer["device"]].append(answer)
        for device, own in by_device.items():
            await self._send_own_history(device, own)

    async def _send_own_history(self, device: str, answers: Sequence[Answer]) -> None:
        for start in range(0, len(answers), _BATCH):
            part = answers[start : start + _BATCH]
            for answer in part:
                self._ledger.hand_in(Parcel(answer, b"", "counted"))
            status = await self._post("/v1/feedback/batch", json.dumps(part).encode(), device)
            if status != 202:
                msg = f"the gateway answered {status} to a batch of well-formed answers"
                raise RuntimeError(msg)
            now = time.monotonic()
            for answer in part:
                self._ledger.acknowledge(Parcel(answer, b"", "counted"), now)

    def stop(self) -> None:
        """Send no new answers: `run` returns."""
        self._stopped = True

    async def run(
        self, next_parcel: Callable[[], Parcel], rate: float, seconds: float = math.inf
    ) -> None:
        """Send answers at a fixed rate, whether or not earlier ones are acknowledged.

        Args:
            next_parcel: makes the next answer.
            rate: answers a second.
            seconds: for how long; until `stop` without it.
        """
        started = time.monotonic()
        for number in itertools.count():
            if self._stopped or number >= rate * seconds:
                return
            pause = started + number / rate - time.monotonic()
            if pause > 0:
                await asyncio.sleep(pause)
            task = asyncio.create_task(self.send(next_parcel()))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def finish(self, patience: float) -> int:
        """Wait until everything is acknowledged; how many answers still are not."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=patience)
        left = list(self._under_way)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        return len(left)


@asynccontextmanager
async def kiosks(gateway: str, ledger: Ledger, fleet: Fleet) -> AsyncIterator[Kiosks]:
    """Kiosks that send to a gateway, and show that they are there, as long as the block runs."""
    connector = aiohttp.TCPConnector(limit=200)
    timeout = aiohttp.ClientTimeout(total=15)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        sending = Kiosks(session, gateway, ledger, fleet)
        beating = asyncio.create_task(sending.beat())
        try:
            yield sending
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
