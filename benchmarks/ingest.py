"""Submitted answers to checked, stored and published ones, beside a bare loop that checks nothing.

`python -m benchmarks.ingest`: a backlog of feedback.submitted.v1; the clock starts with the process
and stops when all have been published. The two take turns, each with topics and a database anew.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from rich.progress import Progress

from benchmarks import backlog
from benchmarks.measuring import Cost, goals, machine, medians, until
from deploy.local.process import Process
from langnghe.console import notes
from schemas.registry import EntryKind, RegistryEntry
from schemas.topics import FEEDBACK_ACCEPTED, FEEDBACK_SUBMITTED
from services.gateway.registry.store import write
from services.runtime.database import Database
from services.runtime.groups import spans
from tests.builders import entry
from tests.servers import DATABASE, Servers, find_servers, keeping, reset

OURS: Final = "ingest"
BARE: Final = "bare loop"
_PATIENCE: Final = 1200


def _commands(servers: Servers) -> dict[str, Sequence[str]]:
    bare = [servers.kafka_url, servers.mongo_url, DATABASE]
    return {
        OURS: [sys.executable, "-m", "langnghe", "run", "ingest"],
        BARE: [sys.executable, "-m", "benchmarks.peers.bare_ingest", *bare],
    }


def _registry() -> list[RegistryEntry]:
    return [
        entry(EntryKind.PROVINCE, "01"),
        *(
            entry(EntryKind.UNIT, backlog.unit(number), "province:01")
            for number in range(backlog.UNITS)
        ),
    ]


async def begin(servers: Servers, count: int, progress: Progress) -> None:
    """Topics and a database anew, a registry, and a backlog."""
    await reset(servers)
    database = Database(servers.mongo_url, DATABASE, application="benchmark")
    await write(database, _registry())
    database.close()
    answers = backlog.submitted_answers(count, backlog.UNITS)
    await backlog.fill(servers.kafka_url, FEEDBACK_SUBMITTED, answers, count, progress)


async def _measure(name: str, servers: Servers, count: int) -> Cost:
    lines: list[str] = []
    process = Process(
        name,
        _commands(servers)[name],
        servers.environment(),
        lambda _name, line: lines.append(line),
    )

    async def published() -> bool:
        if not process.running:
            raise RuntimeError(f"{name} ended:\n" + "\n".join(lines[-20:]))
        held = await spans(servers.kafka_url, FEEDBACK_ACCEPTED)
        return sum(span.end for span in held.values()) >= count

    began = time.monotonic()
    await process.start()
    try:
        return await until(published, process.pid or 0, began, _PATIENCE)
    finally:
        await process.stop()


async def run(count: int, rounds: int) -> dict[str, object]:
    """Let the two take turns."""
    costs: dict[str, list[Cost]] = defaultdict(list)
    before = machine()
    async with find_servers() as servers:
        with Progress(console=notes) as progress, keeping(servers.mongo_url):
            for number in range(1, rounds + 1):
                for name in (OURS, BARE):
                    await begin(servers, count, progress)
                    cost = await _measure(name, servers, count)
                    costs[name].append(cost)
                    notes.print(f"round {number}: {name} {count / cost.seconds:,.0f} a second")
    found = medians(costs, count)
    ratio = round(found[OURS]["per_second"] / found[BARE]["per_second"], 2)
    return {
        "machine": before,
        "answers": count,
        "contenders": found,
        "ratios": {f"{OURS} / {BARE}": ratio},
    } | goals({f"at least 0.7 x {BARE}": ratio >= 0.7})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    print(json.dumps(asyncio.run(run(arguments.answers, arguments.rounds)), indent=2))


if __name__ == "__main__":
    main()
