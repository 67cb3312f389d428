"""Does an answer cost more, or a figure take longer to read, when there is more behind it?

`python -m benchmarks.growth`: scoring and a gateway stand on a history of some days and units; then
answers come as they do in a quiet hour, one for each of some units, and the next when those are in
every index. Processor time is that of scoring and MongoDB an answer; reading is `/v1/indices/` of
single units, one after another. History grows by days, so that the windows hold more of them.
"""

import random
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from statistics import mean, median
from typing import Any, Final, NamedTuple

import aiohttp
from pymongo import MongoClient
from rich.progress import Progress

from benchmarks import backlog
from benchmarks.backlog import Sent, Spell
from benchmarks.measuring import Watched, command, goals
from benchmarks.ours import anew, ours, ready, seen, server_seconds
from deploy.local import ports
from langnghe.console import notes
from schemas.topics import FEEDBACK_ACCEPTED
from services.gateway.registry.store import write
from services.runtime.database import Database
from tests.servers import DATABASE, Servers, eventually, find_servers, keeping

_A_UNIT_AND_DAY: Final = 2
_AT_ONCE: Final = 30
"""Answers that come together, so few that nearly every one is of a unit of its own."""
_PATIENCE: Final = 900.0


class Size(NamedTuple):
    """What stands behind."""

    days: int
    units: int

    @property
    def answers(self) -> int:
        """Of the whole history."""
        return self.days * self.units * _A_UNIT_AND_DAY


class Standing:
    """Scoring and a gateway on one history."""

    def __init__(self, servers: Servers, database: Database, size: Size, waves: int) -> None:
        self._servers = servers
        self._database = database
        self._size = size
        self._waves = waves
        self._answers: Iterator[Sent] = backlog.accepted_answers(
            size.units,
            Spell(size.answers, timedelta(days=size.days)),
            Spell(waves * _AT_ONCE, timedelta(seconds=waves)),
        )
        self._sent = 0

    async def hand_in(self, count: int, progress: Progress) -> None:
        """Write answers, and wait until all that were written are in every index."""
        await backlog.fill(
            self._servers.kafka_url, FEEDBACK_ACCEPTED, self._answers, count, progress
        )
        self._sent += count

        async def visible() -> bool:
            return await seen(self._database) >= self._sent

        await eventually(visible, f"{self._sent} answers are seen", within=_PATIENCE)

    async def cost(self, scoring: Watched) -> float:
        """Processor time of an answer in a quiet hour, in milliseconds.

        Of the middle half of the waves: a median of what is counted in hundredths of a second is
        too coarse, and a mean of all holds what MongoDB does by itself now and then.
        """

        def spent() -> float:
            return scoring.cpu_seconds() + server_seconds().get("mongod", 0.0)

        each = []
        with Progress(console=notes, disable=True) as silent:
            for _ in range(self._waves):
                before = spent()
                await self.hand_in(_AT_ONCE, silent)
                each.append(spent() - before)
        quarter = len(each) // 4
        return 1000 * mean(sorted(each)[quarter : len(each) - quarter]) / _AT_ONCE

    async def reading(self, gateway: str, reads: int) -> float:
        """Median time to read the indices of one unit, in milliseconds."""
        chance = random.Random(1)  # noqa: S311  # which units are asked for
        took = []
        async with aiohttp.ClientSession() as session:
            for _ in range(reads):
                unit = backlog.unit(chance.randrange(self._size.units))
                began = time.monotonic()
                async with session.get(f"{gateway}/v1/indices/unit:{unit}") as answer:
                    answer.raise_for_status()
                    await answer.read()
                took.append(time.monotonic() - began)
        return 1000 * median(took)


def _write_out(mongo_url: str) -> None:
    """Have MongoDB write what the history left to be written: no cost of the answers to come."""
    with MongoClient[dict[str, object]](mongo_url) as client:
        client.admin.command("fsync")


async def _at(servers: Servers, size: Size, waves: int, reads: int) -> dict[str, float]:
    await anew(servers)
    database = Database(servers.mongo_url, DATABASE, application="benchmark")
    http, operations = ports.choose(), ports.choose()
    at = {"LANGNGHE_HTTP_PORT": str(http), "LANGNGHE_OPS_PORT": str(operations)}
    try:
        await write(database, backlog.registry(size.units))
        standing = Standing(servers, database, size, waves)
        async with ours("scoring", servers):
            with Progress(console=notes) as progress:
                await standing.hand_in(size.answers, progress)
        _write_out(servers.mongo_url)
        # Another process: one that has just worked off a backlog is slower for it.
        async with ours("scoring", servers) as scoring:
            cost = await standing.cost(scoring)
            async with ours("gateway", servers, **at) as gateway:
                await ready(gateway, operations)
                reading = await standing.reading(f"http://127.0.0.1:{http}", reads)
    finally:
        database.close()
    return {
        "answers_before": size.answers,
        "cpu_ms_an_answer": round(cost, 3),
        "ms_a_read": round(reading, 2),
    }


async def run(days: int, units: int, waves: int, reads: int, rounds: int) -> dict[str, Any]:
    """A small history, ten and a hundred times as long, and ten times as many units, in turns."""
    sizes = {
        "1 x": Size(days, units),
        "10 x history": Size(10 * days, units),
        "100 x history": Size(100 * days, units),
        "10 x units": Size(days, 10 * units),
    }
    measured: dict[str, list[dict[str, float]]] = defaultdict(list)
    async with find_servers() as servers:
        with keeping(servers.mongo_url):
            for _ in range(rounds):
                for name, size in sizes.items():
                    measured[name].append(await _at(servers, size, waves, reads))
                    notes.print(f"{name}: {measured[name][-1]}")
    found = {
        name: {what: round(median(one[what] for one in each), 3) for what in each[0]}
        for name, each in measured.items()
    }
    least = found.pop("1 x")
    ratios = {
        f"{name}, {what}": round(greater[what] / least[what], 2)
        for name, greater in found.items()
        for what in ("cpu_ms_an_answer", "ms_a_read")
    }
    reached = {
        f"{name} at most {1.2 if name.endswith('answer') else 1.5} x": ratio
        <= (1.2 if name.endswith("answer") else 1.5)
        for name, ratio in ratios.items()
    }
    outcome = {"sizes": {"1 x": least, **found}, "ratios": ratios}
    return outcome | goals(reached)


if __name__ == "__main__":
    command(__doc__, run, days=3, units=300, waves=20, reads=500, rounds=3)
