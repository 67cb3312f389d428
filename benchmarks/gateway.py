"""Answers handed in over HTTP, one by one and in batches, beside an endpoint that only answers.

`python -m benchmarks.gateway`: requests are signed beforehand and sent over connections that stay
open, each the next when the last is answered. The client shares the machine with both alike. The
gateway checks signature, rights and form and answers when Kafka has the answers on all replicas.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from statistics import median
from typing import Any, Final

from benchmarks.measuring import goals, machine
from client.signing import Signer
from deploy.local import ports
from deploy.local.process import Process
from langnghe.console import notes
from services.runtime.database import Database
from tests.builders import load_small_registry, response
from tests.devices import enrolled, named
from tests.servers import DATABASE, Servers, find_servers, reset

OURS: Final = "gateway"
BARE: Final = "bare endpoint"
ONE: Final = "/v1/feedback"
MANY: Final = "/v1/feedback/batch"
BATCH: Final = 100


def _request(signer: Signer, path: str, body: Any) -> bytes:
    data = json.dumps(named(signer, body)).encode()
    headers = signer.headers("POST", path, data) | {
        "Host": "gateway",
        "Content-Length": str(len(data)),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + data


def _requests(signer: Signer, path: str, count: int) -> list[bytes]:
    now = datetime.now(UTC).isoformat()

    def answer() -> dict[str, Any]:
        return response(occurred_at=now)

    if path == ONE:
        return [_request(signer, path, answer()) for _ in range(count)]
    return [_request(signer, path, [answer() for _ in range(BATCH)]) for _ in range(count)]


async def _send(port: int, requests: Iterable[bytes]) -> None:
    """Send over one connection.

    Raises:
        RuntimeError: when one is not taken.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        if b" 202 " not in head.split(b"\r\n")[0] or (
            (b'"refused":' in body) and (b'"refused":0' not in body)
        ):
            msg = f"not taken: {head[:40]!r} {body[:300]!r}"
            raise RuntimeError(msg)
    writer.close()
    await writer.wait_closed()


async def _rate(port: int, requests: Sequence[bytes], connections: int) -> float:
    """Requests a second."""
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(connections):
            group.create_task(_send(port, requests[number::connections]))
    return len(requests) / (time.monotonic() - began)


@asynccontextmanager
async def _serving(name: str, servers: Servers) -> AsyncIterator[int]:
    """The port of a contender that answers."""
    port = ports.choose()
    command = {
        OURS: [sys.executable, "-m", "langnghe", "run", "gateway"],
        BARE: [sys.executable, "-m", "benchmarks.peers.bare_gateway", str(port)],
    }
    environment = servers.environment() | {
        "LANGNGHE_HTTP_PORT": str(port),
        "LANGNGHE_OPS_PORT": str(ports.choose()),
        "LANGNGHE_SYSTEM_PER_MINUTE": str(10**9),
    }
    lines: list[str] = []
    process = Process(name, command[name], environment, lambda _name, line: lines.append(line))
    await process.start()
    try:
        yield port
    except Exception as error:
        error.add_note("\n".join(lines[-20:]))
        raise
    finally:
        await process.stop()


async def _warm(port: int, signer: Signer, path: str) -> None:
    """Send until it is taken: then the process is up and knows registry and device."""
    async with asyncio.timeout(60):
        while True:
            try:
                await _send(port, _requests(signer, path, 20))
            except (OSError, RuntimeError, asyncio.IncompleteReadError):
                await asyncio.sleep(0.2)
            else:
                return


async def run(requests: int, rounds: int, connections: int) -> dict[str, object]:
    """Let the two take turns."""
    rates: dict[str, dict[str, list[float]]] = {ONE: defaultdict(list), MANY: defaultdict(list)}
    before = machine()
    async with find_servers() as servers:
        await reset(servers)
        database = Database(servers.mongo_url, DATABASE, application="benchmark")
        await load_small_registry(database)
        signer = await enrolled(database)
        database.close()
        for number in range(1, rounds + 1):
            for name in (OURS, BARE):
                async with _serving(name, servers) as port:
                    for path, count in ((ONE, requests), (MANY, requests // 20)):
                        await _warm(port, signer, path)
                        rate = await _rate(port, _requests(signer, path, count), connections)
                        rates[path][name].append(rate)
                        notes.print(f"round {number}: {name} {path} {rate:,.0f} requests a second")
    one, many = (
        {name: round(median(found)) for name, found in rates[path].items()} for path in (ONE, MANY)
    )
    ratio = round(one[OURS] / one[BARE], 2)
    answers = many[OURS] * BATCH
    return {
        "machine": before,
        "connections": connections,
        "one_by_one_per_second": one,
        f"batches_of_{BATCH}_per_second": many,
        "answers_in_batches_per_second": answers,
        "ratios": {
            f"{OURS} / {BARE}, one by one": ratio,
            f"{OURS} / {BARE}, batches": round(many[OURS] / many[BARE], 2),
        },
    } | goals(
        {
            f"one by one at least 0.6 x {BARE}": ratio >= 0.6,
            "at least 20,000 answers a second in batches": answers >= 20_000,
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=4_000, help="one by one, in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    arguments = parser.parse_args()
    outcome = asyncio.run(run(arguments.requests, arguments.rounds, arguments.connections))
    print(json.dumps(outcome, indent=2))


if __name__ == "__main__":
    main()
