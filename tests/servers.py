"""A real Kafka and a real MongoDB for tests, from wherever they can be had.

In this order: those that KAFKA_URL and MONGO_URL name; containers, where a Docker engine answers
and can get the images; plain processes of this machine.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import (
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import docker.errors
import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from pymongo import MongoClient
from testcontainers.community.kafka import KafkaContainer
from testcontainers.core.container import DockerContainer

from deploy.local.servers import local_servers
from langnghe.prepare import prepare
from schemas.topics import TOPICS
from services.runtime.database import Database
from services.runtime.settings import Settings

DATABASE = "langnghe-test"


@dataclass(frozen=True)
class Servers:
    """Where the servers are, and which of them ended though nobody stopped it, if they are ours."""

    kafka_url: str
    mongo_url: str
    ended: Callable[[], str | None] = lambda: None

    def settings(self) -> Settings:
        """Settings of a process that uses them."""
        return Settings(KAFKA_URL=self.kafka_url, MONGO_URL=self.mongo_url, database=DATABASE)

    def environment(self) -> dict[str, str]:
        """The same as environment variables."""
        return {
            "KAFKA_URL": self.kafka_url,
            "MONGO_URL": self.mongo_url,
            "LANGNGHE_DATABASE": DATABASE,
        }


def _docker_answers() -> bool:
    if "DOCKER_HOST" not in os.environ and not Path("/var/run/docker.sock").exists():
        return False
    try:
        client = docker.from_env(timeout=2)
    except docker.errors.DockerException:
        return False
    try:
        return bool(client.ping())
    except docker.errors.DockerException:
        return False
    finally:
        client.close()


@contextmanager
def _parameters(mongo_url: str, wanted: dict[str, bool | int]) -> Iterator[None]:
    """A MongoDB with other parameters for a while."""
    with MongoClient[dict[str, Any]](mongo_url) as client:

        def put(name: str, value: bool | int) -> Any:
            return client.admin.command({"setParameter": 1, name: value})["was"]

        before = {name: put(name, value) for name, value in wanted.items()}
        try:
            yield
        finally:
            for name, value in before.items():
                put(name, value)


def keeping(mongo_url: str) -> AbstractContextManager[None]:
    """MongoDB removes nothing that has expired.

    It goes by the machine's clock, while most tests go by days of their own.
    """
    # A look a second instead of a minute, for whoever is `expiring` in between.
    return _parameters(mongo_url, {"ttlMonitorEnabled": False, "ttlMonitorSleepSecs": 1})


def expiring(mongo_url: str) -> AbstractContextManager[None]:
    """MongoDB removes what has expired, as in production, but within seconds."""
    return _parameters(mongo_url, {"ttlMonitorEnabled": True})


def ending_transactions(mongo_url: str) -> AbstractContextManager[None]:
    """MongoDB ends transactions that nobody goes on with, as in production, but within seconds."""
    return _parameters(mongo_url, {"transactionLifetimeLimitSeconds": 1})


@contextmanager
def taking_only(mongo_url: str, collection: str, rule: dict[str, Any]) -> Iterator[None]:
    """MongoDB refuses, for a while, to write what does not match a rule."""
    with MongoClient[dict[str, Any]](mongo_url) as client:
        client[DATABASE].command({"collMod": collection, "validator": rule})
        try:
            yield
        finally:
            client[DATABASE].command({"collMod": collection, "validator": {}})


def _initiate(url: str) -> None:
    with MongoClient[dict[str, object]](url) as client:
        client.admin.command("replSetInitiate")
        while not client.admin.command("hello")["isWritablePrimary"]:
            time.sleep(0.1)


async def _containers(stack: AsyncExitStack) -> Servers:
    """Kafka and MongoDB as containers.

    Raises:
        docker.errors.DockerException: when an image cannot be had.
    """
    kafka = KafkaContainer("confluentinc/cp-kafka:7.9.0").with_kraft()
    mongo = (
        DockerContainer("mongo:7")
        .with_exposed_ports(27017)
        .with_command("--replSet langnghe --bind_ip_all")
    )
    for container in (kafka, mongo):
        await asyncio.to_thread(container.start)
        stack.push_async_callback(asyncio.to_thread, container.stop)
    host, port = mongo.get_container_host_ip(), mongo.get_exposed_port(27017)
    url = f"mongodb://{host}:{port}/?directConnection=true"
    await asyncio.to_thread(_initiate, url)
    return Servers(kafka.get_bootstrap_server(), url)


async def _refuse_foreign_data(servers: Servers) -> None:
    """Tests delete topics: a cluster that holds some of ours is somebody's, not ours."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers.kafka_url)
    await admin.start()
    try:
        held = {topic.name for topic in TOPICS} & set(await admin.list_topics())
    finally:
        await admin.close()
    if held:
        msg = f"KAFKA_URL holds {', '.join(sorted(held))}: tests need an empty cluster"
        raise RuntimeError(msg)


@asynccontextmanager
async def find_servers() -> AsyncIterator[Servers]:
    """Servers for a whole test session."""
    kafka_url, mongo_url = os.environ.get("KAFKA_URL"), os.environ.get("MONGO_URL")
    if kafka_url and mongo_url:
        if int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 1:
            msg = "KAFKA_URL and MONGO_URL name one server of each: run the tests with WORKERS=0"
            raise RuntimeError(msg)
        servers = Servers(kafka_url, mongo_url)
        await _refuse_foreign_data(servers)
        yield servers
        return
    async with AsyncExitStack() as stack:
        if _docker_answers():
            try:
                yield await _containers(stack)
            except docker.errors.DockerException as error:
                print(f"containers cannot be had, using plain processes: {error}")
            else:
                return
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="langnghe-test-"))
        local = await stack.enter_async_context(local_servers(Path(folder)))
        yield Servers(local.kafka.url, local.mongo.url, local.ended)


async def reset(servers: Servers) -> None:
    """Begin anew: no topic, no document; then everything prepared."""
    if gone := servers.ended():
        pytest.fail(gone, pytrace=False)
    admin = AIOKafkaAdminClient(bootstrap_servers=servers.kafka_url)
    await admin.start()
    try:
        ours = {topic.name for topic in TOPICS}
        held = ours & set(await admin.list_topics())
        if held:
            await admin.delete_topics(sorted(held))
        while ours & set(await admin.list_topics()):
            await asyncio.sleep(0.05)
    finally:
        await admin.close()
    database = Database(servers.mongo_url, DATABASE, application="test")
    try:
        # Dropped, it would leave a hundred files open for a minute or more: many quick tests, and
        # mongod has too many and ends.
        for name in await database.collection_names():
            await database[name].delete_many({})
    finally:
        database.close()
    await prepare(servers.settings())


async def eventually(
    condition: Callable[[], Awaitable[bool]], what: str, *, within: float = 30.0
) -> None:
    """Wait for something that real parts will bring about.

    Raises:
        AssertionError: naming it, when it has not come about in time.
    """
    try:
        async with asyncio.timeout(within):
            while not await condition():
                await asyncio.sleep(0.05)
    except TimeoutError:
        msg = f"not within {within:.0f} s: {what}"
        raise AssertionError(msg) from None


async def published(
    servers: Servers, topic: str, partition: int
) -> list[ConsumerRecord[bytes, bytes]]:
    """Everything that a partition holds, in order."""
    consumer = AIOKafkaConsumer(bootstrap_servers=servers.kafka_url, auto_offset_reset="earliest")
    await consumer.start()
    try:
        place = TopicPartition(topic, partition)
        consumer.assign([place])
        end = (await consumer.end_offsets([place]))[place]
        found: list[ConsumerRecord[bytes, bytes]] = []
        while len(found) < end:
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                found += batch
        return found
    finally:
        await consumer.stop()
