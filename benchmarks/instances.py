"""One instance of a service and two: is a backlog shared, and is each answer counted once?

`python -m benchmarks.instances`: the same backlog is worked off by one instance of scoring, then by
two, of which the second comes when the first has counted a tenth: partitions change hands under
load. On a machine where both cores were busy before, two instances cannot be twice as fast; the
processor time of everybody says who is in whose way.
"""

import time
from contextlib import AsyncExitStack
from typing import Any, Final

from rich.progress import Progress

from benchmarks import backlog
from benchmarks.measuring import command, goals
from benchmarks.ours import anew, counted, ours, seen, server_seconds, summed
from langnghe.console import notes
from schemas.topics import FEEDBACK_ACCEPTED
from services.runtime.database import Database
from tests.servers import DATABASE, Servers, eventually, find_servers, keeping

_PATIENCE: Final = 1200.0


async def _worked_off(servers: Servers, answers: int, instances: int) -> dict[str, Any]:
    database = Database(servers.mongo_url, DATABASE, application="benchmark")

    async def begun() -> bool:
        return await counted(database) >= answers / 10

    async def visible() -> bool:
        return await seen(database) >= answers

    before = server_seconds()
    try:
        async with AsyncExitStack() as stack:
            began = time.monotonic()
            running = []
            for _ in range(instances):
                running += [await stack.enter_async_context(ours("scoring", servers))]
                await eventually(begun, "scoring counts", within=_PATIENCE)
            await eventually(visible, "all is in the indices", within=_PATIENCE)
            seconds = time.monotonic() - began
            spent = [round(process.cpu_seconds(), 1) for process in running]
        total = await summed(database)
    finally:
        database.close()
    after = server_seconds()
    return {
        "seconds": round(seconds, 1),
        "per_second": round(answers / seconds),
        "cpu_seconds_of_instances": spent,
        "cpu_seconds_of_servers": {name: round(after[name] - before[name], 1) for name in after},
        "lost": max(0, answers - total),
        "counted_twice": max(0, total - answers),
    }


async def run(answers: int) -> dict[str, Any]:
    """One instance, then two."""
    found = {}
    async with find_servers() as servers:
        with Progress(console=notes) as progress, keeping(servers.mongo_url):
            for instances in (1, 2):
                await anew(servers)
                given = backlog.accepted_answers(backlog.UNITS, backlog.until_now(answers))
                await backlog.fill(servers.kafka_url, FEEDBACK_ACCEPTED, given, answers, progress)
                found[instances] = await _worked_off(servers, answers, instances)
                notes.print(f"{instances}: {found[instances]}")
    exact = all(one["lost"] == one["counted_twice"] == 0 for one in found.values())
    least = min(found[2]["cpu_seconds_of_instances"]) / sum(found[2]["cpu_seconds_of_instances"])
    return {
        "answers": answers,
        "instances": found,
        "ratios": {"two / one": round(found[2]["per_second"] / found[1]["per_second"], 2)},
    } | goals({"nothing lost or counted twice": exact, "each did a quarter": least >= 0.25})


if __name__ == "__main__":
    command(__doc__, run, answers=2_000_000)
