"""Do the peers count right? `python -m benchmarks.peers --records 100000`.

Each is given the same answers and has to come to the same counts as plain arithmetic, in every unit
and hour. It prints for each how many it counted, and ends with exit code 1 if one was wrong.
"""

import argparse
import asyncio
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Final

from rich.progress import Progress

from benchmarks import backlog
from benchmarks.peers.counts import counted, handed_in
from benchmarks.peers.installing import prepare
from benchmarks.peers.running import PEERS
from langnghe.console import FAILED, notes, results
from schemas.topics import FEEDBACK_ACCEPTED
from tests.servers import find_servers, reset

_PATIENCE: Final = 1800


async def run(records: int) -> bool:
    """Whether all peers count right."""
    await asyncio.to_thread(prepare)
    right = True
    async with find_servers() as servers:
        await reset(servers)
        with Progress(console=notes) as progress:
            answers = backlog.accepted_answers(backlog.UNITS, backlog.until_now(records))
            await backlog.fill(servers.kafka_url, FEEDBACK_ACCEPTED, answers, records, progress)
        expected = await handed_in(servers.kafka_url)
        for name, start in PEERS.items():
            with tempfile.TemporaryDirectory(prefix="langnghe-peer-") as folder:
                async with start(servers.kafka_url, Path(folder)) as peer:
                    cost = await peer.until(partial(peer.through, servers.kafka_url), _PATIENCE)
                    found = await counted(servers.kafka_url, peer)
            total = sum(map(sum, found.values()))
            verdict = "right" if found == expected else "WRONG"
            notes.print(f"{name}: {cost.seconds:.1f} s with its start")
            results.print(f"{name}: {total} of {records} records counted, {verdict}")
            right = right and found == expected
    return right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    sys.exit(0 if asyncio.run(run(parser.parse_args().records)) else FAILED)


if __name__ == "__main__":
    main()
