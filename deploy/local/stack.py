"""The whole stack: servers, preparation, services; ready when it is entered, stopped when left."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from deploy.local import jars, ports
from deploy.local.kafka_server import KafkaServer
from deploy.local.mongo_server import MongoServer
from deploy.local.process import Output, Process
from deploy.local.state import StackState
from deploy.local.supervisor import Supervisor

SERVICES = ("gateway", "ingest", "scoring", "notify")
DEFAULT_RULES = Path(__file__).resolve().parent.parent / "rules" / "rules.yaml"
GATEWAY_PORT = 8080

_READY_SECONDS = 60.0

Result = TypeVar("Result")


class StackError(Exception):
    """The stack did not come up."""


@dataclass(frozen=True)
class Addresses:
    """Where a running stack is reached.

    Attributes:
        kafka_url: as KAFKA_URL.
        mongo_url: as MONGO_URL.
        gateway: base URL of what the public reaches.
        operations: base URLs of metrics and health, by service.
    """

    kafka_url: str
    mongo_url: str
    gateway: str
    operations: Mapping[str, str]


@dataclass
class Options:
    """How to run a stack.

    Attributes:
        folder: holds all data; one stack at a time.
        output: gets every line that a process writes, with the process's name.
        progress: gets one short line whenever something begins or is done.
        prepare: creates topics and indexes on the servers, before the services start.
        kafka_url: a Kafka that runs already, instead of starting one.
        mongo_url: a MongoDB replica set that runs already, instead of starting one.
        gateway_port: preferred; another free one is taken if it is in use.
        rules: rule file of notify.
        environment: further settings of the services.
    """

    folder: Path
    output: Output
    progress: Callable[[str], None]
    prepare: Callable[[str, str], Awaitable[None]]
    kafka_url: str | None = None
    mongo_url: str | None = None
    gateway_port: int = GATEWAY_PORT
    rules: Path = DEFAULT_RULES
    environment: Mapping[str, str] = field(default_factory=dict)


class Stack:
    """A stack in one data folder."""

    def __init__(self, options: Options) -> None:
        """Prepare; nothing runs until `running` is entered."""
        self._options = options
        self._state = StackState(options.folder)
        self.supervisor = Supervisor(options.output, self._note_processes)
        self._ports: dict[str, int] = {}

    def _note_processes(self) -> None:
        self._state.note_processes(self.supervisor.processes)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Addresses]:
        """Start everything, and stop it in the end.

        Raises:
            InUseError: when another stack uses the folder.
            StackError: when a part does not become ready; also KafkaStartError, MongoStartError,
                JarError.
        """
        self._state.acquire()
        try:
            addresses = await self._start()
            self._state.note(
                ports=self._ports,
                kafka_url=addresses.kafka_url,
                mongo_url=addresses.mongo_url,
                gateway_url=addresses.gateway,
                operations=dict(addresses.operations),
            )
            yield addresses
        finally:
            self._options.progress("stopping")
            await self.supervisor.stop()
            self._state.release()

    def _port(self, name: str, preferred: int | None = None) -> int:
        self._ports[name] = ports.choose(self._state.port(name) or preferred)
        return self._ports[name]

    async def _start(self) -> Addresses:
        kafka_url, mongo_url = await _together(self._kafka(), self._mongodb())
        self._options.progress("creating topics and indexes")
        await self._options.prepare(kafka_url, mongo_url)
        gateway = f"http://127.0.0.1:{self._port('http', self._options.gateway_port)}"
        operations = {name: f"http://127.0.0.1:{self._port(name)}" for name in SERVICES}
        addresses = Addresses(kafka_url, mongo_url, gateway, operations)
        for name in SERVICES:
            process = self.instance(name, addresses, self._ports[name])
            await self.supervisor.add(process, process.start)
        self._options.progress("waiting for the services")
        await _together(*(self._ready(name, url) for name, url in operations.items()))
        return addresses

    def instance(self, name: str, addresses: Addresses, port: int) -> Process:
        """One process of a service, not started yet; the caller looks after any beyond the first.

        Args:
            name: of the service.
            addresses: of this stack.
            port: for its operations.
        """
        return Process(
            name,
            [sys.executable, "-m", "langnghe", "run", name],
            self._environment(addresses, port),
            self._options.output,
        )

    async def _kafka(self) -> str:
        if self._options.kafka_url:
            return self._options.kafka_url
        fetched = await asyncio.to_thread(jars.fetch, self._on_jar)
        server = KafkaServer(
            self._options.folder / "kafka",
            port=self._port("kafka"),
            controller_port=self._port("kafka-controller"),
            jars=fetched,
            output=_to_file(self._options.folder / "kafka" / "kafka.log"),
        )
        self._options.progress("starting Kafka")
        await self.supervisor.add(server.process, server.start)
        self._options.progress(f"Kafka answers at {server.url}")
        return server.url

    def _on_jar(self, done: int, total: int) -> None:
        if done in {1, total} or done % 10 == 0:
            self._options.progress(f"Kafka's jars: {done} of {total}")

    async def _mongodb(self) -> str:
        if self._options.mongo_url:
            return self._options.mongo_url
        server = MongoServer(
            self._options.folder / "mongodb",
            port=self._port("mongodb"),
            output=_to_file(self._options.folder / "mongodb" / "output.log"),
        )
        self._options.progress("starting MongoDB")
        await self.supervisor.add(server.process, server.start)
        self._options.progress(f"MongoDB answers at {server.url}")
        return server.url

    def _environment(self, addresses: Addresses, port: int) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "KAFKA_URL": addresses.kafka_url,
            "MONGO_URL": addresses.mongo_url,
            "LANGNGHE_HTTP_PORT": str(self._ports["http"]),
            "LANGNGHE_OPS_PORT": str(port),
            "LANGNGHE_RULES": str(self._options.rules.resolve()),
            "LANGNGHE_PUBLIC_URL": addresses.gateway,
            "LANGNGHE_WEBHOOK_KEY": self._state.webhook_key(),
            **self._options.environment,
        }

    async def _ready(self, name: str, url: str) -> None:
        problem = "no answer"
        try:
            async with asyncio.timeout(_READY_SECONDS), aiohttp.ClientSession() as session:
                while name not in self.supervisor.given_up:
                    try:
                        async with session.get(f"{url}/health/ready") as response:
                            if response.status == 200:
                                return
                            problem = await response.text()
                    except aiohttp.ClientError as error:
                        problem = str(error)
                    await asyncio.sleep(0.1)
        except TimeoutError:
            msg = f"{name} is not ready after {_READY_SECONDS:.0f} s: {problem}"
            raise StackError(msg) from None
        msg = f"{name} did not start, its last lines say why"
        raise StackError(msg)


def _to_file(path: Path) -> Output:
    """Keeps what a server says in a file: of interest only when something is wrong."""
    path.parent.mkdir(parents=True, exist_ok=True)

    def write(_name: str, line: str) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    return write


async def _together(*work: Coroutine[Any, Any, Result]) -> list[Result]:
    """All results; the first failure cancels the rest and is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in work]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
