"""Makes a back-up: everything that the services keep, as it stood at one moment.

mongodump is not used: it would be one more program to have at hand in the right version, and
without the oplog of the whole server it does not give the state of one moment. MongoDB's snapshot
reads do, by the driver that is there anyway.
"""

import gzip
from collections.abc import Callable
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import bson
from aiokafka.errors import KafkaError
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.errors import OperationFailure

from langnghe.backup import manifest
from langnghe.backup.contents import KEPT
from langnghe.backup.manifest import (
    BackupError,
    Kept,
    Manifest,
    Standing,
    UnfinishedError,
    file_of,
    kept,
)
from schemas.flow import FLOWS
from services.runtime import groups, identity
from services.runtime.database import Database, Session
from services.runtime.groups import Places
from services.runtime.security import kafka_security
from services.runtime.settings import Settings

RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)

_MOMENT_LOST = {239, 246}
"""MongoDB's SnapshotTooOld and SnapshotUnavailable."""

_FASTEST = 1
"""Answers shrink to an eighth with it; MongoDB keeps the moment for minutes only."""

Report = Callable[[int], None]
"""Told how many documents more are done."""


def make_folder(folder: Path) -> None:
    """A folder of which only its owner may read anything.

    Raises:
        BackupError: when there is something in it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        msg = f"{folder}: must be empty, or not there"
        raise BackupError(msg)
    folder.chmod(0o700)


async def standing(database: Database, settings: Settings) -> Standing:
    """Where the consumers stand, for data that is read later: it holds all that they have done.

    Raises:
        BackupError: when the database belongs to no cluster.
    """
    known = await database[identity.COLLECTION].find_one({"_id": "kafka"})
    if known is None or known["cluster"] is None:
        msg = (
            f"database {database.name} is not prepared, or half restored: there is nothing to keep"
        )
        raise BackupError(msg)
    return Standing(cluster=known["cluster"], groups=await _groups(settings, known["cluster"]))


async def _groups(settings: Settings, cluster: str) -> dict[str, Places] | None:
    security = kafka_security(settings)
    try:
        if await identity.cluster_id(settings.kafka_url, security) != cluster:
            return None
        return await groups.committed(settings.kafka_url, FLOWS, security)
    except KafkaError:
        return None


async def expected(database: Database) -> int:
    """About how many documents a back-up will hold."""
    return sum([await database[name].estimated_document_count() for name in KEPT])


async def save(
    database: Database, folder: Path, standing: Standing, now: datetime, report: Report
) -> Manifest:
    """Write every collection, and at last the manifest.

    Args:
        database: to read.
        folder: that is empty.
        standing: of before.
        now: of the moment that is kept.
        report: told of the progress.

    Raises:
        UnfinishedError: when MongoDB cannot read that moment any more.
        OSError: when the disk is full.
    """
    try:
        async with database.snapshot() as moment:
            collections = {
                name: await _save(database, name, moment, file_of(folder, name), report)
                for name in KEPT
            }
    except OperationFailure as error:
        if error.code not in _MOMENT_LOST:
            raise
        msg = (
            f"{folder}: is not finished, MongoDB keeps the moment no longer that was read: set its "
            "parameter minSnapshotHistoryWindowInSeconds higher and begin anew"
        )
        raise UnfinishedError(msg) from None
    whole = Manifest(
        code=version("langnghe"),
        database=database.name,
        taken_at=now,
        kafka=standing,
        collections=collections,
    )
    manifest.write(folder, whole)
    return whole


async def _save(database: Database, name: str, moment: Session, path: Path, report: Report) -> Kept:
    documents = 0
    with gzip.open(path, "wb", compresslevel=_FASTEST) as file:
        async for some in database.stored(name, moment):
            file.write(some)
            number = len(bson.decode_all(some, RAW))
            documents += number
            report(number)
    return kept(path, documents)
