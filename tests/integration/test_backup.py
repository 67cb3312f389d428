"""Back-ups on real servers: one moment, whole, and right again beside the Kafka that went on and
beside a new one."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random

import aiohttp
import bson
import pytest
import pytest_asyncio
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from pymongo import MongoClient

from deploy.local import ports
from deploy.local.servers import kafka_server
from langnghe import rights
from langnghe.backup import saving
from langnghe.backup.contents import KEPT, LEFT_OUT
from langnghe.prepare import prepare
from langnghe.verify import settled, verify
from schemas.collections import BUCKETS, POSITIONS, QUARANTINE, REGISTRY, RESPONSES
from schemas.feedback import FeedbackSubmitted
from schemas.registry import EntryKind
from schemas.topics import AGENCY_REPLIED, FEEDBACK_ACCEPTED, FEEDBACK_SUBMITTED
from services.gateway import audit
from services.gateway.contacts import store as contacts
from services.gateway.main import build as build_gateway
from services.gateway.registry.store import write
from services.gateway.settings import GatewaySettings
from services.ingest.main import build as build_ingest
from services.ingest.settings import IngestSettings
from services.runtime import groups, identity
from services.runtime.database import Database
from services.runtime.producer import Producer
from services.scoring.main import ScoringSettings
from services.scoring.main import build as build_scoring
from tests.builders import NOW, OTHER_UNIT, UNIT, entry, load_small_registry, submitted
from tests.integration.test_commands import Said, langnghe
from tests.servers import DATABASE, Servers, eventually, reset
from tests.serving import serving_gateway
from tests.together import Moment

PATHS = (
    *(f"/v1/indices/{scope}" for scope in (f"unit:{UNIT}", "province:01", "country")),
    "/v1/indices?parent=country",
    "/v1/alerts",
)
CLOCK = Moment(NOW)
LATER_UNIT = "000.00.23.H26"
"""Its records are in the partition of those of UNIT."""


@pytest_asyncio.fixture(scope="module")
async def other_kafka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Another cluster."""
    server = await kafka_server(tmp_path_factory.mktemp("kafka"))
    await server.start()
    yield server.url
    await server.process.stop()


@pytest.fixture
def elsewhere(other_kafka: str, servers: Servers) -> Servers:
    """The same MongoDB beside the other cluster."""
    return Servers(other_kafka, servers.mongo_url)


def answers(count: int, seed: int) -> list[FeedbackSubmitted]:
    """Answers of two offices, and one more that does not count."""
    random = Random(seed)
    counted = [
        submitted(
            unit=random.choice([UNIT, OTHER_UNIT]),
            answers={"overall": random.randint(1, 5)},
            field=random.choice([None, "ho-tich"]),
        )
        for _ in range(count)
    ]
    return [*counted, submitted(unit="000.00.99.H26")]


async def send(servers: Servers, given: list[FeedbackSubmitted]) -> None:
    producer = Producer(servers.kafka_url, "gateway")
    await producer.start()
    await producer.connected()
    await producer.send(FEEDBACK_SUBMITTED, given)
    await producer.stop()


@asynccontextmanager
async def counting(servers: Servers, *, scoring: bool = True) -> AsyncIterator[None]:
    """Ingest and scoring at work."""
    where = {"KAFKA_URL": servers.kafka_url, "MONGO_URL": servers.mongo_url, "database": DATABASE}
    async with AsyncExitStack() as stack:
        ingest = build_ingest(IngestSettings.model_validate(where), CLOCK)
        await stack.enter_async_context(ingest.running())
        if scoring:
            service = build_scoring(ScoringSettings.model_validate(where), CLOCK)
            await stack.enter_async_context(service.running())
        yield


async def counted(database: Database, responses: int, aside: int) -> None:
    """Wait until so many are there, and check that they count once."""

    async def there() -> bool:
        return (
            await database[RESPONSES].count_documents({}) >= responses
            and await database[QUARANTINE].count_documents({}) >= aside
            and await settled(database)
        )

    await eventually(there, f"{responses} responses are counted")
    report = await verify(database, patience=30, progress=None)
    assert report.differences == []
    assert (report.responses, await database[QUARANTINE].count_documents({})) == (responses, aside)


async def stored(database: Database, responses: int) -> None:
    """Wait until so many are stored, counted or not."""

    async def there() -> bool:
        return await database[RESPONSES].count_documents({}) == responses

    await eventually(there, "they are stored")


async def shown(servers: Servers) -> dict[str, bytes]:
    """What anybody sees, byte by byte."""
    where = {"KAFKA_URL": servers.kafka_url, "MONGO_URL": servers.mongo_url, "database": DATABASE}
    sites = build_gateway(GatewaySettings.model_validate(where), CLOCK)
    async with serving_gateway(sites) as at, aiohttp.ClientSession() as session:
        found: dict[str, bytes] = {}
        for path in PATHS:
            async with session.get(at.public + path) as answer:
                assert answer.status == 200, path
                found[path] = await answer.read()
        return found


async def backup(servers: Servers, folder: Path) -> Said:
    return await langnghe("backup", folder, **servers.environment())


async def restore(servers: Servers, folder: Path) -> Said:
    return await langnghe("restore", folder, **servers.environment())


async def whole_trail(database: Database) -> list[str]:
    """The actions in the audit trail, newest first; it must be whole."""
    _, problems = await audit.verify(database, None)
    assert problems == []
    return [entry.action for entry in await audit.entries(database, None, 10)]


async def test_beside_a_new_kafka_all_is_as_it_was_and_goes_on(
    servers: Servers, database: Database, elsewhere: Servers, tmp_path: Path
) -> None:
    await load_small_registry(database)
    first, later = answers(60, seed=1), answers(40, seed=2)
    async with counting(servers):
        await send(servers, first)
        await counted(database, 60, 1)
    before = await shown(servers)
    said = await backup(servers, tmp_path / "b")
    assert said.code == 0, said

    await reset(elsewhere)
    said = await restore(elsewhere, tmp_path / "b")
    assert said.code == 0, said
    assert "0 responses were counted; ingest has 0 records to read" in said.out
    assert await shown(elsewhere) == before
    assert await whole_trail(database) == ["backup.restore", "backup.make"]
    async with counting(elsewhere):
        # The same answers come to the same places of the new log, and are known all the same; the
        # one that did not count is set aside anew.
        await send(elsewhere, [*first, *later])
        await counted(database, 100, 3)
    assert await shown(elsewhere) != before

    # And once more, with answers of two logs in it.
    said = await backup(elsewhere, tmp_path / "again")
    assert said.code == 0, said
    await reset(elsewhere)
    assert (await restore(elsewhere, tmp_path / "again")).code == 0
    async with counting(elsewhere):
        await send(elsewhere, [*answers(10, seed=3), *first, *later])
        await counted(database, 110, 6)


async def test_what_was_stored_but_not_counted_is_counted_beside_a_new_kafka(
    servers: Servers, database: Database, elsewhere: Servers, tmp_path: Path
) -> None:
    await load_small_registry(database)
    async with counting(servers):
        await send(servers, answers(20, seed=1))
        await counted(database, 20, 1)
    async with counting(servers, scoring=False):
        await send(servers, answers(30, seed=2))
        await stored(database, 50)
    assert (await backup(servers, tmp_path)).code == 0
    await reset(elsewhere)
    said = await restore(elsewhere, tmp_path)
    assert "30 responses were counted" in said.out, said
    async with counting(elsewhere):
        await send(elsewhere, answers(10, seed=3))
        await counted(database, 60, 3)


async def test_beside_the_kafka_that_went_on_ingest_catches_up(
    servers: Servers, database: Database, tmp_path: Path
) -> None:
    await load_small_registry(database)
    async with counting(servers):
        await send(servers, answers(30, seed=1))
        await counted(database, 30, 1)
    async with counting(servers, scoring=False):
        await send(servers, answers(10, seed=2))
        await stored(database, 40)
    await groups.place(servers.kafka_url, "notify", {AGENCY_REPLIED.name: {0: 0}})
    assert (await backup(servers, tmp_path)).code == 0
    await groups.place(servers.kafka_url, "notify", {AGENCY_REPLIED.name: {0: 7}})
    await write(database, [entry(EntryKind.UNIT, LATER_UNIT, "province:01")])
    async with counting(servers):
        await send(servers, [*answers(25, seed=3), submitted(unit=LATER_UNIT)])
        await counted(database, 66, 3)
    await database.drop()
    await prepare(servers.settings())
    said = await restore(servers, tmp_path)
    assert said.code == 0, said
    assert await database[RESPONSES].count_documents({}) == 40
    stood = await groups.committed(servers.kafka_url, ["notify"])
    assert stood == {"notify": {AGENCY_REPLIED.name: {0: 0}}}
    async with counting(servers):
        # The restored registry does not know the later office: what was published of it before
        # must not count either.
        await send(servers, answers(5, seed=4))
        await counted(database, 70, 5)


async def test_a_kafka_that_removed_what_was_stored_but_not_counted_loses_nothing(
    servers: Servers, database: Database, tmp_path: Path
) -> None:
    await load_small_registry(database)
    async with counting(servers, scoring=False):
        await send(servers, answers(30, seed=1))
        await stored(database, 30)
    assert (await backup(servers, tmp_path)).code == 0
    ends = {
        TopicPartition(FEEDBACK_SUBMITTED.name, partition): RecordsToDelete(before_offset=span.end)
        for partition, span in (await groups.spans(servers.kafka_url, FEEDBACK_SUBMITTED)).items()
        if span.end
    }
    admin = AIOKafkaAdminClient(bootstrap_servers=servers.kafka_url)
    await admin.start()
    await admin.delete_records(ends)
    await admin.close()
    await database.drop()
    await prepare(servers.settings())
    said = await restore(servers, tmp_path)
    assert "30 responses were counted; ingest has 0 records to read" in said.out, said
    assert "up to 1 records that were not dealt with are no longer in Kafka" in said.notes
    async with counting(servers):
        await send(servers, answers(10, seed=2))
        await counted(database, 40, 2)


async def test_a_backup_while_answers_flow_is_of_one_moment(
    servers: Servers, database: Database, elsewhere: Servers, tmp_path: Path
) -> None:
    await load_small_registry(database)
    flowing = asyncio.Event()

    async def flow() -> None:
        producer = Producer(servers.kafka_url, "gateway")
        await producer.start()
        await producer.connected()
        seed = 0
        while not flowing.is_set():
            await producer.send(FEEDBACK_SUBMITTED, answers(20, seed))
            seed += 1
            await asyncio.sleep(0.05)
        await producer.stop()

    async with counting(servers):
        sending = asyncio.create_task(flow())

        async def some() -> bool:
            return await database[RESPONSES].count_documents({}) > 200

        await eventually(some, "answers flow")
        said = await backup(servers, tmp_path)
        during = await database[RESPONSES].count_documents({})
        flowing.set()
        await sending
    assert said.code == 0, said
    await reset(elsewhere)
    assert (await restore(elsewhere, tmp_path)).code == 0
    kept = await database[RESPONSES].count_documents({})
    assert 200 < kept <= during
    async with counting(elsewhere):

        async def quiet() -> bool:
            return await settled(database)

        await eventually(quiet, "scoring has refreshed")
    assert (await verify(database, patience=30, progress=None)).differences == []


def _files_with(folder: Path, text: bytes) -> list[str]:
    held = {path.name: gzip.decompress(path.read_bytes()) for path in folder.glob("*.gz")}
    return [name for name, content in held.items() if text in content]


def _open_to_others(folder: Path) -> int:
    return folder.stat().st_mode & 0o077


async def test_every_collection_is_kept_or_left_out_for_a_reason(
    servers: Servers, database: Database, tmp_path: Path
) -> None:
    owned = {name for names in rights.OWNED.values() for name in names}
    assert owned == set(KEPT) | set(LEFT_OUT)
    assert set(await database.collection_names()) <= owned | {identity.COLLECTION}
    for name in (*LEFT_OUT, POSITIONS):
        await database[name].insert_one({"_id": "secret of a citizen"})
    assert (await backup(servers, tmp_path)).code == 0
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert set(manifest["collections"]) == set(KEPT)
    assert manifest["collections"][POSITIONS]["documents"] == 1
    assert _files_with(tmp_path, b"secret of a citizen") == [f"{POSITIONS}.bson.gz"]
    assert contacts.KEYS in LEFT_OUT
    assert contacts.CONTACTS in LEFT_OUT
    assert _open_to_others(tmp_path) == 0


async def test_a_restore_is_refused_before_anything_is_written(
    servers: Servers, database: Database, tmp_path: Path
) -> None:
    await load_small_registry(database)
    good = tmp_path / "good"
    assert (await backup(servers, good)).code == 0
    said = await backup(servers, good)
    assert (said.code, "must be empty" in said.notes) == (2, True)

    async def refused(why: str) -> None:
        said = await restore(servers, good)
        assert (said.code, why in said.notes) == (2, True), said

    await refused(f"database {DATABASE} must be empty, it holds gateway.audit (1), registry")
    await database.drop()
    await refused("is not prepared")
    await prepare(servers.settings())
    registry = good / "registry.entries.bson.gz"
    content = registry.read_bytes()
    registry.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    await refused("registry.entries.bson.gz: is not what was written")
    assert await database[REGISTRY].count_documents({}) == 0
    registry.write_bytes(content)
    async with counting(servers):

        async def at_work() -> bool:
            of = ("ingest", "scoring", "notify")
            return await groups.at_work(servers.kafka_url, of) == ["ingest", "scoring"]

        await eventually(at_work, "ingest and scoring are at work")
        await refused("services are at work beside this Kafka: ingest, scoring")


async def test_a_restore_that_did_not_end_is_no_database_and_can_be_begun_again(
    servers: Servers, database: Database, tmp_path: Path
) -> None:
    await load_small_registry(database)
    assert (await backup(servers, tmp_path)).code == 0
    cluster = await identity.cluster_id(servers.kafka_url)
    await identity.begin_restore(database)
    await load_small_registry(database)
    for work in (identity.check(database, cluster), identity.bind(database, cluster)):
        with pytest.raises(identity.IdentityError, match="half restored"):
            await work
    assert (await backup(servers, tmp_path / "of-half")).code == 2
    assert (await restore(servers, tmp_path)).code == 0
    await identity.check(database, cluster)


async def test_a_backup_without_its_kafka_fits_another_alone(
    servers: Servers, database: Database, elsewhere: Servers, tmp_path: Path
) -> None:
    await load_small_registry(database)
    async with counting(servers):
        await send(servers, answers(20, seed=1))
        await counted(database, 20, 1)
    gone = Servers(f"127.0.0.1:{ports.choose()}", servers.mongo_url)
    said = await backup(gone, tmp_path)
    assert (said.code, "can only be restored beside another one" in said.notes) == (0, True), said
    await database.drop()
    await prepare(servers.settings())
    said = await restore(servers, tmp_path)
    assert (said.code, "does not say where its consumers" in said.notes) == (2, True), said
    await reset(elsewhere)
    assert (await restore(elsewhere, tmp_path)).code == 0
    async with counting(elsewhere):
        await send(elsewhere, answers(10, seed=2))
        await counted(database, 30, 2)


async def test_topics_that_were_emptied_are_another_log(
    servers: Servers, database: Database, tmp_path: Path
) -> None:
    await load_small_registry(database)
    first = answers(20, seed=1)
    async with counting(servers):
        await send(servers, first)
        await counted(database, 20, 1)
    assert (await backup(servers, tmp_path)).code == 0
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    cluster = await identity.cluster_id(servers.kafka_url)
    assert manifest["kafka"]["cluster"] == cluster
    stood = manifest["kafka"]["groups"]
    assert sum(stood["ingest"][FEEDBACK_SUBMITTED.name].values()) == 21
    stored = bson.decode_all(gzip.decompress((tmp_path / f"{POSITIONS}.bson.gz").read_bytes()))
    following = {str(one["partition"]): one["next"] for one in stored if "next" in one}
    assert stood["scoring"][FEEDBACK_ACCEPTED.name] == following

    await reset(servers)
    assert await identity.cluster_id(servers.kafka_url) == cluster
    assert (await restore(servers, tmp_path)).code == 0
    async with counting(servers):
        await send(servers, [*answers(10, seed=2), *first])
        await counted(database, 30, 3)


async def test_nothing_gets_in_that_came_while_a_backup_was_made(
    servers: Servers, database: Database, tmp_path: Path
) -> None:
    await load_small_registry(database)
    await database[POSITIONS].insert_one({"_id": "before", "partition": 0})
    standing = await saving.standing(database, servers.settings())
    done: list[int] = []
    with MongoClient[dict[str, object]](servers.mongo_url, w="majority") as client:

        def write_something(number: int) -> None:
            for name in (RESPONSES, BUCKETS, POSITIONS):
                client[DATABASE][name].insert_one({"_id": f"during {len(done)}"})
            done.append(number)

        manifest = await saving.save(database, tmp_path, standing, NOW, write_something)
    assert len(done) > 1
    assert manifest.collections[POSITIONS].documents == 1
    assert _files_with(tmp_path, b"during") == []
    assert sum(kept.documents for kept in manifest.collections.values()) == sum(done)
