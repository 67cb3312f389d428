"""A Kafka and a MongoDB for a while, as plain processes of this machine."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.local import jars, ports
from deploy.local.kafka_server import KafkaServer
from deploy.local.mongo_server import MongoServer


def _ignore(_name: str, _line: str) -> None:
    """What they say matters only when they do not start, and then an error says it."""


async def kafka_server(folder: Path) -> KafkaServer:
    """A Kafka on free ports, not started.

    Raises:
        JarError: when a jar of Kafka cannot be had.
    """
    return KafkaServer(
        folder,
        port=ports.choose(),
        controller_port=ports.choose(),
        jars=await asyncio.to_thread(jars.fetch, lambda _done, _total: None),
        output=_ignore,
    )


@asynccontextmanager
async def local_servers(folder: Path) -> AsyncIterator[tuple[str, str]]:
    """Their addresses, as KAFKA_URL and MONGO_URL, as long as the block runs.

    Raises:
        JarError: when a jar of Kafka cannot be had.
        KafkaStartError: when Kafka does not come up.
        MongoStartError: when MongoDB does not.
    """
    kafka = await kafka_server(folder / "kafka")
    mongo = MongoServer(folder / "mongodb", port=ports.choose(), output=_ignore)
    try:
        await asyncio.gather(kafka.start(), mongo.start())
        yield kafka.url, mongo.url
    finally:
        await asyncio.gather(kafka.process.stop(), mongo.process.stop())
