"""A real Kafka and a real MongoDB behind proxies: a network that can be made bad."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local import jars, ports
from deploy.local.kafka_server import KafkaServer
from deploy.local.mongo_server import MongoServer
from deploy.local.process import Process
from deploy.local.proxy import Proxy
from deploy.local.supervisor import Supervisor


@dataclass(frozen=True)
class Servers:
    """Servers that run.

    Attributes:
        kafka_url: through the proxy.
        mongo_url: through the proxy.
        mongo_straight: past it, for the reckoning.
        processes: by name, kafka and mongod.
        proxies: by the same names.
    """

    kafka_url: str
    mongo_url: str
    mongo_straight: str
    processes: dict[str, Process]
    proxies: dict[str, Proxy]


@asynccontextmanager
async def servers(folder: Path, output: Callable[[str, str], None]) -> AsyncIterator[Servers]:
    """Both servers and their proxies, kept running as long as the block runs.

    Args:
        folder: for data.
        output: told when one ends and is started again.
    """
    kafka_port, mongo_port = ports.choose(), ports.choose()
    to_kafka, to_mongo = Proxy(ports.choose(), kafka_port), Proxy(ports.choose(), mongo_port)
    kafka = KafkaServer(
        folder / "kafka",
        port=kafka_port,
        controller_port=ports.choose(),
        # Clients connect to whatever the broker calls itself.
        advertised_port=to_kafka.port,
        jars=await asyncio.to_thread(jars.fetch, lambda _done, _total: None),
        output=_ignore,
    )
    mongo = MongoServer(folder / "mongodb", port=mongo_port, output=_ignore)
    supervisor = Supervisor(output, lambda: None)
    await to_kafka.start()
    await to_mongo.start()
    try:
        await supervisor.add(kafka.process, kafka.start)
        await supervisor.add(mongo.process, mongo.start)
        yield Servers(
            kafka_url=f"127.0.0.1:{to_kafka.port}",
            # The set's own name for its member leads past the proxy.
            mongo_url=f"mongodb://127.0.0.1:{to_mongo.port}/?directConnection=true",
            mongo_straight=mongo.url,
            processes={"kafka": kafka.process, "mongod": mongo.process},
            proxies={"kafka": to_kafka, "mongod": to_mongo},
        )
    finally:
        await supervisor.stop()
        await to_kafka.stop()
        await to_mongo.stop()


def _ignore(_name: str, _line: str) -> None:
    """What servers say while they are killed helps nobody."""
