"""A real mongod with TLS and one user per service: none can write, or read, what is not its own."""

import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import pytest_asyncio
import trustme
from pymongo.errors import DuplicateKeyError, OperationFailure, ServerSelectionTimeoutError

from deploy.local.mongo_server import MongoServer
from langnghe import rights
from langnghe.prepare import prepare
from schemas import collections
from services.gateway import audit
from services.gateway.audit import Act, Actor
from services.gateway.storage import APPEND_ONLY
from services.runtime import identity
from services.runtime.database import Database, DatabaseError, reason
from services.runtime.settings import Settings
from tests.builders import NOW
from tests.secured import ADMINISTRATOR, Paper, make_paper, secured_mongo
from tests.servers import DATABASE, Servers

SERVICES = sorted(rights.OWNED)
EVERYTHING = {name for owned in rights.OWNED.values() for name in owned} | {identity.COLLECTION}
SHARED = {value for name, value in vars(collections).items() if name.isupper()}
_UNAUTHORIZED = 13
_WRONG_PASSWORD = 18

Work = Callable[[Database, str], Awaitable[Any]]


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Paper:
    return make_paper(tmp_path_factory.mktemp("paper"))


@pytest_asyncio.fixture(scope="module")
async def mongo(
    session_servers: Servers, paper: Paper, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[MongoServer]:
    folder: Path = tmp_path_factory.mktemp("mongodb")
    async with secured_mongo(folder, paper) as server:
        settings = as_user(server, paper, ADMINISTRATOR, paper.password)
        settings = settings.model_copy(update={"kafka_url": session_servers.kafka_url})
        passwords = rights.read_passwords(paper.users)
        await prepare(settings, passwords=passwords)
        await prepare(settings, passwords=passwords)  # harmless to repeat
        yield server


def as_user(server: MongoServer, paper: Paper, user: str, password: str) -> Settings:
    return Settings.model_validate(
        {
            "MONGO_URL": server.url,
            "database": DATABASE,
            "mongo_user": user,
            "mongo_password": password,
            "mongo_ca": paper.authorities,
        }
    )


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Database]:
    database = Database.of(settings, application="test")
    try:
        yield database
    finally:
        database.close()


@asynccontextmanager
async def connected_as(server: MongoServer, paper: Paper, service: str) -> AsyncIterator[Database]:
    password = paper.password_of(service)
    async with connected(as_user(server, paper, rights.user_of(service), password)) as database:
        yield database


async def insert(database: Database, collection: str) -> None:
    await database[collection].insert_one({"_id": "of a test"})


async def update(database: Database, collection: str) -> None:
    await database[collection].update_one({"_id": "of a test"}, {"$set": {"changed": True}})


async def replace(database: Database, collection: str) -> None:
    await database[collection].replace_one({"_id": "of another"}, {}, upsert=True)


async def remove(database: Database, collection: str) -> None:
    await database[collection].delete_many({"_id": "of a test"})


async def find(database: Database, collection: str) -> None:
    await database[collection].find_one({})


async def merge(database: Database, collection: str) -> None:
    await database.run(collections.REGISTRY, [{"$limit": 1}, {"$merge": {"into": collection}}])


async def drop(database: Database, collection: str) -> None:
    await database[collection].drop()


async def refused(work: Work, database: Database, collection: str) -> bool:
    try:
        await work(database, collection)
    except DuplicateKeyError:  # it was let in
        return False
    except OperationFailure as error:
        if error.code == _UNAUTHORIZED:
            return True
        raise
    return False


WRITES: list[Work] = [insert, update, replace, remove]


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_writes_its_own_and_nothing_else(
    mongo: MongoServer, paper: Paper, service: str
) -> None:
    own = set(rights.OWNED[service])
    async with connected_as(mongo, paper, service) as database:
        for collection in sorted(EVERYTHING - own):
            for work in (*WRITES, merge, drop):
                assert await refused(work, database, collection), (work.__name__, collection)
        for collection in sorted(own - APPEND_ONLY):
            for work in WRITES:
                assert not await refused(work, database, collection), (work.__name__, collection)
            assert await refused(drop, database, collection), collection
        assert await refused(insert, database, f"{service}.invented")


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_reads_its_own_and_what_is_shared(
    mongo: MongoServer, paper: Paper, service: str
) -> None:
    revisions = {f"{name}.revision" for name in SHARED} & EVERYTHING
    readable = {*rights.OWNED[service], *SHARED, *revisions, identity.COLLECTION}
    async with connected_as(mongo, paper, service) as database:
        for collection in sorted(EVERYTHING):
            known = collection in readable
            assert await refused(find, database, collection) is not known, collection


async def test_what_is_only_added_to_is_never_changed(mongo: MongoServer, paper: Paper) -> None:
    async with connected_as(mongo, paper, "gateway") as database:
        for collection in APPEND_ONLY:
            for work in (update, replace, remove, drop):
                assert await refused(work, database, collection), (work.__name__, collection)


async def test_the_audit_trail_is_only_ever_added_to(mongo: MongoServer, paper: Paper) -> None:
    act = Act(Actor(kind="command", name="test", role="command"), "test.run", "nothing")
    async with connected_as(mongo, paper, "gateway") as database:
        await audit.note(database, act, NOW)
        await audit.note(database, act, NOW)
        for work in (update, replace, remove, drop):
            assert await refused(work, database, audit.ENTRIES), work.__name__
        assert not await refused(find, database, audit.ENTRIES)
        head, problems = await audit.verify(database, None)
    assert (head.number, problems) == (2, [])


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_makes_no_users(mongo: MongoServer, paper: Paper, service: str) -> None:
    async with connected_as(mongo, paper, service) as database:
        with pytest.raises(OperationFailure) as caught:
            await database.allow(rights.user_of(service), "a longer password", {})
    assert caught.value.code == _UNAUTHORIZED


async def test_a_changed_password_ends_the_old_one(mongo: MongoServer, paper: Paper) -> None:
    user, old, new = "langnghe-changing", "the old password of it", "the new password of it"
    administrator = as_user(mongo, paper, ADMINISTRATOR, paper.password)
    async with connected(administrator) as database:
        await database.allow(user, old, {collections.ALERTS: ["find"]})
        await database.allow(user, new, {collections.INDICES: ["find"]})
    async with connected(as_user(mongo, paper, user, new)) as database:
        assert not await refused(find, database, collections.INDICES)
        assert await refused(find, database, collections.ALERTS)
    async with connected(as_user(mongo, paper, user, old)) as database:
        with pytest.raises(OperationFailure) as caught:
            await find(database, collections.INDICES)
    assert caught.value.code == _WRONG_PASSWORD
    assert old not in str(caught.value)


async def test_without_tls_or_name_or_the_right_authority_nobody_gets_in(
    mongo: MongoServer, paper: Paper, tmp_path: Path
) -> None:
    stranger = as_user(mongo, paper, ADMINISTRATOR, paper.password)
    unnamed = stranger.model_copy(update={"mongo_user": None, "mongo_password": None})
    async with connected(unnamed) as database:
        assert await refused(find, database, collections.INDICES)
    plain = unnamed.model_copy(update={"mongo_ca": None})
    async with connected(plain) as database:
        with pytest.raises(DatabaseError):
            await find(database, collections.INDICES)
    others = make_paper(tmp_path).authorities
    async with connected(stranger.model_copy(update={"mongo_ca": others})) as database:
        with pytest.raises(ServerSelectionTimeoutError, match="certificate verify failed"):
            await find(database, collections.INDICES)


@contextmanager
def shaking_hands(context: ssl.SSLContext) -> Iterator[int]:
    """The port of a server that shows its certificate and hangs up."""

    def show(connection: socket.socket) -> None:
        with connection, suppress(OSError):  # of TLS too: they do not like what they see
            context.wrap_socket(connection, server_side=True).close()

    def serve() -> None:
        with suppress(OSError):  # the server was closed
            while True:
                show(server.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


async def test_an_expired_certificate_is_named(tmp_path: Path) -> None:
    """Any server that shows it will do: it ends there, before MongoDB's protocol begins."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    expired = authority.issue_cert("127.0.0.1", not_after=datetime(2026, 1, 1, tzinfo=UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    expired.configure_cert(context)
    with shaking_hands(context) as port:
        url = f"mongodb://127.0.0.1:{port}/?directConnection=true"
        settings = Settings.model_validate({"MONGO_URL": url, "mongo_ca": tmp_path / "ca.pem"})
        async with connected(settings) as database:
            with pytest.raises(DatabaseError) as caught:
                await database.ping()
    assert reason(caught.value) == "certificate verify failed: certificate has expired"
