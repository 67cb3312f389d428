"""Do the peers count right? `python -m benchmarks.peers --records 20000`.

Each is given the same answers and has to come to the same counts as plain arithmetic, in every unit
and hour; it prints for each how many it counted, and ends with exit code 1 if one was wrong.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path

from aiokafka import AIOKafkaProducer

from benchmarks.peers import Peer, kafka_streams, prepare, quix_streams
from benchmarks.peers.counts import Counts, counted
from langnghe.console import notes, results
from schemas.topics import FEEDBACK_ACCEPTED
from services.runtime.groups import committed, spans
from tests.builders import NOW, accepted
from tests.servers import find_servers, reset

PEERS: list[Callable[[str, Path], AbstractAsyncContextManager[Peer]]] = [
    quix_streams,
    kafka_streams,
]
UNITS = 300
HOURS = 72


async def hand_in(kafka_url: str, records: int) -> Counts:
    """Put invented answers onto the topic; what is to be counted."""
    chance = random.Random(1)  # noqa: S311 - the same answers each time
    event = accepted(0).model_dump(mode="json")
    expected: dict[str, list[int]] = {}
    producer = AIOKafkaProducer(bootstrap_servers=kafka_url, linger_ms=50, max_batch_size=1 << 18)
    await producer.start()
    try:
        for _ in range(records):
            number, level = chance.randrange(UNITS), chance.randint(1, 5)
            unit = f"000.{number // 100:02d}.{number % 100:02d}.H01"
            moment = NOW - timedelta(seconds=chance.randrange(3600 * HOURS))
            event |= {
                "unit": unit,
                "occurred_at": moment.isoformat(),
                "answers": {"overall": level},
            }
            await producer.send(
                FEEDBACK_ACCEPTED.name,
                json.dumps(event).encode(),
                key=unit.encode(),
                partition=number % FEEDBACK_ACCEPTED.partitions,
            )
            counts = expected.setdefault(f"{unit}|{moment:%Y-%m-%dT%H}", [0] * 5)
            counts[level - 1] += 1
    finally:
        await producer.stop()
    return expected


async def read_all(kafka_url: str, peer: Peer) -> None:
    """Wait until a peer has committed all there is.

    Raises:
        PeerError: when it ends before.
    """
    end = {number: span.end for number, span in (await spans(kafka_url, FEEDBACK_ACCEPTED)).items()}
    while True:
        peer.check()
        standing = (await committed(kafka_url, [peer.group]))[peer.group]
        if standing.get(FEEDBACK_ACCEPTED.name) == end:
            return
        await asyncio.sleep(0.2)


async def run(records: int) -> bool:
    """Whether all peers count right."""
    await asyncio.to_thread(prepare)
    right = True
    async with find_servers() as servers:
        await reset(servers)
        expected = await hand_in(servers.kafka_url, records)
        for start in PEERS:
            with tempfile.TemporaryDirectory(prefix="langnghe-peer-") as folder:
                async with start(servers.kafka_url, Path(folder)) as peer:
                    await read_all(servers.kafka_url, peer)
                    seconds = time.monotonic() - peer.started
                    found = await counted(servers.kafka_url, peer)
            total = sum(map(sum, found.values()))
            verdict = "right" if found == expected else "WRONG"
            notes.print(f"{peer.name}: {seconds:.1f} s with its start")
            results.print(f"{peer.name}: {total} of {records} records counted, {verdict}")
            right = right and found == expected
    return right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    sys.exit(0 if asyncio.run(run(parser.parse_args().records)) else 1)


if __name__ == "__main__":
    main()
