"""Each peer as a process of its own, with state and a consumer group that nobody had before."""

import asyncio
import json
import os
import struct
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from benchmarks.peers.installing import HERE, compile_job, prepare
from deploy.local.process import Process
from schemas.topics import FEEDBACK_ACCEPTED
from services.runtime.admin import administering

_STORE = "hours"
_TAIL_LINES = 40
_JVM = [
    "-Xmx512m",
    "--enable-native-access=ALL-UNNAMED",  # RocksDB
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
]


class PeerError(Exception):
    """A peer ended while somebody counted on it."""


class Peer:
    """One engine at work.

    Attributes:
        name: for people.
        group: whose committed offsets say how far it is.
        changelog: topic that its state is written to, too.
        read_counts: five counts from a value of that topic.
        pid: of its process.
        started: when its process was, as `time.monotonic`: what is installed before takes no part.
    """

    def __init__(
        self,
        name: str,
        *,
        group: str,
        changelog: str,
        read_counts: Callable[[bytes], list[int]],
        command: Sequence[str],
    ) -> None:
        """Nothing runs until `start`."""
        self.name = name
        self.group = group
        self.changelog = changelog
        self.read_counts = read_counts
        self.pid = 0
        self.started = 0.0
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._process = Process(name, command, os.environ, self._said)

    def _said(self, _name: str, line: str) -> None:
        self._tail.append(line)

    async def start(self) -> None:
        """Run it; it reads from the first record on."""
        self.started = time.monotonic()
        await self._process.start()
        self.pid = self._process.pid or 0

    async def stop(self) -> None:
        """Let it commit what it has read, and end."""
        await self._process.stop()

    def check(self) -> None:
        """See that it runs.

        Raises:
            PeerError: when it ended, with the last lines that it wrote.
        """
        if not self._process.running:
            said = "\n".join(self._tail)
            msg = f"{self.name} ended by itself. Its last lines:\n{said}"
            raise PeerError(msg)


@asynccontextmanager
async def _running(kafka_url: str, peer: Peer) -> AsyncIterator[Peer]:
    await peer.start()
    try:
        yield peer
    finally:
        await peer.stop()
        async with administering(kafka_url) as admin:
            await admin.delete_topics([peer.changelog])


@asynccontextmanager
async def quix_streams(kafka_url: str, folder: Path) -> AsyncIterator[Peer]:
    """Quix Streams on the job, its state in a folder that is empty.

    Raises:
        InstallError: when it cannot be installed.
    """
    installed = await asyncio.to_thread(prepare)
    group = f"peer-quix-{uuid4()}"
    topic = FEEDBACK_ACCEPTED.name
    peer = Peer(
        "Quix Streams",
        group=group,
        changelog=f"changelog__{group}--{topic}--default",
        read_counts=json.loads,
        command=[installed.python, str(HERE / "quix.py"), kafka_url, group, topic, str(folder)],
    )
    async with _running(kafka_url, peer):
        yield peer


@asynccontextmanager
async def kafka_streams(kafka_url: str, folder: Path) -> AsyncIterator[Peer]:
    """Kafka Streams on the job, its classes and its state in a folder that is empty.

    Raises:
        JarError: when a jar cannot be had.
        InstallError: when the job does not compile.
    """
    installed = await asyncio.to_thread(prepare)
    path = await asyncio.to_thread(compile_job, installed, folder / "classes")
    group = f"peer-kafka-streams-{uuid4()}"
    machine = [installed.java, *_JVM, "-cp", path]
    state = str(folder / "state")
    peer = Peer(
        "Kafka Streams",
        group=group,
        changelog=f"{group}-{_STORE}-changelog",
        read_counts=lambda value: list(struct.unpack(">5q", value)),
        command=[*machine, "Histogram", kafka_url, group, FEEDBACK_ACCEPTED.name, state, _STORE],
    )
    async with _running(kafka_url, peer):
        yield peer
