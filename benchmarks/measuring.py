"""What the scripts share: this machine in words, a program that is watched at its work, its time
and memory, medians, and how a script is called and answers."""

import argparse
import asyncio
import json
import os
import platform
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

import psutil

from deploy.local.process import Process
from langnghe.console import FAILED, notes
from langnghe.up import interruptible

_LOOK_SECONDS = 0.25
_MIB = 1024 * 1024
_TAIL_LINES = 40


def machine() -> dict[str, Any]:
    """Where it was measured, for whoever compares."""
    frequency = psutil.cpu_freq()
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "mhz": round(frequency.current) if frequency else None,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


class EndedError(Exception):
    """A program ended while somebody counted on it."""


class Cost(NamedTuple):
    """What a piece of work took.

    Attributes:
        seconds: on the clock, from when it was begun.
        cpu_seconds: of the process and its children.
        mib: most resident memory of them that was seen, looking four times a second.
    """

    seconds: float
    cpu_seconds: float
    mib: float


class Watched(Process):
    """A program whose clock runs from its start, and whose last lines say why it ended."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Nothing runs until `start`."""
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        super().__init__(name, command, environment, lambda _name, line: self._tail.append(line))
        self.started = 0.0

    async def start(self) -> None:
        """Run it, and begin to count the seconds."""
        self.started = time.monotonic()
        await super().start()

    def check(self) -> None:
        """See that it runs.

        Raises:
            EndedError: when it ended, with the last lines that it wrote.
        """
        if not self.running:
            said = "\n".join(self._tail)
            msg = f"{self.name} ended by itself. Its last lines:\n{said}"
            raise EndedError(msg)

    async def until(self, done: Callable[[], Awaitable[bool]], patience: float) -> Cost:
        """Watch it from its start until its work is done.

        Args:
            done: asked four times a second.
            patience: seconds.

        Raises:
            EndedError: when it ends before.
            TimeoutError: when it takes longer.
        """
        most = 0.0
        async with asyncio.timeout(patience):
            while not await done():
                self.check()
                most = max(most, self.resident())
                await asyncio.sleep(_LOOK_SECONDS)
        seconds = time.monotonic() - self.started
        return Cost(seconds, self.cpu_seconds(), max(most, self.resident()))

    def resident(self) -> float:
        """Memory of it and its children, in MiB."""
        return sum(one.memory_info().rss for one in self._family()) / _MIB

    def cpu_seconds(self) -> float:
        """Processor time of it and its children."""
        times = [one.cpu_times() for one in self._family()]
        return sum(one.user + one.system for one in times)

    def _family(self) -> list[psutil.Process]:
        process = psutil.Process(self.pid)
        return [process, *process.children(recursive=True)]


def medians(costs: Mapping[str, Iterable[Cost]], count: int) -> dict[str, dict[str, float]]:
    """Rates and costs of each contender over its rounds.

    Args:
        costs: by contender.
        count: of what was worked off in each round.
    """
    found = {}
    for name, rounds in costs.items():
        several = list(rounds)
        seconds = median(cost.seconds for cost in several)
        found[name] = {
            "seconds": round(seconds, 2),
            "per_second": round(count / seconds),
            "cpu_seconds": round(median(cost.cpu_seconds for cost in several), 2),
            "mib": round(max(cost.mib for cost in several)),
        }
    return found


def goals(reached: Mapping[str, bool]) -> dict[str, dict[str, str]]:
    """Whether each goal is reached, in words that cannot be overlooked."""
    return {"goals": {goal: "reached" if yes else "NOT REACHED" for goal, yes in reached.items()}}


def command(
    doc: str | None, work: Callable[..., Coroutine[Any, Any, dict[str, Any]]], **options: float
) -> None:
    """Do a script's work as its caller wants it; print the machine and the outcome as JSON.

    Ctrl-C and SIGTERM end its servers and contenders, too; the exit code is then 1.

    Args:
        doc: what `--help` says.
        work: takes the options by their names.
        options: with what they are if nobody says.
    """
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    for name, usual in options.items():
        # Only what has a help text is shown with its default.
        parser.add_argument(f"--{name}", type=type(usual), default=usual, help=" ")
    arguments = vars(parser.parse_args())
    where = {"machine": machine()}

    async def measured() -> dict[str, Any]:
        task = asyncio.create_task(work(**arguments))
        interruptible(task)
        return await task

    try:
        found = asyncio.run(measured())
    except asyncio.CancelledError:
        notes.print("interrupted")
        sys.exit(FAILED)
    print(json.dumps(where | found, indent=2, ensure_ascii=False))
