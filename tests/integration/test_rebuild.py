"""Counts that were damaged are right again, while scoring goes on counting."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from random import Random
from typing import Any
from unittest import mock

import pytest
import pytest_asyncio

from langnghe.verify import settled, verify
from method.period import day_key, local_day
from schemas.collections import BUCKETS, CHARTS, INDICES, POSITIONS, RESPONSES, TALLIES
from schemas.feedback import FeedbackAccepted, FeedbackSubmitted, SourcePosition
from schemas.index import IndexUpdated
from schemas.topics import FEEDBACK_SUBMITTED, INDEX_UPDATED
from services.gateway import audit
from services.runtime.database import Database, Document, Session
from services.runtime.producer import Producer
from services.scoring import mending
from services.scoring import rebuild as rebuilding
from services.scoring.differences import Wrong, compare
from services.scoring.ledger import Ledger
from services.scoring.rebuild import Rebuild, Report, UnknownUnitError
from services.scoring.recount import counted_up_to
from services.scoring.refresh import Refresh
from services.scoring.storage import REBUILDS
from tests.builders import (
    ABOVE,
    NOW,
    OTHER_UNIT,
    UNIT,
    accepted,
    load_small_registry,
    records,
    submitted,
)
from tests.integration.test_backup import counting
from tests.integration.test_commands import langnghe
from tests.servers import Servers, eventually, published

TODAY = day_key(local_day(NOW))
PHANTOM = "000.00.77.H26"
DERIVED = (BUCKETS, TALLIES, INDICES, CHARTS)
SHOWN_OF = {INDICES: {"version": 0}, TALLIES: {"version": 0, "h": 0}}
"""What a rebuild may write anew, and does not change."""


@pytest_asyncio.fixture
async def producer(servers: Servers) -> AsyncIterator[Producer]:
    producer = Producer(servers.kafka_url, "operator")
    await producer.start()
    await producer.connected()
    yield producer
    await producer.stop()


async def rebuilt(database: Database, producer: Producer, *units: str) -> Report:
    rebuild = Rebuild(database, producer, lambda: NOW, units)
    beginning = await rebuild.begin()
    return await rebuild.run(beginning.days, lambda: None)


def event(random: Random, offset: int, partition: int = 0, **changes: Any) -> FeedbackAccepted:
    """An answer of the last weeks, of one of two offices that have a partition each."""
    unit, above = ((UNIT, ABOVE), (OTHER_UNIT, ["province:01", "country"]))[partition]
    values = {
        "unit": unit,
        "above": above,
        "field": random.choice([None, "ho-tich", "dat-dai"]),
        "occurred_at": NOW - timedelta(hours=random.uniform(0, 24 * 6)),
        "source": SourcePosition(partition=partition, offset=offset),
    }
    return accepted(offset, random.randint(1, 5), **values | changes)


async def keep(database: Database, events: list[FeedbackAccepted]) -> None:
    """As ingest stores them."""
    documents = [event.model_dump(mode="python") for event in events]
    fixed = {"channel": "kiosk", "stage": "result"}
    await database[RESPONSES].insert_many(
        [{**document, "_id": document.pop("id"), **fixed} for document in documents]
    )


async def answered(database: Database, count: int) -> dict[int, Ledger]:
    """So many answers in each of two partitions, stored and counted."""
    random = Random(7)
    ledgers = {}
    for partition in range(2):
        events = [event(random, offset, partition) for offset in range(count)]
        await keep(database, events)
        ledgers[partition] = Ledger(database)
        await ledgers[partition].handle(partition, records(events, partition=partition))
    return ledgers


async def refreshed(database: Database, producer: Producer, ledger: Ledger) -> None:
    """Everything, as often as trends need that are made of tallies and shown in indices."""
    refresh = Refresh(database, producer, ledger, lambda: range(4), lambda: NOW)
    await database[CHARTS].update_many({}, {"$unset": {"referenced_on": ""}})
    for _ in range(2):
        await database[POSITIONS].update_many({}, {"$set": {"refreshed": -1}})
        await refresh.run()


def bucket(unit: str, day: str, hour: str = "08", **changes: Any) -> Document:
    """One that nobody has answered for."""
    return {
        "_id": f"{unit}|ma|{day}|overall",
        "unit": unit,
        "field": "ma",
        "day": day,
        "item": "overall",
        "partition": 0,
        "offset": 3,
        "above": ["province:99", "country"],
        "latest_occurred_at": NOW,
        "latest_received_at": NOW,
        "n1": 4,
        "h": {hour: {"n1": 4, "offset": 3}},
        **changes,
    }


async def damage(database: Database) -> None:
    """Buckets are lost, added and changed, of offices that are and of one that is not."""
    lost = [one async for one in database[BUCKETS].find({"unit": UNIT}).sort("_id").limit(7)]
    await database[BUCKETS].delete_many({"_id": {"$in": [one["_id"] for one in lost]}})
    more = {"$inc": {"n5": 3, "h.04.n5": 3}}
    await database[BUCKETS].update_many({"unit": OTHER_UNIT}, more)
    other = {"$set": {"above": ["ministry:G09"], "partition": 3, "offset": 10**6}}
    await database[BUCKETS].update_one({"unit": OTHER_UNIT, "day": TODAY}, other)
    await database[BUCKETS].insert_many(
        [
            bucket(UNIT, TODAY),
            bucket(PHANTOM, TODAY),
            bucket(PHANTOM, "2020-02-02", partition=2),
        ]
    )


async def shown(database: Database) -> set[str]:
    return {index["_id"] async for index in database[INDICES].find({})}


async def figures(database: Database) -> dict[str, list[Document]]:
    """Everything that follows from the answers, but for when it was written."""
    return {
        name: [one async for one in database[name].find({}, SHOWN_OF.get(name)).sort("_id")]
        for name in DERIVED
    }


async def differences(database: Database) -> list[str]:
    return (await verify(database, patience=30, progress=None)).differences


@pytest.mark.parametrize("at_once", [1, 500])
async def test_damaged_counts_are_right_again_and_what_was_about_nothing_is_gone(
    servers: Servers, database: Database, producer: Producer, at_once: int
) -> None:
    ledgers = await answered(database, 300)
    await refreshed(database, producer, ledgers[0])
    before = await figures(database)
    await damage(database)
    await refreshed(database, producer, ledgers[0])
    assert f"unit:{PHANTOM}|overall" in await shown(database)
    assert len(await differences(database)) > 20

    with (
        mock.patch.object(rebuilding, "_READ_AT_ONCE", at_once),
        mock.patch.object(rebuilding, "_WRITTEN_AT_ONCE", at_once),
    ):
        report = await rebuilt(database, producer)

    assert await differences(database) == []
    assert await figures(database) == before
    assert (report.responses, report.units) == (600, {UNIT, OTHER_UNIT, PHANTOM})
    assert report.mended == report.units
    assert (report.wrong.missing, report.wrong.superfluous) == (7, 3)
    assert report.wrong.short >= 7
    assert report.wrong.over > 3 * 4
    # The last that anybody heard of what is gone: that it is about nothing.
    told = [
        IndexUpdated.model_validate_json(record.value or b"")
        for partition in range(4)
        for record in await published(servers, INDEX_UPDATED.name, partition)
    ]
    of_phantom = [update for update in told if update.scope == f"unit:{PHANTOM}"]
    assert [window.current.n for window in of_phantom[-1].windows.values()] == [0, 0, 0, 0]


async def test_what_scoring_sums_up_of_damaged_buckets_meanwhile_is_gone_with_them(
    database: Database, producer: Producer
) -> None:
    """A bucket names a ministry that nobody has answered below; a refresh sums that up."""
    ledgers = await answered(database, 50)
    await refreshed(database, producer, ledgers[0])
    before = await figures(database)
    await damage(database)

    async def after_a_refresh(*given: Any) -> dict[int, int]:
        await refreshed(database, producer, ledgers[0])
        return await counted_up_to(*given)

    with mock.patch.object(rebuilding, "counted_up_to", after_a_refresh):
        await rebuilt(database, producer)
    assert await differences(database) == []
    assert await figures(database) == before


async def test_tallies_and_indices_that_were_lost_or_changed_alone_are_right_again(
    database: Database, producer: Producer
) -> None:
    ledgers = await answered(database, 100)
    await refreshed(database, producer, ledgers[0])
    before = await figures(database)
    await database[TALLIES].delete_many({"scope": {"$in": [f"unit:{UNIT}", "country"]}})
    await database[TALLIES].update_many({"scope": "province:01"}, {"$inc": {"n1": 2}})
    await database[INDICES].delete_many({"scope": {"$in": [f"unit:{UNIT}", "country"]}})
    report = await rebuilt(database, producer)
    assert await figures(database) == before
    assert report.wrong == Wrong()


async def test_counts_that_are_right_stay_as_they_are_and_scoring_is_not_held_up(
    database: Database, producer: Producer
) -> None:
    ledgers = await answered(database, 100)
    await refreshed(database, producer, ledgers[0])
    before, positions = await figures(database), await positions_of(database)
    for _ in range(2):
        report = await rebuilt(database, producer)
        assert (report.responses, report.wrong, report.mended) == (200, Wrong(), set())
        assert await figures(database) == before
    after = await positions_of(database)
    assert {partition: after[partition] for partition in positions} == positions
    assert await database[REBUILDS].count_documents({}) == 0


async def positions_of(database: Database) -> dict[int, Document]:
    return {position["partition"]: position async for position in database[POSITIONS].find({})}


class CutOffError(Exception):
    """As if the command were killed."""


@pytest.mark.parametrize("work", ["sum_up", "show"])
async def test_a_rebuild_that_was_cut_off_goes_on_where_it_stood(
    database: Database, producer: Producer, work: str
) -> None:
    ledgers = await answered(database, 200)
    await refreshed(database, producer, ledgers[0])
    before = await figures(database)
    await damage(database)
    await refreshed(database, producer, ledgers[0])
    real = getattr(rebuilding, work)
    calls = 0

    async def until_cut_off(*given: Any, **named: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == (4 if work == "sum_up" else 1):
            raise CutOffError
        await real(*given, **named)

    all_days = (await Rebuild(database, producer, lambda: NOW).begin()).days
    with mock.patch.object(rebuilding, work, until_cut_off), pytest.raises(CutOffError):
        await rebuilt(database, producer)
    assert len(await differences(database)) > 0

    rebuild = Rebuild(database, producer, lambda: NOW)
    beginning = await rebuild.begin()
    assert beginning.goes_on
    assert beginning.days == (all_days[3:] if work == "sum_up" else [])
    await rebuild.run(beginning.days, lambda: None)
    assert await figures(database) == before
    assert await differences(database) == []
    again = await Rebuild(database, producer, lambda: NOW).begin()
    assert (again.goes_on, len(again.days)) == (False, 7)


async def test_a_batch_that_is_counted_just_before_is_in_the_buckets_that_are_put_right(
    database: Database, producer: Producer
) -> None:
    ledgers = await answered(database, 50)
    await damage(database)
    random, offset = Random(3), 50

    async def after_a_batch(*given: Any) -> dict[str, Wrong]:
        nonlocal offset
        events = [event(random, offset + n) for n in range(5)]
        await keep(database, events)
        await ledgers[0].handle(0, records(events, first=offset))
        offset += 5
        return await mending.put_right(*given)

    with mock.patch.object(rebuilding, "put_right", after_a_batch):
        await rebuilt(database, producer)
    assert offset > 70
    await refreshed(database, producer, ledgers[0])
    assert await differences(database) == []


async def test_a_batch_that_comes_meanwhile_waits_and_is_counted_on_top(
    database: Database, producer: Producer
) -> None:
    ledgers = await answered(database, 50)
    await damage(database)
    random = Random(4)
    batches = [[event(random, 50 + 3 * number + n) for n in range(3)] for number in range(40)]
    for events in batches:
        await keep(database, events)
    coming = iter(batches)
    tasks: list[asyncio.Task[bool]] = []

    def next_batch() -> asyncio.Task[bool]:
        events = next(coming)
        first = events[0].source.offset
        return asyncio.create_task(ledgers[0].handle(0, records(events, first=first)))

    def while_a_batch_comes(*given: Any) -> Wrong:
        if not tasks or tasks[-1].done():
            tasks.append(next_batch())
        return compare(*given)

    with mock.patch.object(mending, "compare", while_a_batch_comes):
        await rebuilt(database, producer)
    assert len(tasks) > 3
    await asyncio.gather(*tasks)
    for _ in range(len(batches) - len(tasks)):
        await next_batch()
    await refreshed(database, producer, ledgers[0])
    assert await differences(database) == []


async def test_a_batch_waits_for_the_transaction_though_it_counts_into_other_buckets(
    database: Database, producer: Producer
) -> None:
    ledgers = await answered(database, 50)
    await damage(database)
    far = [event(Random(5), 50, occurred_at=NOW - timedelta(days=40))]
    await keep(database, far)
    waited: list[asyncio.Task[bool]] = []

    async def while_it_comes(database: Database, session: Session | None = None) -> dict[int, int]:
        if session is not None and not waited:
            waited.append(asyncio.create_task(ledgers[0].handle(0, records(far, first=50))))
            await asyncio.sleep(0.3)
            assert not waited[0].done()
        return await counted_up_to(database, session)

    with mock.patch.object(mending, "counted_up_to", while_it_comes):
        await rebuilt(database, producer)
    assert await waited[0]
    await refreshed(database, producer, ledgers[0])
    assert await differences(database) == []


async def test_a_unit_that_more_partitions_hold_answers_of_is_counted_whole(
    database: Database, producer: Producer
) -> None:
    """As after the topics were given more partitions."""
    ledger = Ledger(database)
    random = Random(9)
    for partition in (1, 3):
        place = {"unit": UNIT, "above": ABOVE, "occurred_at": NOW}
        events = [event(random, offset, 1, **place) for offset in range(20)]
        events = [
            one.model_copy(update={"source": SourcePosition(partition=partition, offset=n)})
            for n, one in enumerate(events)
        ]
        await keep(database, events)
        await ledger.handle(partition, records(events, partition=partition))
    await refreshed(database, producer, ledger)
    assert await differences(database) == []
    await database[BUCKETS].update_many({}, {"$inc": {"n1": 1}})
    await rebuilt(database, producer)
    assert await differences(database) == []


async def test_of_some_units_alone(database: Database, producer: Producer) -> None:
    ledgers = await answered(database, 100)
    await refreshed(database, producer, ledgers[0])
    await damage(database)
    report = await rebuilt(database, producer, OTHER_UNIT)
    assert (report.units, report.mended, report.responses) == ({OTHER_UNIT}, {OTHER_UNIT}, 100)
    found = await differences(database)
    assert found
    assert not any(OTHER_UNIT in line for line in found)
    assert (await rebuilt(database, producer, UNIT, PHANTOM)).mended == {UNIT, PHANTOM}
    assert await differences(database) == []
    with pytest.raises(UnknownUnitError):
        await rebuilt(database, producer, "000.00.98.H26")


async def test_of_a_unit_that_has_no_counts_left(database: Database, producer: Producer) -> None:
    await load_small_registry(database)
    ledgers = await answered(database, 20)
    await refreshed(database, producer, ledgers[0])
    await database[BUCKETS].delete_many({"unit": UNIT})
    assert (await rebuilt(database, producer, UNIT)).wrong.short == 20
    assert await differences(database) == []


def handed_in(random: Random, count: int) -> list[FeedbackSubmitted]:
    return [
        submitted(
            unit=random.choice([UNIT, OTHER_UNIT]),
            answers={"overall": random.randint(1, 5)},
            field=random.choice([None, "ho-tich"]),
            occurred_at=(NOW - timedelta(hours=random.uniform(0, 24 * 6))).isoformat(),
        )
        for _ in range(count)
    ]


async def test_while_ingest_and_scoring_are_at_work(
    servers: Servers, database: Database, producer: Producer
) -> None:
    await load_small_registry(database)
    random = Random(12)
    ended = asyncio.Event()
    sent = 0

    async def flow() -> None:
        nonlocal sent
        gateway = Producer(servers.kafka_url, "gateway")
        await gateway.start()
        await gateway.connected()
        while not ended.is_set():
            await gateway.send(FEEDBACK_SUBMITTED, handed_in(random, 20))
            sent += 20
            await asyncio.sleep(0.02)
        await gateway.stop()

    async def some(number: int) -> None:
        async def there() -> bool:
            return await database[RESPONSES].count_documents({}) >= number

        await eventually(there, f"{number} answers are stored")

    async with counting(servers):
        sending = asyncio.create_task(flow())
        mended: set[str] = set()
        for turn in range(1, 4):
            await some(200 * turn)
            await damage(database)
            mended |= (await rebuilt(database, producer)).mended
        stored = await database[RESPONSES].count_documents({})
        await some(stored + 100)
        ended.set()
        await sending
        await some(sent)

        async def quiet() -> bool:
            return await settled(database)

        await eventually(quiet, "scoring has counted and refreshed all")
    assert mended == {UNIT, OTHER_UNIT, PHANTOM}
    report = await verify(database, patience=30, progress=None)
    assert (report.responses, report.differences) == (sent, [])


async def test_the_command_says_what_was_wrong(
    servers: Servers, database: Database, producer: Producer
) -> None:
    ledgers = await answered(database, 40)
    await refreshed(database, producer, ledgers[0])
    await damage(database)
    said = await langnghe("rebuild", **servers.environment())
    assert said.code == 0, said
    assert "80 responses of 3 units and" in said.out
    assert "7 were missing, 3 too many" in said.out
    assert await differences(database) == []
    said = await langnghe("rebuild", "--unit", UNIT, **servers.environment())
    assert said.code == 0, said
    assert "0 buckets of 0 units were wrong" in said.out
    said = await langnghe("rebuild", "--unit", "nobody", **servers.environment())
    assert (said.code, "--unit: nobody is not known" in said.notes) == (2, True)
    trail = [entry.action for entry in await audit.entries(database, None, 10)]
    assert trail == ["counts.rebuild", "counts.rebuild"]
