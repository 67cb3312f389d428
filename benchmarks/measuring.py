"""What the scripts share: this machine in words, a process's time and memory, ratios of medians."""

import asyncio
import os
import platform
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from statistics import median
from typing import Any, NamedTuple

import psutil

_LOOK_SECONDS = 0.25
_MIB = 1024 * 1024


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


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def resident(process: psutil.Process) -> float:
    """Resident memory of a process and its children, in MiB."""
    return sum(one.memory_info().rss for one in _family(process)) / _MIB


async def until(
    done: Callable[[], Awaitable[bool]], pid: int, began: float, patience: float
) -> Cost:
    """Watch a process until its work is done.

    Args:
        done: asked four times a second.
        pid: of the process.
        began: `time.monotonic()` when the clock started.
        patience: seconds.

    Raises:
        TimeoutError: when it takes longer.
    """
    process = psutil.Process(pid)
    most = 0.0
    async with asyncio.timeout(patience):
        while not await done():
            most = max(most, resident(process))
            await asyncio.sleep(_LOOK_SECONDS)
    seconds = time.monotonic() - began
    times = [one.cpu_times() for one in _family(process)]
    return Cost(seconds, sum(one.user + one.system for one in times), max(most, resident(process)))


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
