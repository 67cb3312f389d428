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
import time

from rich.progress import Progress

from benchmarks import backlog
from benchmarks.measuring import Cost, machine, medians, until
from deploy.local.process import Process
from langnghe.console import notes
from schemas.collections import POSITIONS
from services.runtime.database import Database
from tests.servers import DATABASE, Servers, find_servers, keeping, reset

_PATIENCE = 1800


async def ours(servers: Servers, count: int) -> Cost:
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


async def run(count: int, rounds: int) -> dict[str, object]:
    costs: dict[str, list[Cost]] = {"ours": []}
    before = machine()
    async with find_servers() as servers:
        with Progress(console=notes) as progress, keeping(servers.mongo_url):
            for _ in range(rounds):
                await reset(servers)
                await backlog.fill(servers.kafka_url, count, backlog.UNITS, progress)
                costs["ours"].append(await ours(servers, count))
    return {"machine": before, "answers": count, "contenders": medians(costs, count)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=1_500_000)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    print(json.dumps(asyncio.run(run(arguments.answers, arguments.rounds)), indent=2))


if __name__ == "__main__":
    main()
