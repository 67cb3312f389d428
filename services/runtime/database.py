"""MongoDB. The only module that imports Motor: its successor differs in `aggregate` and sessions,
so those go through here and the switch is this one file."""

import re
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC
from types import MappingProxyType
from typing import Any, Self, TypeVar

from bson import CodecOptions, Timestamp, encode
from bson.binary import UuidRepresentation
from bson.raw_bson import RawBSONDocument
from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorClientSession,
    AsyncIOMotorCollection,
)
from pymongo import IndexModel
from pymongo.errors import CollectionInvalid, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from services.runtime import metrics
from services.runtime.security import mongo_security
from services.runtime.settings import Settings

Document = dict[str, Any]
Collection = AsyncIOMotorCollection[Document]
Session = AsyncIOMotorClientSession
DatabaseError = PyMongoError
Result = TypeVar("Result")

_NAMESPACE_EXISTS = 48

OPTIONS: CodecOptions[Document] = CodecOptions(
    tz_aware=True, tzinfo=UTC, uuid_representation=UuidRepresentation.STANDARD
)


def encoded(document: Document) -> RawBSONDocument:
    """A document as it goes to MongoDB, so that it costs and can fail on its own.

    Raises:
        bson.errors.InvalidDocument, OverflowError: when it cannot be written as BSON.
    """
    return RawBSONDocument(encode(document, codec_options=OPTIONS))


def reason(error: DatabaseError) -> str:
    """An error in a few words: what the server says of us, what TLS says of it, else its kind."""
    if isinstance(error, OperationFailure):
        return str((error.details or {}).get("errmsg", type(error).__name__))
    found = re.search(r"certificate verify failed[^(\]]*", str(error))
    return found[0].strip() if found else type(error).__name__


class Database:
    """One database of a replica set, majority reads and writes, times with zone, UUIDs as UUIDs."""

    def __init__(
        self,
        url: str,
        name: str,
        *,
        application: str,
        security: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """Prepare a client; nothing is contacted yet.

        Args:
            url: `mongodb://…` of a replica set.
            name: of the database.
            application: the service; shown in the server's log and in metrics.
            security: see `mongo_security`; nothing for a server that asks for nothing.
        """
        self._application = application
        self._client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
            url,
            appname=application,
            readConcernLevel="majority",
            w="majority",
            # An outage shall surface within seconds: the caller waits, seeks back, tries again.
            serverSelectionTimeoutMS=3_000,
            connectTimeoutMS=3_000,
            socketTimeoutMS=60_000,
            **security,
        )
        self._database = self._client.get_database(name, codec_options=OPTIONS)

    @classmethod
    def of(cls, settings: Settings, *, application: str) -> Self:
        """The database that settings name, as the user that they name."""
        return cls(
            settings.mongo_url,
            settings.database,
            application=application,
            security=mongo_security(settings),
        )

    @property
    def name(self) -> str:
        """The database's name."""
        return self._database.name

    def __getitem__(self, collection: str) -> Collection:
        """A collection, by its full name: `scoring.buckets`."""
        return self._database[collection]

    async def ping(self) -> None:
        """Ask the primary whether it is there.

        Raises:
            DatabaseError: when it is not.
        """
        await self._client.admin.command("ping")

    async def transaction(self, work: Callable[[Session], Coroutine[Any, Any, Result]]) -> Result:
        """Run work in one transaction; MongoDB's transient errors run it again from the start.

        Whatever work raises aborts the transaction and is raised here.
        """
        runs = 0

        async def counted(session: Session) -> Result:
            nonlocal runs
            runs += 1
            if runs > 1:
                metrics.TRANSACTION_RETRIES.labels(self._application).inc()
            return await work(session)

        async with await self._client.start_session() as session:
            return await session.with_transaction(counted)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Session]:
        """A session whose reads all see the database as it stands at the first of them.

        MongoDB keeps that moment for `minSnapshotHistoryWindowInSeconds`, five minutes unless set.
        """
        async with await self._client.start_session(snapshot=True) as session:
            yield session

    async def stored(self, collection: str, session: Session) -> AsyncIterator[bytes]:
        """All documents of a collection as MongoDB holds them, BSON after BSON, some at a time."""
        async for some in self[collection].find_raw_batches({}, session=session):
            yield some

    def aggregate(
        self, collection: str, pipeline: Sequence[Mapping[str, Any]]
    ) -> AsyncIterator[Document]:
        """The documents that a pipeline yields, as they come.

        It reads what the primary has applied, majority or not: see `logical_time`.
        """
        source = self[collection].with_options(read_concern=ReadConcern("local"))
        return source.aggregate(list(pipeline), allowDiskUse=True)

    async def run(self, collection: str, pipeline: Sequence[Mapping[str, Any]]) -> None:
        """Run a pipeline for its effect (`$merge`)."""
        async for _ in self.aggregate(collection, pipeline):
            pass

    async def logical_time(self) -> int:
        """The time of the last write that the primary has applied: it only ever grows.

        A pipeline that starts after this was read sees at least every write up to it. So of two
        results, the one with the higher time, taken before its pipeline, is never the staler one.
        """
        answer = await self._client.admin.command("ping")
        moment: Timestamp = answer["operationTime"]
        return (moment.time << 32) | moment.inc

    async def prepare(self, indexes: Mapping[str, Sequence[IndexModel]]) -> None:
        """Create collections and indexes where missing.

        Collections are created ahead because a transaction should not have to.
        """
        for collection, models in indexes.items():
            try:
                await self._database.create_collection(collection)
            except CollectionInvalid:
                pass
            except PyMongoError as error:
                if getattr(error, "code", None) != _NAMESPACE_EXISTS:
                    raise
            if models:
                await self[collection].create_indexes(list(models))

    async def allow(
        self, user: str, password: str, privileges: Mapping[str, Sequence[str]]
    ) -> None:
        """Make a user who may do just this, or change them to that.

        The user, of MongoDB's database `admin`, has one role, of this database and the same name.

        Args:
            user: name.
            password: from now on.
            privileges: actions by collection.
        """
        granted = [
            {"resource": {"db": self.name, "collection": collection}, "actions": list(actions)}
            for collection, actions in privileges.items()
        ]
        known = await self._database.command({"rolesInfo": user})
        verb = "updateRole" if known["roles"] else "createRole"
        await self._database.command({verb: user, "privileges": granted, "roles": []})
        admin = self._client.admin
        known = await admin.command({"usersInfo": user})
        verb = "updateUser" if known["users"] else "createUser"
        role = {"role": user, "db": self.name}
        await admin.command(
            {verb: user, "pwd": password, "roles": [role], "mechanisms": ["SCRAM-SHA-256"]}
        )

    async def collection_names(self) -> list[str]:
        """Names of the collections that exist."""
        names: list[str] = await self._database.list_collection_names()
        return names

    async def drop(self) -> None:
        """Drop the whole database: tests, the demo, and a restore."""
        await self._client.drop_database(self._database.name)

    def close(self) -> None:
        """Let go of all connections."""
        self._client.close()
