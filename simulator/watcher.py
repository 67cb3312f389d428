"""Watches /v1/live as a page does: when did which answer become visible, which alerts came?"""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp

from simulator.ledger import Ledger

_LONGEST_WINDOW = "90d"


class Sighting(NamedTuple):
    """When an answer was acknowledged and when its index was visible, on a monotonic clock."""

    acknowledged_at: float
    visible_at: float

    @property
    def waited(self) -> float:
        """Seconds between the two."""
        return max(0.0, self.visible_at - self.acknowledged_at)


class Watcher:
    """What a page that is open all the time has seen."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self.alerts: list[dict[str, Any]] = []
        self._seen: dict[str, list[tuple[float, int | None]]] = defaultdict(list)

    def _on_event(self, kind: str, data: dict[str, Any]) -> None:
        if kind == "alert":
            self.alerts.append(data)
        elif kind == "index":
            scope: str = data["scope"]
            # None while the figure is withheld because it is small or protects one that is.
            n: int | None = data["windows"][_LONGEST_WINDOW]["current"]["n"]
            self._seen[scope].append((time.monotonic(), n))

    async def _follow(self, session: aiohttp.ClientSession, url: str) -> None:
        while True:
            try:
                async with session.get(url) as response:
                    kind = ""
                    async for raw in response.content:
                        name, _, value = raw.decode().rstrip("\r\n").partition(": ")
                        if name == "event":
                            kind = value
                        elif name == "data":
                            self._on_event(kind, json.loads(value))
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(0.2)

    def sightings(self, ledger: Ledger, units: list[str], before: dict[str, int]) -> list[Sighting]:
        """When each acknowledged answer became visible.

        The j-th acknowledged answer of a unit is visible once the unit's n has grown by j: a unit
        lives in one partition, so answers become visible in the order in which Kafka has them.
        Answers that came while the unit's figure was withheld are left out: when it is shown again
        says nothing of how long they took.

        Args:
            ledger: of the run.
            units: to look at.
            before: n of each unit, and so acknowledgements to leave out, when watching began.
        """
        result: list[Sighting] = []
        for unit in units:
            acknowledged = ledger.acknowledged_at(unit)
            reached = before.get(unit, 0)
            withheld = False
            for moment, n in self._seen[f"unit:{unit}"]:
                if n is None:
                    withheld = True
                    continue
                if withheld:
                    reached = max(reached, min(n, len(acknowledged)))
                    withheld = False
                while reached < min(n, len(acknowledged)):
                    result.append(Sighting(acknowledged[reached], moment))
                    reached += 1
        return result

    def shown_at(self, unit: str, n: int) -> float | None:
        """When a figure of so many answers of a unit was first shown, on a monotonic clock."""
        moments = (at for at, seen in self._seen[f"unit:{unit}"] if seen is not None and seen >= n)
        return next(moments, None)

    def shown(self, unit: str) -> int:
        """The largest n that was shown of a unit."""
        seen = self._seen[f"unit:{unit}"]
        return max((n for _, n in seen if n is not None), default=0)


@asynccontextmanager
async def watching(gateway: str) -> AsyncIterator[Watcher]:
    """A page open on a gateway, as long as the block runs."""
    watcher = Watcher()
    timeout = aiohttp.ClientTimeout(total=None, connect=5)
    connector = aiohttp.TCPConnector()
    # An index update with all its windows is one line of several kilobytes.
    async with aiohttp.ClientSession(
        timeout=timeout, connector=connector, read_bufsize=2**20
    ) as session:
        task = asyncio.create_task(watcher._follow(session, f"{gateway}/v1/live"))  # noqa: SLF001
        try:
            yield watcher
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
