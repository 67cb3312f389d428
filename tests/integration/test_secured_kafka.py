"""A real Kafka with TLS, users and access rules, beside the secured MongoDB: what services may read
and write, and an answer that goes all the way by services that have no more than their rights."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    TopicAuthorizationFailedError,
)
from aiokafka.structs import TopicPartition
from pymongo import MongoClient

from deploy.local import ports
from deploy.local.process import Process
from deploy.local.stack import SERVICES
from langnghe import rights
from langnghe.kubernetes import PREPARE, SCALED, SCALER, kafka_users, mongodb
from langnghe.prepare import prepare
from schemas.flow import FLOWS
from schemas.topics import TOPICS
from services.gateway.registry.store import write
from services.runtime import acls
from services.runtime.database import Database
from services.runtime.security import kafka_security, mongo_security
from services.runtime.settings import Settings
from services.runtime.topics import TopicError
from tests.builders import UNIT, response, small_registry
from tests.devices import enrolled, hand_in
from tests.secured import ADMINISTRATOR, Paper, make_paper, secured_kafka, secured_mongo
from tests.servers import DATABASE, eventually
from tests.stack import below_target

NAMES = sorted(topic.name for topic in TOPICS)


@dataclass(frozen=True)
class Secured:
    """Both servers, prepared."""

    kafka_url: str
    mongo_url: str
    paper: Paper

    def settings(self, user: str, password: str) -> Settings:
        return Settings.model_validate(
            {
                "KAFKA_URL": self.kafka_url,
                "MONGO_URL": self.mongo_url,
                "database": DATABASE,
                "kafka_user": user,
                "kafka_password": password,
                "kafka_ca": self.paper.authorities,
                "mongo_user": user,
                "mongo_password": password,
                "mongo_ca": self.paper.authorities,
            }
        )

    def of(self, service: str) -> Settings:
        return self.settings(rights.user_of(service), self.paper.password_of(service))

    def environment(self, service: str, folder: Path, password: str) -> dict[str, str]:
        """Of a process; its passwords are files in a folder."""
        folder.mkdir(exist_ok=True)
        for name in ("langnghe_kafka_password", "langnghe_mongo_password"):
            (folder / name).write_text(password)
        return {
            "KAFKA_URL": self.kafka_url,
            "MONGO_URL": self.mongo_url,
            "LANGNGHE_DATABASE": DATABASE,
            "LANGNGHE_SECRETS": str(folder),
            "LANGNGHE_KAFKA_USER": rights.user_of(service),
            "LANGNGHE_KAFKA_CA": str(self.paper.authorities),
            "LANGNGHE_MONGO_USER": rights.user_of(service),
            "LANGNGHE_MONGO_CA": str(self.paper.authorities),
            "LANGNGHE_LOG_LEVEL": "DEBUG",
        }


@pytest_asyncio.fixture(scope="module")
async def secured(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Secured]:
    paper = make_paper(tmp_path_factory.mktemp("paper"))
    folder = tmp_path_factory.mktemp("servers")
    async with secured_kafka(folder, paper) as kafka, secured_mongo(folder, paper) as mongo:
        secured = Secured(kafka.url, mongo.url, paper)
        administrator = secured.settings(ADMINISTRATOR, paper.password)
        await prepare(administrator, passwords=rights.read_passwords(paper.users))
        # Something to read on every topic.
        async with producing(administrator) as producer:
            for name in NAMES:
                await producer.send_and_wait(name, b"no event", b"key", partition=0)
        yield secured


@asynccontextmanager
async def producing(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_url, acks="all", **kafka_security(settings)
    )
    try:
        await producer.start()
        yield producer
    finally:
        await producer.stop()


async def first_record(settings: Settings, topic: str, group: str) -> Any:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=settings.kafka_url,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        **kafka_security(settings),
    )
    try:
        async with asyncio.timeout(30):
            await consumer.start()
            return (await consumer.getone()).value
    finally:
        await consumer.stop()


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_sends_only_the_topics_of_its_flow(secured: Secured, service: str) -> None:
    sends = {topic.name for topic in FLOWS[service].sends}
    async with producing(secured.of(service)) as producer:
        for name in NAMES:
            if name in sends:
                await producer.send_and_wait(name, b"no event", b"key", partition=0)
            else:
                with pytest.raises(TopicAuthorizationFailedError):
                    await producer.send_and_wait(name, b"no event", b"key", partition=0)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_receives_only_the_topics_of_its_flow(
    secured: Secured, service: str
) -> None:
    receives = {topic.name for topic in FLOWS[service].receives}
    for name in NAMES:
        if name in receives:
            assert await first_record(secured.of(service), name, service) == b"no event"
        else:
            with pytest.raises(TopicAuthorizationFailedError):
                await first_record(secured.of(service), name, service)
    with pytest.raises(GroupAuthorizationFailedError):
        await first_record(secured.of(service), min(receives), "another")


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_makes_no_topics(secured: Secured, service: str) -> None:
    settings = secured.of(service)
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_url, **kafka_security(settings))
    await admin.start()
    try:
        answer = await admin.delete_topics(NAMES)
        codes = {code for _, code, *_ in answer.topic_error_codes}
    finally:
        await admin.close()
    assert codes == {TopicAuthorizationFailedError.errno}


async def test_without_tls_or_the_right_password_or_authority_nobody_gets_in(
    secured: Secured, tmp_path: Path
) -> None:
    settings = secured.of("gateway")
    others = make_paper(tmp_path)
    for wrong in (
        secured.settings(rights.user_of("gateway"), "not the password of it"),
        secured.settings("langnghe-nobody", "not the password of it"),
        settings.model_copy(update={"kafka_ca": others.authorities}),
        settings.model_copy(update={"kafka_user": None, "kafka_password": None}),
        settings.model_copy(update={"kafka_user": None, "kafka_password": None, "kafka_ca": None}),
    ):
        with pytest.raises(KafkaConnectionError) as caught:
            async with asyncio.timeout(30), producing(wrong):
                pass
        assert "not the password of it" not in str(caught.value)


@dataclass(frozen=True)
class Running:
    """The four services as processes."""

    gateway: str
    operations: dict[str, str]
    log: list[str]


@asynccontextmanager
async def running(
    secured: Secured, services: tuple[str, ...], folder: Path, passwords: dict[str, str]
) -> AsyncIterator[Running]:
    rules = folder / "rules.yaml"
    rules.write_text(below_target(for_="0s", keep_firing_for="1h"))
    http = ports.choose()
    operations: dict[str, int] = {}
    log: list[str] = []
    async with AsyncExitStack() as stack:
        for service in services:
            operations[service] = ports.choose()
            process = Process(
                service,
                [sys.executable, "-m", "langnghe", "run", service],
                {
                    **secured.environment(service, folder / service, passwords[service]),
                    "LANGNGHE_HTTP_PORT": str(http),
                    "LANGNGHE_OPS_PORT": str(operations[service]),
                    "LANGNGHE_RULES": str(rules),
                    "LANGNGHE_WEBHOOK_KEY": "a master key for tests, 32 characters",
                },
                lambda name, line: log.append(f"{name}: {line}"),
            )
            await process.start()
            stack.push_async_callback(process.stop)
        urls = {name: f"http://127.0.0.1:{port}" for name, port in operations.items()}
        try:
            yield Running(f"http://127.0.0.1:{http}", urls, log)
        except BaseException:
            print("\n".join(log[-60:]))  # pytest shows it with the failure
            raise


async def readiness(session: aiohttp.ClientSession, url: str) -> tuple[int, str]:
    try:
        async with session.get(f"{url}/health/ready") as answer:
            return answer.status, await answer.text()
    except aiohttp.ClientError:
        return 0, ""


async def test_answers_go_all_the_way_with_the_least_rights_and_no_secret_is_logged(
    secured: Secured, tmp_path: Path
) -> None:
    database = Database.of(secured.of("gateway"), application="test")
    await write(database, small_registry())
    signer = await enrolled(database)
    database.close()
    passwords = {service: secured.paper.password_of(service) for service in SERVICES}
    async with (
        running(secured, SERVICES, tmp_path, passwords) as run,
        aiohttp.ClientSession() as session,
    ):

        async def ready() -> bool:
            return {(await readiness(session, url))[0] for url in run.operations.values()} == {200}

        await eventually(ready, "all four are ready", within=90)
        now = datetime.now(UTC).isoformat()
        body = [response(occurred_at=now, answers={"overall": 1}) for _ in range(60)]
        assert await hand_in(session, run.gateway, signer, *body) == 202

        async def counted() -> bool:
            async with session.get(f"{run.gateway}/v1/indices/province:01") as answer:
                view = await answer.json()
            return bool(view["windows"]["24h"]["current"]["n"] == 60)

        async def fired() -> bool:
            async with session.get(f"{run.gateway}/v1/alerts") as answer:
                alerts = (await answer.json())["alerts"]
            return [one["alert"]["scope"] for one in alerts] == [f"unit:{UNIT}"]

        await eventually(counted, "the answers are in the index of the province", within=60)
        await eventually(fired, "the alert fires", within=60)
    log = "\n".join(run.log)
    assert "gateway is up" in log
    assert "not authorized" not in log.lower()
    for secret in secured.paper.secrets():
        assert secret not in log


async def test_a_wrong_password_is_named_by_readiness_and_log(
    secured: Secured, tmp_path: Path
) -> None:
    wrong = "not the password of it"
    async with (
        running(secured, ("scoring",), tmp_path, {"scoring": wrong}) as run,
        aiohttp.ClientSession() as session,
    ):

        async def named() -> bool:
            status, problem = await readiness(session, run.operations["scoring"])
            return (
                status == 503
                and "MongoDB does not answer: Authentication failed" in problem
                and any("AuthenticationFailed" in line for line in run.log)
            )

        await eventually(named, "the wrong password is named")
    assert wrong not in "\n".join(run.log)


async def test_an_operator_prepares_the_servers_and_changes_a_password(
    secured: Secured, tmp_path: Path
) -> None:
    async def prepare_with(users: Path) -> tuple[int, str]:
        environment = {
            **secured.environment("gateway", tmp_path / "secrets", secured.paper.password),
            "LANGNGHE_KAFKA_USER": ADMINISTRATOR,
            "LANGNGHE_MONGO_USER": ADMINISTRATOR,
        }
        said: list[str] = []
        command = [sys.executable, "-m", "langnghe", "prepare", "--users", str(users)]
        process = Process("prepare", command, environment, lambda _, line: said.append(line))
        await process.start()
        return await process.wait(), "\n".join(said)

    users = tmp_path / "users"
    users.mkdir()
    code, said = await prepare_with(users)
    assert (code, "gateway: cannot be read" in said) == (2, True), said
    for service in SERVICES:
        (users / service).write_text(secured.paper.password_of(service))
    (users / "notify").write_text("another password than before")
    code, said = await prepare_with(users)
    assert (code, "users are there" in said) == (0, True), said
    for password in (*secured.paper.secrets(), "another password than before"):
        assert password not in said
    changed = secured.settings(rights.user_of("notify"), "another password than before")
    database = Database.of(changed, application="test")
    await database.ping()
    database.close()
    code, said = await prepare_with(secured.paper.users)  # as the other tests know it
    assert code == 0, said


async def test_prepare_needs_no_more_than_it_has_in_kubernetes(secured: Secured) -> None:
    """Operators made topics and users; prepare has the rights of deploy/kubernetes/, no others."""
    name, password = rights.user_of(PREPARE), secured.paper.password
    administrator = secured.settings(ADMINISTRATOR, password)
    prepares = secured.settings(name, password)
    rules = kafka_users()[PREPARE]
    await acls.allow(secured.kafka_url, name, rules, kafka_security(administrator))
    [user] = [user for user in mongodb()["spec"]["users"] if user["name"] == name]
    roles = [{"role": role["name"], "db": DATABASE} for role in user["roles"]]
    with MongoClient[Any](secured.mongo_url, **mongo_security(administrator)) as client:
        client.admin.command("createUser", name, pwd=password, roles=roles)

    await prepare(prepares)
    async with producing(prepares) as producer:
        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait(NAMES[0], b"no event", b"key", partition=0)
    with pytest.raises(TopicError, match="rule for langnghe-gateway"):
        await acls.allow(
            secured.kafka_url, rights.user_of("gateway"), rules, kafka_security(prepares)
        )


@pytest.mark.parametrize("service", SCALED)
async def test_lag_is_seen_with_the_rights_that_keda_has(secured: Secured, service: str) -> None:
    """It asks where a group is and where its topic ends, and can read nothing."""
    name, password = rights.user_of(SCALER), secured.paper.password
    administrator = kafka_security(secured.settings(ADMINISTRATOR, password))
    await acls.allow(secured.kafka_url, name, kafka_users()[SCALER], administrator)
    security = kafka_security(secured.settings(name, password))
    [topic] = FLOWS[service].receives
    member = AIOKafkaConsumer(
        topic.name,
        bootstrap_servers=secured.kafka_url,
        group_id=service,
        **kafka_security(secured.of(service)),
    )
    await member.start()  # now there is a group to ask about
    await member.stop()
    admin = AIOKafkaAdminClient(bootstrap_servers=secured.kafka_url, **security)
    await admin.start()
    try:
        [described] = await admin.describe_topics([topic.name])
        partition = TopicPartition(topic.name, 0)
        assert partition in await admin.list_consumer_group_offsets(service, partitions=[partition])
    finally:
        await admin.close()
    assert len(described["partitions"]) == topic.partitions
    consumer = AIOKafkaConsumer(bootstrap_servers=secured.kafka_url, **security)
    await consumer.start()
    try:
        assert (await consumer.end_offsets([partition]))[partition] > 0
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        with pytest.raises(TopicAuthorizationFailedError):
            async with asyncio.timeout(30):
                await consumer.getone()
    finally:
        await consumer.stop()
