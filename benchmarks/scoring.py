"""A backlog of accepted answers to durable rolling indices, beside engines that only count.

`python -m benchmarks.scoring`: scoring counts every answer exactly once and makes every window
and roll-up of every scope; its peers keep a histogram a unit and hour, exactly once, nothing else.
A bare loop on scoring's own libraries does that, too: what they take when nothing is made of the
counts. Clocks start with the processes and stop when the last answer is durable (ours: when it is
in every index). Topics, state and groups are new in every round; the contenders take turns.
"""

import asyncio
import tempfile
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any, Final

from rich.progress import Progress

from benchmarks import backlog
from benchmarks.measuring import Cost, command, goals, medians
from benchmarks.ours import anew, ours, seen
from benchmarks.peers.bare_scoring import POSITIONS
from benchmarks.peers.installing import prepare
from benchmarks.peers.running import BARE, PEERS, QUIX, STREAMS, Start, bare
from langnghe.console import notes
from schemas.topics import FEEDBACK_ACCEPTED
from services.runtime.database import Database
from tests.servers import DATABASE, Servers, find_servers, keeping

OURS: Final = "scoring"
_PATIENCE: Final = 1800


async def scored(servers: Servers, count: int) -> Cost:
    """Let scoring work off a backlog until every index holds all of it."""
    database = Database(servers.mongo_url, DATABASE, application="benchmark")

    async def visible() -> bool:
        return await seen(database) >= count

    try:
        async with ours("scoring", servers) as scoring:
            return await scoring.until(visible, _PATIENCE)
    finally:
        database.close()


async def _bare(servers: Servers, count: int) -> Cost:
    database = Database(servers.mongo_url, DATABASE, application="benchmark")

    async def durable() -> bool:
        counted: int = sum([one["next"] async for one in database[POSITIONS].find({})])
        return counted >= count

    try:
        async with bare("bare_scoring", servers) as process:
            return await process.until(durable, _PATIENCE)
    finally:
        database.close()


async def _peer(start: Start, servers: Servers) -> Cost:
    with tempfile.TemporaryDirectory(prefix="langnghe-peer-") as folder:
        async with start(servers.kafka_url, Path(folder)) as peer:
            return await peer.until(partial(peer.through, servers.kafka_url), _PATIENCE)


async def run(answers: int, rounds: int) -> dict[str, Any]:
    """Let the contenders take turns, every round with a new backlog."""
    await asyncio.to_thread(prepare)
    costs: dict[str, list[Cost]] = defaultdict(list)

    def note(name: str, cost: Cost) -> None:
        costs[name].append(cost)
        notes.print(f"{name}: {answers / cost.seconds:,.0f} a second, {cost.mib:.0f} MiB")

    async with find_servers() as servers:
        with Progress(console=notes) as progress, keeping(servers.mongo_url):
            for _ in range(rounds):
                await anew(servers)
                given = backlog.accepted_answers(backlog.UNITS, backlog.until_now(answers))
                await backlog.fill(servers.kafka_url, FEEDBACK_ACCEPTED, given, answers, progress)
                note(OURS, await scored(servers, answers))
                note(BARE, await _bare(servers, answers))
                for name, start in PEERS.items():
                    note(name, await _peer(start, servers))
    found = medians(costs, answers)
    ratios = {
        f"{one} / {name}": round(found[one]["per_second"] / found[name]["per_second"], 2)
        for one in (OURS, BARE)
        for name in PEERS
    }
    return {"answers": answers, "contenders": found, "ratios": ratios} | goals(
        {
            f"at least 4 x {QUIX}": ratios[f"{OURS} / {QUIX}"] >= 4,
            f"at least 1.2 x {STREAMS}": ratios[f"{OURS} / {STREAMS}"] >= 1.2,
            "at most 300 MiB": found[OURS]["mib"] <= 300,
        }
    )


if __name__ == "__main__":
    command(__doc__, run, answers=1_500_000, rounds=2)
