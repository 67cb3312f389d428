"""A Kafka and a MongoDB for a while, as plain processes of this machine."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local import jars, ports
from deploy.local.kafka_server import KafkaServer
from deploy.local.mongo_server import MongoServer
from deploy.local.process import Output, Process

_LINES: Final = 10
_CHARACTERS: Final = 400


def _ignore(_name: str, _line: str) -> None:
    """What it says matters only when it does not start, and then an error says it."""


def _worst(log: Path) -> list[str]:
    """Of mongod's log: the last errors, fatal or not, else the last lines."""
    lines = log.read_text(errors="replace").splitlines()
    errors = [line for line in lines if '"s":"E"' in line or '"s":"F"' in line]
    return (errors or lines)[-_LINES:]


def _last_words(process: Process, lines: Iterable[str]) -> str:
    said = "".join(f"\n  {line[:_CHARACTERS]}" for line in lines)
    return f"{process.name} ended by itself, with {process.ended}; it said last:{said}"


@dataclass(frozen=True)
class LocalServers:
    """Servers that run.

    Attributes:
        kafka: a broker.
        mongo: a replica set of one.
        kafka_said: the last that the broker wrote.
    """

    kafka: KafkaServer
    mongo: MongoServer
    kafka_said: Sequence[str]

    def ended(self) -> str | None:
        """Which of them ended though nobody stopped it, and its last words; None if none did."""
        if self.kafka.process.ended is not None:
            return _last_words(self.kafka.process, self.kafka_said)
        if self.mongo.process.ended is not None:
            return _last_words(self.mongo.process, _worst(self.mongo.log))
        return None


async def kafka_server(folder: Path, output: Output = _ignore) -> KafkaServer:
    """A Kafka on free ports, not started.

    Args:
        folder: for its data.
        output: gets what it writes.

    Raises:
        JarError: when a jar of Kafka cannot be had.
    """
    return KafkaServer(
        folder,
        port=ports.choose(),
        controller_port=ports.choose(),
        jars=await asyncio.to_thread(jars.fetch, lambda _done, _total: None),
        output=output,
    )


@asynccontextmanager
async def local_servers(folder: Path) -> AsyncIterator[LocalServers]:
    """Both, as long as the block runs.

    Raises:
        JarError: when a jar of Kafka cannot be had.
        KafkaStartError: when Kafka does not come up.
        MongoStartError: when MongoDB does not.
    """
    said: deque[str] = deque(maxlen=_LINES)
    kafka = await kafka_server(folder / "kafka", lambda _, line: said.append(line))
    mongo = MongoServer(folder / "mongodb", port=ports.choose(), output=_ignore)
    try:
        await asyncio.gather(kafka.start(), mongo.start())
        yield LocalServers(kafka, mongo, said)
    finally:
        await asyncio.gather(kafka.process.stop(), mongo.process.stop())
