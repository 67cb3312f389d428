"""Scoring is killed with a long log before it: how long until it counts again, and until all is
counted once?

`python -m benchmarks.recovery`: it is killed (SIGKILL) when it has counted half, and started again
at once. Kafka learns of a killed member by its silence, so the new one waits for that first.
"""

import signal
import time
from typing import Any, Final

from rich.progress import Progress

from benchmarks import backlog
from benchmarks.measuring import command, goals
from benchmarks.ours import anew, counted, ours, seen, summed
from langnghe.console import notes
from schemas.topics import FEEDBACK_ACCEPTED
from services.runtime.database import Database
from tests.servers import DATABASE, eventually, find_servers, keeping

_PATIENCE: Final = 1200.0


async def run(answers: int) -> dict[str, Any]:
    """Kill it once."""
    async with find_servers() as servers:
        await anew(servers)
        with Progress(console=notes) as progress, keeping(servers.mongo_url):
            given = backlog.accepted_answers(backlog.UNITS, backlog.until_now(answers))
            await backlog.fill(servers.kafka_url, FEEDBACK_ACCEPTED, given, answers, progress)
        database = Database(servers.mongo_url, DATABASE, application="benchmark")

        async def half() -> bool:
            return await counted(database) >= answers / 2

        async with ours("scoring", servers) as killed:
            await eventually(half, "half is counted", within=_PATIENCE)
            killed.signal(signal.SIGKILL)
            await killed.wait()
        stood = await counted(database)

        async def goes_on() -> bool:
            return await counted(database) > stood

        async def visible() -> bool:
            return await seen(database) >= answers

        began = time.monotonic()
        async with ours("scoring", servers):
            await eventually(goes_on, "it counts again", within=_PATIENCE)
            again = time.monotonic() - began
            await eventually(visible, "all is in the indices", within=_PATIENCE)
            whole = time.monotonic() - began
        total = await summed(database)
        database.close()
    return {
        "answers": answers,
        "counted_when_killed": stood,
        "counted_in_the_end": total,
        "seconds_until_it_counts_again": round(again, 1),
        "seconds_until_all_is_in_the_indices": round(whole, 1),
        "answers_a_second_after_that": round((answers - stood) / (whole - again)),
    } | goals({"nothing lost or counted twice": total == answers})


if __name__ == "__main__":
    command(__doc__, run, answers=1_000_000)
