"""The gateway beside an endpoint of the same framework with the same model that asks nothing.

`python -m benchmarks.gateway`: signed answers one by one, in batches of 100, and unsigned ones, by
connections of which each sends its next request when the last was answered. The gateway says 202
when Kafka has the answers; its neighbour looks at their form and forgets them. Between the two
stands the neighbour with Kafka: what no gateway of this framework and this client can do without.
"""

import json
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from rich.progress import track

from benchmarks import backlog
from benchmarks.measuring import Cost, Watched, command, goals, medians
from benchmarks.ours import anew, ours, ready
from benchmarks.requests import encoded, hand_in
from client.signing import Signer
from deploy.local import ports
from langnghe.console import notes
from services.gateway.registry.store import write
from services.runtime.database import Database
from tests.builders import response
from tests.devices import enrolled, named
from tests.servers import DATABASE, Servers, find_servers

OURS: Final = "gateway"
BARE: Final = "bare endpoint"
BARE_WITH_KAFKA: Final = "bare endpoint with Kafka"
_CONNECTIONS: Final = 32
_BATCH: Final = 100
_WARM_UP: Final = 200
_NO_LIMITS: Final = {
    "LANGNGHE_SYSTEM_PER_MINUTE": "100000000",
    "LANGNGHE_ANONYMOUS_PER_MINUTE": "100000000",
}


class Case(NamedTuple):
    """A way to hand answers in.

    Attributes:
        path: of the route.
        batch: answers a request; 0 for one alone.
        signed: by a system, or by nobody.
        requests: as many of them.
    """

    path: str
    batch: int
    signed: bool
    requests: int

    @property
    def answers(self) -> int:
        """In all requests."""
        return self.requests * max(1, self.batch)


def cases(requests: int) -> dict[str, Case]:
    """By name."""
    return {
        "one by one": Case("/v1/feedback", 0, signed=True, requests=requests),
        "one by one, unsigned": Case("/v1/feedback", 0, signed=False, requests=requests),
        f"batches of {_BATCH}": Case(
            "/v1/feedback/batch", _BATCH, signed=True, requests=requests // 20
        ),
    }


_BY_NOBODY: Final[dict[str, Any]] = {
    "device": "web",
    "channel": "web",
    "instrument": "open",
    "answers": {"open_overall": 5},
}


def _answer(number: int, **changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    return response(unit=backlog.unit(number % backlog.UNITS), occurred_at=now, **changes)


def _made(case: Case, signer: Signer, count: int) -> list[bytes]:
    """Requests as they go over the wire, each with ids and a nonce of its own."""
    made = []
    for number in track(range(count), f"signing for {case.path}", console=notes, transient=True):
        if case.batch:
            answer: Any = [_answer(number * case.batch + place) for place in range(case.batch)]
        else:
            answer = _answer(number, **({} if case.signed else _BY_NOBODY))
        body = json.dumps(named(signer, answer) if case.signed else answer).encode()
        if case.signed:
            headers = signer.headers("POST", case.path, body)
        else:
            headers = {"Content-Type": "application/json"}
        made.append(encoded(case.path, headers, body))
    return made


Contender = Callable[[Servers, int], AbstractAsyncContextManager[Watched]]
"""Runs at a port, as long as the block runs."""


@asynccontextmanager
async def _gateway(servers: Servers, port: int) -> AsyncIterator[Watched]:
    operations = ports.choose()
    environment = {"LANGNGHE_HTTP_PORT": str(port), "LANGNGHE_OPS_PORT": str(operations)}
    async with ours("gateway", servers, **environment, **_NO_LIMITS) as process:
        await ready(process, operations)
        yield process


@asynccontextmanager
async def _neighbour(
    name: str, servers: Servers, port: int, *kafka_url: str
) -> AsyncIterator[Watched]:
    script = ["-m", "benchmarks.peers.bare_gateway", str(port), *kafka_url]
    process = Watched(name, [sys.executable, *script], servers.environment())
    await process.start()
    try:
        await ready(process, port, "/openapi.json")
        yield process
    finally:
        await process.stop()


def _bare(servers: Servers, port: int) -> AbstractAsyncContextManager[Watched]:
    return _neighbour(BARE, servers, port)


def _bare_with_kafka(servers: Servers, port: int) -> AbstractAsyncContextManager[Watched]:
    return _neighbour(BARE_WITH_KAFKA, servers, port, servers.kafka_url)


async def _measured(
    process: Watched, port: int, warming: Sequence[bytes], requests: Sequence[bytes]
) -> Cost:
    await hand_in(port, warming, _CONNECTIONS)
    began, before = time.monotonic(), process.cpu_seconds()
    await hand_in(port, requests, _CONNECTIONS)
    seconds = time.monotonic() - began
    return Cost(seconds, process.cpu_seconds() - before, process.resident())


async def run(requests: int, rounds: int) -> dict[str, Any]:
    """Let the three take turns at each way."""
    costs: dict[str, dict[str, list[Cost]]] = defaultdict(lambda: defaultdict(list))
    contenders: dict[str, Contender] = {
        OURS: _gateway,
        BARE: _bare,
        BARE_WITH_KAFKA: _bare_with_kafka,
    }
    ways = cases(requests)
    async with find_servers() as servers:
        await anew(servers)
        database = Database(servers.mongo_url, DATABASE, application="benchmark")
        await write(database, backlog.registry(backlog.UNITS))
        signer = await enrolled(database)
        database.close()
        for _ in range(rounds):
            for way, case in ways.items():
                for name, contender in contenders.items():
                    warming = _made(case, signer, min(_WARM_UP, case.requests))
                    made = _made(case, signer, case.requests)
                    port = ports.choose()
                    async with contender(servers, port) as process:
                        cost = await _measured(process, port, warming, made)
                    costs[way][name].append(cost)
                    notes.print(f"{way}: {name} {case.answers / cost.seconds:,.0f} answers/s")
    found = {way: medians(costs[way], case.answers) for way, case in ways.items()}
    ratios = {
        f"{way}: {name} / {BARE}": round(each[name]["per_second"] / each[BARE]["per_second"], 2)
        for way, each in found.items()
        for name in (OURS, BARE_WITH_KAFKA)
    }
    batches = found[f"batches of {_BATCH}"][OURS]["per_second"]
    return {"requests": requests, "contenders": found, "ratios": ratios} | goals(
        {
            f"one by one at least 0.6 x {BARE}": ratios[f"one by one: {OURS} / {BARE}"] >= 0.6,
            f"at least 20,000 answers a second in batches of {_BATCH}": batches >= 20_000,
        }
    )


if __name__ == "__main__":
    command(__doc__, run, requests=10_000, rounds=2)
