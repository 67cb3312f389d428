"""The run time on real servers: consuming, producing, identity, preparation."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest
import uvicorn
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.local import ports
from langnghe.prepare import prepare
from schemas.collections import REGISTRY
from schemas.registry import EntryKind, Registry
from schemas.topics import FEEDBACK_ACCEPTED, FEEDBACK_SUBMITTED, INDEX_UPDATED, TOPICS
from services.gateway.registry.store import write
from services.runtime import groups, identity
from services.runtime.cached import Cached, UnreadError
from services.runtime.clock import system_clock
from services.runtime.consumer import Handle, MovedError, PartitionConsumer, Records
from services.runtime.database import Database
from services.runtime.producer import KafkaUnavailableError, Producer
from services.runtime.service import Service
from services.runtime.topics import TopicError, create_topics
from tests.builders import entry, small_registry, submitted
from tests.servers import Servers, eventually, published


@asynccontextmanager
async def running(servers: Servers, handle: Handle) -> AsyncIterator[PartitionConsumer]:
    """An ingest-like service with a handler of the test's own."""
    service = Service("ingest", servers.settings(), system_clock)
    consumer = service.consume(FEEDBACK_SUBMITTED, handle)
    async with service.running():
        yield consumer


@asynccontextmanager
async def producing(servers: Servers, service: str = "gateway") -> AsyncIterator[Producer]:
    producer = Producer(servers.kafka_url, service)
    await producer.start()
    await producer.connected()
    try:
        yield producer
    finally:
        await producer.stop()


async def committed(servers: Servers, group: str) -> int:
    """How many records of all partitions a group has committed."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers.kafka_url)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(group)
    finally:
        await admin.close()
    return sum(
        offset.offset
        for place, offset in offsets.items()
        if isinstance(place, TopicPartition) and offset.offset > 0
    )


async def test_a_handler_that_raises_gets_the_same_records_again(servers: Servers) -> None:
    seen: list[int] = []
    done: set[str] = set()

    async def handle(partition: int, records: Records) -> None:
        seen.append(len(records))
        if len(seen) <= 3:
            raise RuntimeError("MongoDB is away")
        done.update(f"{partition}/{r.offset}" for r in records)

    async with producing(servers) as producer:
        await producer.send(FEEDBACK_SUBMITTED, [submitted() for _ in range(20)])
        async with running(servers, handle):

            async def all_done() -> bool:
                return len(done) == 20

            await eventually(all_done, "every record is dealt with after three failures")

            async def all_committed() -> bool:
                return await committed(servers, "ingest") == 20

            await eventually(all_committed, "what is done is committed")
    assert len(seen) >= 4


@pytest.mark.parametrize("failure", [MovedError(), RuntimeError("MongoDB is away")], ids=repr)
async def test_records_that_a_handler_holds_are_not_committed_and_come_again_if_it_fails(
    servers: Servers, failure: Exception
) -> None:
    offsets: list[int] = []
    held = True
    failures = [failure]

    async def handle(_partition: int, records: Records) -> bool:
        offsets.extend(record.offset for record in records)
        if held:
            return False
        if failures:
            raise failures.pop()
        return offsets[-1] == 19

    async with producing(servers) as producer, running(servers, handle) as consumer:
        await producer.send(FEEDBACK_SUBMITTED, [submitted() for _ in range(10)])

        async def handed_over() -> bool:
            return len(offsets) == 10

        await eventually(handed_over, "the first ten are held")
        assert await committed(servers, "ingest") == 0
        (partition,) = [
            p for p in consumer.owned if await published(servers, FEEDBACK_SUBMITTED.name, p)
        ]
        assert consumer.waiting(partition) == 0
        held = False
        await producer.send(FEEDBACK_SUBMITTED, [submitted() for _ in range(10)])

        async def all_committed() -> bool:
            return await committed(servers, "ingest") == 20

        await eventually(all_committed, "what was held is done with what came later")
    failed = offsets.index(10) + 1
    again = offsets[offsets.index(0, failed) :]
    assert again == list(range(20)), "from the first that was held"


async def test_nothing_is_committed_while_a_handler_fails(servers: Servers) -> None:
    calls = 0

    async def handle(_partition: int, _records: Records) -> None:
        nonlocal calls
        calls += 1
        raise RuntimeError("for ever")

    async with producing(servers) as producer:
        await producer.send(FEEDBACK_SUBMITTED, [submitted() for _ in range(5)])
        async with running(servers, handle):

            async def tried_often() -> bool:
                return calls >= 3

            await eventually(tried_often, "the batch is tried again")
            assert await committed(servers, "ingest") == 0


async def test_one_failing_partition_does_not_hold_up_the_others(servers: Servers) -> None:
    done: dict[int, int] = defaultdict(int)
    failing: set[int] = set()

    async def handle(partition: int, records: Records) -> None:
        if not failing:
            failing.add(partition)
        if partition in failing:
            raise RuntimeError("this one only")
        done[partition] += len(records)

    units = [f"000.00.{n:02d}.H26" for n in range(40)]
    async with producing(servers) as producer:
        await producer.send(FEEDBACK_SUBMITTED, [submitted(unit=unit) for unit in units])
        total = [len(await published(servers, FEEDBACK_SUBMITTED.name, p)) for p in range(4)]
        async with running(servers, handle):

            async def others_done() -> bool:
                return bool(failing) and all(
                    done[p] == n for p, n in enumerate(total) if p not in failing
                )

            await eventually(others_done, "the other partitions are done")


async def test_a_partition_goes_on_although_its_position_could_not_be_read_at_first(
    servers: Servers,
) -> None:
    """MongoDB is away just as Kafka hands out the partitions; it was a standstill for good."""
    first, tries = 3, 0
    done: list[int] = []

    async def handle(_partition: int, records: Records) -> None:
        done.extend(record.offset for record in records)

    async def resume(_partition: int) -> int:
        nonlocal tries
        tries += 1
        if tries <= 6:
            raise RuntimeError("MongoDB is away")
        return first

    service = Service("ingest", servers.settings(), system_clock)
    service.consume(FEEDBACK_SUBMITTED, handle, resume=resume)
    async with producing(servers) as producer:
        await producer.send(FEEDBACK_SUBMITTED, [submitted() for _ in range(10)])
        async with service.running():
            await eventually(lambda: _same(done, list(range(first, 10))), "the rest is dealt with")


@pytest.mark.parametrize(
    ("committed", "trimmed", "place", "expected"),
    [
        pytest.param(None, 0, 0, range(10), id="first start"),
        pytest.param(6, 0, 0, range(10), id="Kafka is further"),
        pytest.param(2, 0, 6, range(6, 10), id="Kafka is behind"),
        pytest.param(None, 3, 0, range(3, 10), id="its beginning is gone"),
    ],
)
async def test_what_waits_is_dealt_with_from_its_position_on_however_long_that_takes_to_read(
    servers: Servers, committed: int | None, trimmed: int, place: int, expected: range
) -> None:
    """Kafka hands records out as soon as it has handed the partitions out."""
    topic, partitions = FEEDBACK_SUBMITTED.name, range(FEEDBACK_SUBMITTED.partitions)
    read: list[int] = []
    done: dict[int, list[int]] = defaultdict(list)

    async def resume(partition: int) -> int:
        await asyncio.sleep(0.4)
        read.append(partition)
        return place

    async def handle(partition: int, records: Records) -> None:
        assert partition in read
        done[partition] += [record.offset for record in records]

    service = Service("ingest", servers.settings(), system_clock)
    service.consume(FEEDBACK_SUBMITTED, handle, resume=resume)
    async with producing(servers) as producer:
        for partition in partitions:
            events = (producer.encode(FEEDBACK_SUBMITTED, submitted(), b"{}") for _ in range(10))
            await producer.send_in_order(FEEDBACK_SUBMITTED, partition, events)
        if committed is not None:
            await groups.place(
                servers.kafka_url, "ingest", {topic: dict.fromkeys(partitions, committed)}
            )
        if trimmed:
            await trim(servers, {TopicPartition(topic, one): trimmed for one in partitions})
        async with service.running():

            async def all_done() -> bool:
                return all(9 in done[partition] for partition in partitions)

            await eventually(all_done, "all partitions are dealt with to their ends")
    assert done == {partition: list(expected) for partition in partitions}
    assert sorted(read) == list(partitions), "each position is read once"


async def trim(servers: Servers, before: dict[TopicPartition, int]) -> None:
    """Remove the first records of partitions, as retention does."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers.kafka_url)
    await admin.start()
    try:
        await admin.delete_records(
            {place: RecordsToDelete(before_offset=offset) for place, offset in before.items()}
        )
    finally:
        await admin.close()


async def _same(found: list[int], expected: list[int]) -> bool:
    return found == expected


async def test_a_rebalance_waits_for_the_running_batch(servers: Servers) -> None:
    handled: dict[str, list[str]] = defaultdict(list)
    running_now: dict[int, str] = {}
    overlaps: list[int] = []

    def handler(name: str, seconds: float) -> Handle:
        async def handle(partition: int, records: Records) -> None:
            if partition in running_now:
                overlaps.append(partition)
            running_now[partition] = name
            await asyncio.sleep(seconds)
            for record in records:
                handled[f"{partition}/{record.offset}"].append(name)
            del running_now[partition]

        return handle

    units = [f"000.00.{n:02d}.H26" for n in range(40)]
    async with producing(servers) as producer, running(servers, handler("slow", 0.7)):
        await producer.send(FEEDBACK_SUBMITTED, [submitted(unit=unit) for unit in units])

        async def begun() -> bool:
            return bool(running_now)

        await eventually(begun, "the first instance works")
        async with running(servers, handler("second", 0.0)) as second:

            async def shared() -> bool:
                return bool(second.owned) and len(handled) == 40

            await eventually(shared, "the second instance got partitions and all is handled")
            await producer.send(FEEDBACK_SUBMITTED, [submitted(unit=unit) for unit in units])

            async def all_handled() -> bool:
                return len(handled) == 80

            await eventually(all_handled, "both instances handle what comes")
    assert overlaps == []
    assert all(len(names) == 1 for names in handled.values()), "nothing was handled twice"
    assert {name for names in handled.values() for name in names} == {"slow", "second"}


class Positions:
    """Where all instances go on, and what the one that only holds records has of each partition."""

    def __init__(self, failure: Exception | None) -> None:
        self.failure = failure
        self.places: dict[int, int] = {}
        self.held: dict[int, int] = {}
        self.let_go: list[int] = []

    async def resume(self, partition: int) -> int:
        self.held.pop(partition, None)
        return self.places.get(partition, 0)

    async def hold(self, partition: int, records: Records) -> bool:
        self.held[partition] = records[-1].offset + 1
        return False

    async def release(self, partition: int) -> None:
        self.let_go.append(partition)
        if self.failure:
            raise self.failure
        self.places[partition] = self.held.pop(partition)


@pytest.mark.parametrize("failure", [None, RuntimeError("MongoDB is away")], ids=repr)
async def test_what_is_held_is_done_before_another_reads_where_to_go_on(
    servers: Servers, failure: Exception | None
) -> None:
    positions = Positions(failure)
    dealt_with: dict[int, list[int]] = defaultdict(list)
    partitions = list(range(FEEDBACK_SUBMITTED.partitions))

    async def note(partition: int, records: Records) -> None:
        dealt_with[partition] += [record.offset for record in records]

    def ingest(handle: Handle) -> Service:
        service = Service("ingest", servers.settings(), system_clock)
        service.consume(
            FEEDBACK_SUBMITTED, handle, resume=positions.resume, release=positions.release
        )
        return service

    async with producing(servers) as producer:

        async def send(count: int) -> None:
            for partition in partitions:
                events = [producer.encode(FEEDBACK_SUBMITTED, submitted(), b"{}")] * count
                await producer.send_in_order(FEEDBACK_SUBMITTED, partition, events)

        await send(5)
        async with ingest(positions.hold).running():

            async def all_held() -> bool:
                return positions.held == dict.fromkeys(partitions, 5)

            await eventually(all_held, "all is held")
            async with ingest(note).running():
                await eventually(
                    lambda: _same(sorted(positions.let_go), partitions), "all is let go"
                )
                await send(1)

                async def gone_on() -> bool:
                    return any(5 in offsets for offsets in dealt_with.values())

                await eventually(gone_on, "the second instance goes on")
    first = 0 if failure else 5
    assert {offsets[0] for offsets in dealt_with.values()} == {first}


async def test_records_reach_one_partition_whole_and_in_order(servers: Servers) -> None:
    # More than several Kafka batches of 512 KiB.
    events = [submitted(comment="x" * 900) for _ in range(2500)]
    async with producing(servers) as producer:
        await producer.send_in_order(
            FEEDBACK_SUBMITTED,
            3,
            [producer.encode(FEEDBACK_SUBMITTED, event, event.to_json()) for event in events],
        )
    out = await published(servers, FEEDBACK_SUBMITTED.name, 3)
    assert [dict(r.headers)["ce_id"].decode() for r in out] == [str(e.id) for e in events]


async def test_a_service_sends_only_what_its_flow_declares(servers: Servers) -> None:
    async with producing(servers, "gateway") as producer:
        with pytest.raises(ValueError, match=r"declare it in schemas/flow\.py"):
            await producer.send(FEEDBACK_ACCEPTED, [submitted()])
    with pytest.raises(ValueError, match=r"declare it in schemas/flow\.py"):
        Service("ingest", servers.settings(), system_clock).consume(
            INDEX_UPDATED, lambda _p, _r: asyncio.sleep(0)
        )


async def test_without_kafka_sending_fails_at_once() -> None:
    producer = Producer(f"127.0.0.1:{ports.choose()}", "gateway")
    await producer.start()
    started = time.monotonic()
    with pytest.raises(KafkaUnavailableError):
        await producer.send(FEEDBACK_SUBMITTED, [submitted()])
    assert time.monotonic() - started < 1
    assert producer.unavailable() is not None
    await producer.stop()


async def test_a_database_of_another_cluster_is_refused(
    servers: Servers, database: Database
) -> None:
    await identity.check(database, await identity.cluster_id(servers.kafka_url))
    with pytest.raises(identity.IdentityError, match="belongs to Kafka cluster"):
        await identity.bind(database, "another-cluster")
    await database[identity.COLLECTION].delete_many({})
    with pytest.raises(identity.IdentityError, match="langnghe prepare"):
        await identity.check(database, "any")


async def test_a_service_beside_the_wrong_database_consumes_nothing_and_says_why(
    servers: Servers, database: Database
) -> None:
    await database[identity.COLLECTION].update_one({}, {"$set": {"cluster": "another"}})
    handled: list[int] = []

    async def handle(partition: int, _records: Records) -> None:
        handled.append(partition)

    service = Service("ingest", servers.settings(), system_clock)
    service.consume(FEEDBACK_SUBMITTED, handle)
    port = ports.choose()
    config = uvicorn.Config(service.app(), port=port, log_config=None, lifespan="on")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    problem = ""
    async with aiohttp.ClientSession() as session, producing(servers) as producer:
        await producer.send(FEEDBACK_SUBMITTED, [submitted()])

        async def refused() -> bool:
            nonlocal problem
            try:
                async with session.get(f"http://127.0.0.1:{port}/health/ready") as response:
                    problem = (await response.json())["checks"]["start"]
                    return response.status == 503 and "belongs to" in problem
            except aiohttp.ClientError:
                return False

        await eventually(refused, "readiness names the mismatch")
        async with session.get(f"http://127.0.0.1:{port}/metrics") as response:
            assert "langnghe_lag_records" in await response.text()
    assert handled == []
    server.should_exit = True
    await task


async def test_preparing_twice_is_harmless_and_checks_partitions(servers: Servers) -> None:
    await prepare(servers.settings())
    wider = replace(FEEDBACK_SUBMITTED, partitions=8)
    with pytest.raises(TopicError, match="has 4 partitions, 8 are declared"):
        await create_topics(servers.kafka_url, [wider], replication=1)


async def test_topics_have_their_declared_retention_and_compaction(servers: Servers) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers.kafka_url)
    await admin.start()
    try:
        for topic in TOPICS:
            resource = ConfigResource(ConfigResourceType.TOPIC, topic.name)
            (answer,) = await admin.describe_configs([resource])
            found = {entry[0]: entry[1] for entry in answer.resources[0][4]}
            assert topic.config.items() <= found.items(), topic.name
    finally:
        await admin.close()


async def test_a_cached_collection_follows_its_revision(database: Database) -> None:
    cached = Cached(database, REGISTRY, Registry.of_documents)
    with pytest.raises(UnreadError, match=r"registry\.entries has not been read yet"):
        _ = cached.value
    assert cached.unread() == "has not been read yet"
    await cached.refresh()
    assert (len(cached.value), cached.unread()) == (0, None)
    await write(database, small_registry())
    await cached.refresh()
    first = cached.value
    assert len(first) == 7
    await cached.refresh()
    assert cached.value is first
    await write(database, [entry(EntryKind.FIELD, "dat-dai")])
    await cached.refresh()
    assert len(cached.value) == 8


async def test_a_producer_stops_even_as_kafka_answers_its_probe(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to Python 3.11 asyncio.wait_for swallows a cancellation here, and nothing ends."""
    producer = Producer(servers.kafka_url, "gateway")
    await producer.start()
    await producer.connected()
    assert producer._producer is not None
    stopping: asyncio.Future[asyncio.Task[None]] = asyncio.get_running_loop().create_future()

    async def answer_as_the_stop_begins() -> None:
        if not stopping.done():
            stopping.set_result(asyncio.create_task(producer.stop()))
            await asyncio.sleep(0)

    monkeypatch.setattr(producer._producer.client, "fetch_all_metadata", answer_as_the_stop_begins)
    async with asyncio.timeout(20):
        await (await stopping)
