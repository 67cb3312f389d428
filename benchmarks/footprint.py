"""What the whole local stack needs: memory at rest and at work, and the time to start.

`python -m benchmarks.footprint`: memory is resident memory, process by process, at its most while
nothing happens and while answers come in, in batches as from a portal, and are counted.
"""

import asyncio
import tempfile
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psutil
from rich.progress import track

from benchmarks import backlog
from benchmarks.measuring import command, goals
from deploy.local.stack import SERVICES
from langnghe.console import notes
from tests.builders import response
from tests.stack import Running, below_target, running_stack

_RULES: Final = below_target(for_="5m", keep_firing_for="1h")
_UNITS: Final = 300
_BATCH: Final = 50
_MIB: Final = 1024 * 1024


def _memory(stack: Running) -> dict[str, float]:
    processes = stack.stack.supervisor.processes
    return {one.name: psutil.Process(one.pid).memory_info().rss / _MIB for one in processes}


def _most(looks: list[dict[str, float]]) -> dict[str, int]:
    found: dict[str, float] = defaultdict(float)
    for look in looks:
        for name, mib in look.items():
            found[name] = max(found[name], mib)
    return {name: round(mib) for name, mib in found.items()}


async def run(rate: float, seconds: float) -> dict[str, Any]:
    """Start it, leave it alone, then give it work."""
    began = time.monotonic()
    idle, loaded = [], []
    with tempfile.TemporaryDirectory(prefix="langnghe-bench-") as folder:
        async with running_stack(Path(folder) / "stack", _RULES) as stack:
            start = time.monotonic() - began
            await stack.load(backlog.registry(_UNITS))
            for _ in track(range(int(seconds)), "at rest", console=notes):
                await asyncio.sleep(1)
                idle.append(_memory(stack))
            began = time.monotonic()
            for number in track(range(int(rate * seconds / _BATCH)), "at work", console=notes):
                await asyncio.sleep(max(0.0, began + number * _BATCH / rate - time.monotonic()))
                now = datetime.now(UTC).isoformat()
                units = [backlog.unit((number * _BATCH + n) % _UNITS) for n in range(_BATCH)]
                await stack.hand_in(*(response(unit=unit, occurred_at=now) for unit in units))
                loaded.append(_memory(stack))
    at_rest, at_work = _most(idle), _most(loaded)
    ours = {
        "at rest": sum(at_rest[name] for name in SERVICES),
        "at work": sum(at_work[name] for name in SERVICES),
    }
    return {
        "seconds_to_start": round(start, 1),
        "answers_a_second": rate,
        "mib_at_rest": at_rest,
        "mib_at_work": at_work,
        "mib_of_our_services": ours,
    } | goals({f"ours {when} at most 400 MiB": mib <= 400 for when, mib in ours.items()})


if __name__ == "__main__":
    command(__doc__, run, rate=500.0, seconds=30.0)
