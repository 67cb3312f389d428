"""Each peer as a process of its own, with state and a consumer group that nobody had before."""

import asyncio
import json
import os
import struct
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

from benchmarks.measuring import Watched
from benchmarks.peers.installing import HERE, compile_job, prepare
from schemas.topics import FEEDBACK_ACCEPTED
from services.runtime.admin import administering
from services.runtime.groups import committed, spans
from tests.servers import DATABASE, Servers

_STORE = "hours"
_JVM = [
    "-Xmx512m",
    "--enable-native-access=ALL-UNNAMED",  # RocksDB
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
]

QUIX: Final = "Quix Streams"
STREAMS: Final = "Kafka Streams"
BARE: Final = "bare loop"


class Peer(Watched):
    """One engine at work: from the first record on, until it is stopped and commits what it read.

    Attributes:
        group: whose committed offsets say how far it is.
        changelog: topic that its state is written to, too.
        read_counts: five counts from a value of that topic.
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
        """Nothing runs until `start`: what is installed before takes no part."""
        super().__init__(name, command, os.environ)
        self.group = group
        self.changelog = changelog
        self.read_counts = read_counts

    async def through(self, kafka_url: str) -> bool:
        """Whether it has committed all that there is."""
        held = await spans(kafka_url, FEEDBACK_ACCEPTED)
        standing = (await committed(kafka_url, [self.group]))[self.group]
        ends = {partition: span.end for partition, span in held.items()}
        return standing.get(FEEDBACK_ACCEPTED.name) == ends


Start = Callable[[str, Path], AbstractAsyncContextManager[Peer]]
"""Starts a peer on a Kafka, with its state in a folder that is empty."""


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
async def _quix_streams(kafka_url: str, folder: Path) -> AsyncIterator[Peer]:
    """Quix Streams on the job.

    Raises:
        InstallError: when it cannot be installed.
    """
    installed = await asyncio.to_thread(prepare)
    group = f"peer-quix-{uuid4()}"
    topic = FEEDBACK_ACCEPTED.name
    peer = Peer(
        QUIX,
        group=group,
        changelog=f"changelog__{group}--{topic}--default",
        read_counts=json.loads,
        command=[installed.python, str(HERE / "quix.py"), kafka_url, group, topic, str(folder)],
    )
    async with _running(kafka_url, peer):
        yield peer


@asynccontextmanager
async def _kafka_streams(kafka_url: str, folder: Path) -> AsyncIterator[Peer]:
    """Kafka Streams on the job, its classes in the folder, too.

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
        STREAMS,
        group=group,
        changelog=f"{group}-{_STORE}-changelog",
        read_counts=lambda value: list(struct.unpack(">5q", value)),
        command=[*machine, "Histogram", kafka_url, group, FEEDBACK_ACCEPTED.name, state, _STORE],
    )
    async with _running(kafka_url, peer):
        yield peer


PEERS: Final[Mapping[str, Start]] = {QUIX: _quix_streams, STREAMS: _kafka_streams}
"""All of them, by name."""


@asynccontextmanager
async def bare(script: str, servers: Servers) -> AsyncIterator[Watched]:
    """A script of this folder on our libraries, doing the least that the job asks for."""
    where = [servers.kafka_url, servers.mongo_url, DATABASE]
    command = [sys.executable, "-m", f"benchmarks.peers.{script}", *where]
    process = Watched(BARE, command, servers.environment())
    await process.start()
    try:
        yield process
    finally:
        await process.stop()
