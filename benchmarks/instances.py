"""One instance of ingest or two: is the work shared, is nothing lost, and what is the bottleneck?

`python -m benchmarks.instances`: the same backlog, worked off by one process and by two, in turns.
Each process says by its own metrics what it dealt with; what MongoDB and Kafka hold is counted.
"""

import argparse
import asyncio
import json
import re
import sys
import time
from collections import defaultdict
from statistics import median
from typing import Any, Final

import aiohttp
import psutil
from rich.progress import Progress

from benchmarks.ingest import begin
from benchmarks.measuring import machine
from deploy.local import ports
from deploy.local.process import Process
from langnghe.console import notes
from schemas.collections import RESPONSES
from schemas.topics import FEEDBACK_ACCEPTED
from services.runtime.database import Database
from services.runtime.groups import spans
from tests.servers import DATABASE, Servers, find_servers, keeping

_PATIENCE: Final = 600
_DEALT_WITH: Final = re.compile(
    r'^langnghe_records_total\{service="ingest".*\} (\S+)$', re.MULTILINE
)


async def _share(port: int) -> int:
    """Records that a process has dealt with."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/metrics") as answer,
    ):
        return round(sum(map(float, _DEALT_WITH.findall(await answer.text()))))


async def _published(servers: Servers) -> int:
    return sum(span.end for span in (await spans(servers.kafka_url, FEEDBACK_ACCEPTED)).values())


async def _work_off(servers: Servers, count: int, instances: int) -> dict[str, Any]:
    lines: list[str] = []
    processes: dict[int, Process] = {}
    for number in range(instances):
        port = ports.choose()
        environment = servers.environment() | {"LANGNGHE_OPS_PORT": str(port)}
        processes[port] = Process(
            f"ingest {number}",
            [sys.executable, "-m", "langnghe", "run", "ingest"],
            environment,
            lambda _name, line: lines.append(line),
        )
    began = time.monotonic()
    await asyncio.gather(*(process.start() for process in processes.values()))
    try:
        async with asyncio.timeout(_PATIENCE):
            while await _published(servers) < count:
                await asyncio.sleep(0.25)
        seconds = time.monotonic() - began
        times = [psutil.Process(process.pid).cpu_times() for process in processes.values()]
        shares = [await _share(port) for port in processes]
    finally:
        await asyncio.gather(*(process.stop() for process in processes.values()))
    database = Database(servers.mongo_url, DATABASE, application="benchmark")
    stored = await database[RESPONSES].count_documents({})
    database.close()
    return {
        "seconds": seconds,
        "shares": shares,
        "busy": [round((one.user + one.system) / seconds, 2) for one in times],
        "stored": stored,
        "published": await _published(servers),
    }


async def run(count: int, rounds: int) -> dict[str, Any]:
    """Let one and two take turns."""
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    before = machine()
    async with find_servers() as servers:
        with Progress(console=notes) as progress, keeping(servers.mongo_url):
            for _ in range(rounds):
                for instances in (1, 2):
                    await begin(servers, count, progress)
                    outcome = await _work_off(servers, count, instances)
                    found[instances].append(outcome)
                    notes.print(f"{instances}: {outcome}")
    per_second = {
        instances: round(count / median(one["seconds"] for one in several))
        for instances, several in found.items()
    }
    return {
        "machine": before,
        "answers": count,
        "per_second": per_second,
        "ratio": round(per_second[2] / per_second[1], 2),
        "runs": found,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    print(json.dumps(asyncio.run(run(arguments.answers, arguments.rounds)), indent=2))


if __name__ == "__main__":
    main()
