"""Submitted answers to checked, stored and published ones, beside a bare loop that checks nothing.

`python -m benchmarks.ingest`: a backlog of feedback.submitted.v1; the clock starts with the process
and stops when all have been published. The two take turns, each with topics and a database anew.
"""

from collections import defaultdict
from typing import Any, Final

from rich.progress import Progress

from benchmarks import backlog
from benchmarks.measuring import Cost, Watched, command, goals, medians
from benchmarks.ours import anew, ours
from benchmarks.peers.running import BARE, bare
from langnghe.console import notes
from schemas.topics import FEEDBACK_ACCEPTED, FEEDBACK_SUBMITTED
from services.gateway.registry.store import write
from services.runtime.database import Database
from services.runtime.groups import spans
from tests.servers import DATABASE, Servers, find_servers, keeping

OURS: Final = "ingest"
_PATIENCE: Final = 1200


async def begin(servers: Servers, count: int, progress: Progress) -> None:
    """Topics and a database anew, a registry, and a backlog."""
    await anew(servers)
    database = Database(servers.mongo_url, DATABASE, application="benchmark")
    await write(database, backlog.registry(backlog.UNITS))
    database.close()
    answers = backlog.submitted_answers(backlog.UNITS, backlog.until_now(count))
    await backlog.fill(servers.kafka_url, FEEDBACK_SUBMITTED, answers, count, progress)


async def _drained(process: Watched, servers: Servers, count: int) -> Cost:
    async def published() -> bool:
        held = await spans(servers.kafka_url, FEEDBACK_ACCEPTED)
        return sum(span.end for span in held.values()) >= count

    return await process.until(published, _PATIENCE)


async def _ours(servers: Servers, count: int) -> Cost:
    async with ours("ingest", servers) as process:
        return await _drained(process, servers, count)


async def _bare(servers: Servers, count: int) -> Cost:
    async with bare("bare_ingest", servers) as process:
        return await _drained(process, servers, count)


async def run(answers: int, rounds: int) -> dict[str, Any]:
    """Let the two take turns."""
    costs: dict[str, list[Cost]] = defaultdict(list)
    async with find_servers() as servers:
        with Progress(console=notes) as progress, keeping(servers.mongo_url):
            for _ in range(rounds):
                for name, contender in {OURS: _ours, BARE: _bare}.items():
                    await begin(servers, answers, progress)
                    cost = await contender(servers, answers)
                    costs[name].append(cost)
                    notes.print(f"{name}: {answers / cost.seconds:,.0f} a second")
    found = medians(costs, answers)
    ratio = round(found[OURS]["per_second"] / found[BARE]["per_second"], 2)
    ratios = {f"{OURS} / {BARE}": ratio}
    outcome = {"answers": answers, "contenders": found, "ratios": ratios}
    return outcome | goals({f"at least 0.7 x {BARE}": ratio >= 0.7})


if __name__ == "__main__":
    command(__doc__, run, answers=300_000, rounds=2)
