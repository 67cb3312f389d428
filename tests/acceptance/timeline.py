"""Tests that read as timelines: at one second these answers, between two and nine this alert."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

Step = Callable[[], Awaitable[None]]
Check = Callable[[], Awaitable[bool]]


@dataclass(frozen=True)
class At:
    """Something is done at a moment, in seconds from the start."""

    second: float
    what: str
    do: Step


@dataclass(frozen=True)
class Between:
    """Something comes true within a span, and was not true before it."""

    first: float
    last: float
    what: str
    check: Check


@dataclass(frozen=True)
class Never:
    """Something is not true, looked at again and again up to a moment."""

    until: float
    what: str
    check: Check


class _Player:
    """The clock of one timeline."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def _elapsed(self) -> float:
        return time.monotonic() - self._start

    async def act(self, event: At) -> None:
        await asyncio.sleep(max(0.0, event.second - self._elapsed()))
        await event.do()

    async def expect(self, event: Between) -> None:
        while self._elapsed() < event.last:
            if await event.check():
                elapsed = self._elapsed()
                assert elapsed >= event.first, f"too early, at {elapsed:.1f} s: {event.what}"
                return
            await asyncio.sleep(0.1)
        msg = f"not by {event.last:.0f} s: {event.what}"
        raise AssertionError(msg)

    async def exclude(self, event: Never) -> None:
        while self._elapsed() < event.until:
            assert not await event.check(), event.what
            await asyncio.sleep(0.2)


async def play(*events: At | Between | Never) -> None:
    """Play a timeline.

    Raises:
        AssertionError: naming the event that did not happen, happened too early, or happened.
    """
    player = _Player()
    async with asyncio.TaskGroup() as group:
        for event in events:
            match event:
                case At():
                    group.create_task(player.act(event))
                case Between():
                    group.create_task(player.expect(event))
                case Never():
                    group.create_task(player.exclude(event))
