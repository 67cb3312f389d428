"""Fills an empty database from a back-up, and places it in the log of the Kafka that it stands at.

Beside the Kafka that the back-up was made at, ingest reads again what scoring had not counted, and
scoring goes on with what ingest publishes from then on: everything in between is known by its
source, and counted once. Beside another Kafka, the log of the first is put before the new one
(`moving.py`). What was stored but not counted, and no topic holds any more, is counted here.
"""

import gzip
from collections.abc import Iterator, Mapping
from datetime import datetime
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

import bson
import msgspec
from bson.raw_bson import RawBSONDocument

from langnghe.audit import operator
from langnghe.backup.manifest import BackupError, Manifest, UnfinishedError, file_of
from langnghe.backup.moving import BEFORE_ALL, MOVES
from langnghe.backup.saving import RAW, Report
from langnghe.prepare import make_collections
from langnghe.rights import OWNED
from schemas.collections import POSITIONS, RESPONSES
from schemas.flow import FLOWS
from schemas.topics import FEEDBACK_ACCEPTED, FEEDBACK_SUBMITTED
from services.gateway import audit
from services.gateway.audit import Act
from services.runtime import groups, identity
from services.runtime.database import OPTIONS, Database, encoded
from services.runtime.groups import Places, Span
from services.runtime.security import kafka_security
from services.runtime.settings import Settings
from services.scoring.applying import NOTHING_APPLIED, apply, position_id
from services.scoring.counting import Sums
from services.scoring.reading import Answer

_AT_ONCE = 1000


class Log(NamedTuple):
    """The Kafka that a database is restored beside.

    Attributes:
        cluster: its id.
        same: whether it is the one of the back-up, with the log that the positions belong to.
        submitted: what the partitions of feedback.submitted.v1 hold.
        accepted: the same of feedback.accepted.v1.
    """

    cluster: str
    same: bool
    submitted: Mapping[int, Span]
    accepted: Mapping[int, Span]


class Restored(NamedTuple):
    """What a restore came to.

    Attributes:
        documents: in the database now.
        counted: of them, responses that scoring had not counted and would not meet any more.
        again: records of feedback.submitted.v1 that ingest will read, some of them again.
        gone: at most so many more it should have read, and Kafka has removed them by now.
    """

    documents: int
    counted: int
    again: int
    gone: int


async def check_database(database: Database, cluster: str) -> None:
    """Make sure that there is nothing to lose.

    Raises:
        IdentityError: when the database is not prepared, or beside another Kafka.
        BackupError: naming what it holds.
    """
    if await identity.restoring(database):
        return
    await identity.check(database, cluster)
    held = [
        f"{name} ({number})"
        for name in await database.collection_names()
        if name not in {identity.COLLECTION, audit.HEAD}
        and (number := await database[name].count_documents({}))
    ]
    if held:
        msg = f"database {database.name} must be empty, it holds {', '.join(sorted(held))}"
        raise BackupError(msg)


def positions(folder: Path) -> dict[int, int]:
    """Up to which source offset a back-up has counted each partition."""
    applied = dict.fromkeys(range(FEEDBACK_SUBMITTED.partitions), NOTHING_APPLIED)
    for raw in _documents(folder, POSITIONS):
        applied[raw["partition"]] = raw["applied"]
    return applied


async def look_at_log(settings: Settings, manifest: Manifest, applied: Mapping[int, int]) -> Log:
    """The Kafka that answers; not the same any more, if it holds less than was counted.

    Raises:
        BackupError: when services are at work on it, or nothing is known of where they stood.
    """
    url, security = settings.kafka_url, kafka_security(settings)
    if working := await groups.at_work(url, FLOWS, security):
        msg = f"services are at work beside this Kafka: {', '.join(working)}; stop them first"
        raise BackupError(msg)
    cluster = await identity.cluster_id(url, security)
    submitted = await groups.spans(url, FEEDBACK_SUBMITTED, security)
    accepted = await groups.spans(url, FEEDBACK_ACCEPTED, security)
    same = cluster == manifest.kafka.cluster and all(
        offset < submitted[partition].end for partition, offset in applied.items()
    )
    if same and manifest.kafka.groups is None:
        msg = (
            "this is the Kafka of the back-up, but the back-up does not say where its consumers "
            "stood: it can only be restored beside another one"
        )
        raise BackupError(msg)
    return Log(cluster, same, submitted, accepted)


async def restore(
    database: Database,
    settings: Settings,
    folder: Path,
    manifest: Manifest,
    log: Log,
    now: datetime,
    report: Report,
) -> Restored:
    """Fill the database; the services can have it when this is over, and not before.

    Args:
        database: that holds nothing.
        settings: that name its Kafka.
        folder: of the back-up, whose files were checked.
        manifest: of the back-up.
        log: of that Kafka.
        now: for the audit trail.
        report: told of the progress.

    Raises:
        UnfinishedError: when MongoDB holds another number of documents than the back-up.
    """
    await identity.begin_restore(database)
    for name, kept in manifest.collections.items():
        await _load(database, folder, name, log.same, report)
        if (found := await database[name].count_documents({})) != kept.documents:
            msg = f"{name}: {found} documents are there, {kept.documents} should be"
            raise UnfinishedError(msg)
    await make_collections(database)
    applied, counted = await _place_scoring(database, log)
    places = _places(manifest, log, applied)
    for group, of_topics in places.items():
        await groups.place(settings.kafka_url, group, of_topics, kafka_security(settings))
    details = {"taken_at": manifest.taken_at.isoformat(), "kafka": log.cluster}
    await audit.note(database, Act(operator(), "backup.restore", folder.name, details), now)
    await identity.end_restore(database, log.cluster)
    wanted = places["ingest"][FEEDBACK_SUBMITTED.name]
    return Restored(
        documents=sum(kept.documents for kept in manifest.collections.values()),
        counted=counted,
        again=sum(
            max(0, log.submitted[partition].end - max(offset, log.submitted[partition].first))
            for partition, offset in wanted.items()
        ),
        gone=sum(
            max(0, log.submitted[partition].first - offset) if log.same else 0
            for partition, offset in wanted.items()
        ),
    )


def _documents(folder: Path, name: str) -> Iterator[RawBSONDocument]:
    with BufferedReader(gzip.open(file_of(folder, name))) as file:
        yield from bson.decode_file_iter(file, RAW)


async def _load(database: Database, folder: Path, name: str, same: bool, report: Report) -> None:
    move = None if same else MOVES.get(name)
    waiting: list[RawBSONDocument] = []

    async def insert() -> None:
        await database[name].insert_many(waiting, ordered=False)
        report(len(waiting))
        waiting.clear()

    for raw in _documents(folder, name):
        if move is None:
            waiting.append(raw)
        else:
            document = bson.decode(raw.raw, OPTIONS)
            move(document)
            waiting.append(encoded(document))
        if len(waiting) == _AT_ONCE:
            await insert()
    if waiting:
        await insert()


async def _place_scoring(database: Database, log: Log) -> tuple[dict[int, int], int]:
    """Let scoring go on at the end of its topic; by partition its position, and how many responses
    were counted for it to be right."""
    nothing = NOTHING_APPLIED if log.same else BEFORE_ALL
    applied: dict[int, int] = {}
    counted = 0
    for partition, span in log.accepted.items():
        fresh = {"partition": partition, "applied": nothing, "refreshed": nothing}
        position = await database[POSITIONS].find_one_and_update(
            {"_id": position_id(partition)},
            {"$set": {"next": span.end}, "$setOnInsert": fresh},
            upsert=True,
            return_document=True,
        )
        applied[partition] = position["applied"]
        before = log.submitted[partition].first if log.same else 0
        while events := await _between(database, partition, applied[partition], before):
            sums = Sums(applied[partition])
            for event in events:
                sums.add(event)
            await apply(database, partition, sums, span.end)
            applied[partition] = sums.last
            counted += sums.answers
    return applied, counted


async def _between(database: Database, partition: int, applied: int, before: int) -> list[Answer]:
    """The next stored responses of a partition above a position and below another place."""
    query = {"source.partition": partition, "source.offset": {"$gt": applied, "$lt": before}}
    found = database[RESPONSES].find(query).sort("source.offset", 1).limit(_AT_ONCE)
    return [msgspec.convert(document, Answer) async for document in found]


def _places(manifest: Manifest, log: Log, applied: Mapping[int, int]) -> dict[str, Places]:
    """Where each group goes on.

    Ingest with the first record that scoring has not counted. Scoring by its own position; the
    others where they stood before the data was read, or, beside another Kafka, with all it holds.
    """
    ingest = {partition: offset + 1 if log.same else 0 for partition, offset in applied.items()}
    stood = (manifest.kafka.groups or {}) if log.same else {}
    return {group: stood.get(group, {}) for group in OWNED if group != "scoring"} | {
        "ingest": {FEEDBACK_SUBMITTED.name: ingest}
    }
