"""A backlog of accepted answers to durable rolling indices, beside engines that only count.

`python -m benchmarks.scoring`: scoring counts every answer exactly once and makes every window
and roll-up of every scope; its peers keep a histogram a unit and hour, exactly once, nothing else.
Clocks start with the processes and stop when the last answer is durable (ours: when it is in every
index). Topics, state and groups are new in every round; the contenders take turns.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final

from rich.progress import Progress

from benchmarks import backlog
from benchmarks.measuring import Cost, goals, machine, medians, until
from benchmarks.peers import Peer, kafka_streams, prepare, quix_streams
from deploy.local.process import Process
from langnghe.console import notes
from schemas.collections import POSITIONS
from schemas.topics import FEEDBACK_ACCEPTED
from services.runtime.database import Database
from services.runtime.groups import committed, spans
from tests.servers import DATABASE, Servers, find_servers, keeping, reset

OURS: Final = "scoring"
QUIX: Final = "Quix Streams"
STREAMS: Final = "Kafka Streams"
_PATIENCE: Final = 1800

Start = Callable[[str, Path], AbstractAsyncContextManager[Peer]]


async def _quix(servers: Servers, _count: int) -> Cost:
    return await _peer(quix_streams, servers)


async def _streams(servers: Servers, _count: int) -> Cost:
    return await _peer(kafka_streams, servers)


async def _ours(servers: Servers, count: int) -> Cost:
    database = Database(servers.mongo_url, DATABASE, application="benchmark")
    lines: list[str] = []
    scoring = Process(
        "scoring",
        [sys.executable, "-m", "langnghe", "run", "scoring"],
        servers.environment(),
        lambda _name, line: lines.append(line),
    )

    async def visible() -> bool:
        if not scoring.running:
            raise RuntimeError("scoring ended:\n" + "\n".join(lines[-20:]))
        positions = [one async for one in database[POSITIONS].find({})]
        seen: int = sum(one["refreshed"] + 1 for one in positions)
        return seen >= count

    began = time.monotonic()
    await scoring.start()
    try:
        return await until(visible, scoring.pid or 0, began, _PATIENCE)
    finally:
        await scoring.stop()
        database.close()


async def _peer(start: Start, servers: Servers) -> Cost:
    with tempfile.TemporaryDirectory(prefix="langnghe-peer-") as folder:
        async with start(servers.kafka_url, Path(folder)) as peer:
            ends = await spans(servers.kafka_url, FEEDBACK_ACCEPTED)

            async def through() -> bool:
                peer.check()
                standing = await committed(servers.kafka_url, [peer.group])
                places = standing[peer.group].get(FEEDBACK_ACCEPTED.name, {})
                return places == {partition: span.end for partition, span in ends.items()}

            return await until(through, peer.pid, peer.started, _PATIENCE)


async def run(count: int, rounds: int) -> dict[str, object]:
    """Let the contenders take turns, every round with a new backlog."""
    await asyncio.to_thread(prepare)
    costs: dict[str, list[Cost]] = defaultdict(list)
    before = machine()
    async with find_servers() as servers:
        with Progress(console=notes) as progress, keeping(servers.mongo_url):
            for number in range(1, rounds + 1):
                await reset(servers)
                answers = backlog.accepted_answers(count, backlog.UNITS)
                await backlog.fill(servers.kafka_url, FEEDBACK_ACCEPTED, answers, count, progress)
                for name, contender in {OURS: _ours, QUIX: _quix, STREAMS: _streams}.items():
                    cost = await contender(servers, count)
                    costs[name].append(cost)
                    rate = f"{count / cost.seconds:,.0f} a second"
                    notes.print(f"round {number}: {name} {rate}, {cost.mib:.0f} MiB")
    found = medians(costs, count)
    ratios = {
        f"{OURS} / {name}": round(found[OURS]["per_second"] / found[name]["per_second"], 2)
        for name in (QUIX, STREAMS)
    }
    return {"machine": before, "answers": count, "contenders": found, "ratios": ratios} | goals(
        {
            f"at least 4 x {QUIX}": ratios[f"{OURS} / {QUIX}"] >= 4,
            f"at least 1.2 x {STREAMS}": ratios[f"{OURS} / {STREAMS}"] >= 1.2,
            "at most 300 MiB": found[OURS]["mib"] <= 300,
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=1_500_000)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    print(json.dumps(asyncio.run(run(arguments.answers, arguments.rounds)), indent=2))


if __name__ == "__main__":
    main()
