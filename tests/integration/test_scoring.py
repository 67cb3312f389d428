"""Scoring on real servers: every response once, whatever is repeated or owned twice."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any
from unittest import mock

import pytest
import pytest_asyncio
from pymongo import MongoClient, UpdateOne
from pymongo.errors import OperationFailure

from langnghe.verify import verify
from method.period import LOCAL_ZONE, hour_key
from schemas.collections import BUCKETS, INDICES, POSITIONS, RESPONSES, TALLIES
from schemas.feedback import FeedbackAccepted, SourcePosition
from schemas.index import IndexUpdated
from schemas.scope import scope_kind
from services.runtime.consumer import MovedError
from services.runtime.database import Database, Document
from services.runtime.producer import Producer
from services.scoring.applying import _add
from services.scoring.indices import refresh_indices
from services.scoring.ledger import Ledger
from services.scoring.refresh import Refresh
from services.scoring.storage import UNREADABLE
from services.scoring.tallies import refresh_tallies
from services.scoring.touched import touched_since
from tests.builders import ABOVE, NOW, OTHER_UNIT, UNIT, accepted, record, records
from tests.servers import DATABASE, Servers, ending_transactions, published


class Hands:
    """A clock and the partitions owned, for a test to set."""

    def __init__(self) -> None:
        self.now = NOW
        self.owned: Collection[int] = frozenset(range(4))


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest_asyncio.fixture
async def producer(servers: Servers) -> AsyncIterator[Producer]:
    producer = Producer(servers.kafka_url, "scoring")
    await producer.start()
    await producer.connected()
    yield producer
    await producer.stop()


MakeRefresh = Callable[[Ledger], Refresh]


@pytest.fixture
def make_refresh(database: Database, producer: Producer, hands: Hands) -> MakeRefresh:
    return lambda ledger: Refresh(
        database, producer, ledger, lambda: hands.owned, lambda: hands.now
    )


async def counted(database: Database, unit: str = UNIT) -> list[int]:
    totals = [0] * 5
    async for bucket in database[BUCKETS].find({"unit": unit, "item": "overall"}):
        for place in range(5):
            totals[place] += bucket.get(f"n{place + 1}", 0)
    return totals


async def index(database: Database, scope: str, item: str = "overall") -> IndexUpdated:
    document = await database[INDICES].find_one({"_id": f"{scope}|{item}"}, {"_id": 0, "kind": 0})
    assert document is not None, f"no index of {scope}"
    return IndexUpdated.model_validate(document, strict=False)


async def answers_now(database: Database, scope: str) -> dict[str, int]:
    """How many answers the windows of now have."""
    windows = (await index(database, scope)).windows
    return {name: figures.current.n for name, figures in windows.items()}


async def delivered(ledger: Ledger, events: list[FeedbackAccepted], *, first: int) -> None:
    """What is not done comes again, as from Kafka."""
    while True:
        try:
            assert await ledger.handle(0, records(events, first=first))
        except MovedError:
            continue
        return


async def test_what_waits_is_written_with_what_follows_and_not_before(database: Database) -> None:
    waiting = 1
    ledger = Ledger(database, lambda _: waiting)
    assert not await ledger.handle(0, records([accepted(n) for n in range(3)]))
    assert sum(await counted(database)) == 0
    # A failure in between: all that is not done comes again.
    assert not await ledger.handle(0, records([accepted(n) for n in range(5)]))
    waiting = 0
    assert await ledger.handle(0, records([accepted(n) for n in range(5, 7)], first=5))
    assert sum(await counted(database)) == 7
    assert await Ledger(database).resume(0) == 7


@pytest.mark.parametrize(
    ("bound", "fields"),
    [("_ANSWERS_AT_ONCE", [None]), ("_BUCKETS_AT_ONCE", ["land", "business", "civil-status"])],
)
async def test_however_many_wait_no_more_is_added_up_than_memory_has_room_for(
    database: Database, monkeypatch: pytest.MonkeyPatch, bound: str, fields: list[str | None]
) -> None:
    monkeypatch.setattr(f"services.scoring.ledger.{bound}", 3)
    ledger = Ledger(database, lambda _: 1)
    written = [
        await ledger.handle(0, [record(accepted(n, field=fields[n % len(fields)]), n)])
        for n in range(6)
    ]
    assert written == [False, False, True, False, False, True]
    assert sum(await counted(database)) == 6


async def test_what_is_added_up_is_written_before_another_goes_on(database: Database) -> None:
    ledger, other = Ledger(database, lambda _: 1), Ledger(database)
    await ledger.release(0)
    for first in (0, 3):
        events = [accepted(n) for n in range(first, first + 3)]
        assert not await ledger.handle(0, records(events, first=first))
    await ledger.release(0)
    assert (sum(await counted(database)), ledger.held(0)) == (6, 0)
    assert await other.resume(0) == 6
    # One that comes too late with it.
    assert not await ledger.handle(0, records([accepted(6)], first=6))
    await other.handle(0, records([accepted(6), accepted(7)], first=6))
    with pytest.raises(MovedError):
        await ledger.release(0)
    assert sum(await counted(database)) == 8


async def test_what_was_added_up_is_forgotten_with_the_partition(database: Database) -> None:
    waiting = 1
    ledger, other = Ledger(database, lambda _: waiting), Ledger(database)
    assert not await ledger.handle(0, records([accepted(n) for n in range(3)]))
    await other.handle(0, records([accepted(n) for n in range(2)]))
    waiting = 0
    with pytest.raises(MovedError):
        await ledger.handle(0, records([accepted(3)], first=3))
    await ledger.resume(0)
    await ledger.handle(0, records([accepted(n) for n in range(2, 4)], first=2))
    assert sum(await counted(database)) == 4


async def test_replayed_batches_with_other_boundaries_count_once(database: Database) -> None:
    events = [accepted(offset, level=1 + offset % 5) for offset in range(20)]
    ledger = Ledger(database)
    await ledger.handle(0, records(events[:12]))
    for start, end in ((0, 12), (3, 7), (5, 20), (0, 20), (19, 20)):
        await ledger.handle(0, records(events[start:end], first=100 + start))
    assert await counted(database) == [4, 4, 4, 4, 4]


async def test_a_crash_between_any_two_batches_loses_and_doubles_nothing(
    database: Database,
) -> None:
    random = Random(11)
    events = [accepted(offset, level=random.randint(1, 5)) for offset in range(200)]
    done = 0
    while done < len(events):
        ledger = Ledger(database)  # a new process that remembers nothing
        start = max(0, done - random.randint(0, 30))
        end = min(len(events), done + random.randint(1, 30))
        await ledger.handle(0, records(events[start:end], first=start))
        done = end
    assert sum(await counted(database)) == 200


async def test_two_owners_of_one_partition_count_once(database: Database) -> None:
    events = [accepted(offset) for offset in range(30)]
    zombie, owner = Ledger(database), Ledger(database)
    await zombie.handle(0, records(events[:5]))
    await owner.resume(0)
    await owner.handle(0, records(events[5:20], first=5))
    # The zombie wakes with a batch that it fetched before it lost the partition.
    await delivered(zombie, events[5:10], first=5)
    await asyncio.gather(
        delivered(zombie, events[5:30], first=5), delivered(owner, events[20:30], first=20)
    )
    assert sum(await counted(database)) == 30


async def test_what_a_killed_owner_left_open_is_ended_and_the_next_one_counts(
    servers: Servers, database: Database
) -> None:
    """MongoDB does not end a transaction because its client is gone: it locks the position."""
    ledger = Ledger(database)
    await ledger.resume(0)
    with (
        ending_transactions(servers.mongo_url),
        MongoClient[Document](servers.mongo_url) as killed,
        killed.start_session() as session,
    ):
        session.start_transaction()
        positions = killed[DATABASE][POSITIONS]
        positions.update_one({"partition": 0}, {"$set": {"applied": 5}}, session=session)
        await ledger.handle(0, records([accepted(0)]))
        with pytest.raises(OperationFailure, match="has been aborted"):
            session.commit_transaction()
    assert sum(await counted(database)) == 1


@pytest.mark.parametrize("written", [0, 1], ids="{} buckets are written".format)
async def test_a_failing_transaction_leaves_no_trace(
    database: Database, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    ledger = Ledger(database)
    await ledger.handle(0, records([accepted(0)]))
    prepared = count()

    def explode(*args: Any) -> UpdateOne:
        if next(prepared) == written:
            raise RuntimeError("crash before the write")
        return _add(*args)

    monkeypatch.setattr("services.scoring.applying._BUCKETS_A_WRITE", 1)
    monkeypatch.setattr("services.scoring.applying._add", explode)
    batch = records([accepted(1), accepted(2, field="ho-tich")], first=1)
    with pytest.raises(RuntimeError):
        await ledger.handle(0, batch)
    assert sum(await counted(database)) == 1
    assert await Ledger(database).resume(0) == 1
    await ledger.handle(0, batch)
    assert sum(await counted(database)) == 3


async def test_resume_tells_where_to_go_on(database: Database) -> None:
    ledger = Ledger(database)
    assert await ledger.resume(3) == 0, "the beginning"
    await ledger.handle(3, records([accepted(0), accepted(1)], first=70, partition=3))
    assert await Ledger(database).resume(3) == 72


async def test_an_unreadable_record_is_kept_and_the_others_count(database: Database) -> None:
    batch = [record(accepted(0), 0), record(b"not json", 1), record(accepted(2), 2)]
    await Ledger(database).handle(0, batch)
    assert sum(await counted(database)) == 2
    (kept,) = await database[UNREADABLE].find({}).to_list(None)
    assert kept["_id"] == "t/0/1"
    assert kept["value"] == b"not json"


async def test_days_and_hours_are_those_of_vietnam_whatever_the_zone(database: Database) -> None:
    just_before = datetime(2026, 11, 21, 23, 59, 59, tzinfo=LOCAL_ZONE)
    await Ledger(database).handle(
        0,
        records(
            [
                accepted(0, occurred_at=just_before),
                accepted(1, occurred_at=just_before + timedelta(seconds=1)),
            ]
        ),
    )
    days = {b["day"]: b["h"] async for b in database[BUCKETS].find({})}
    assert days == {
        "2026-11-21": {"23": {"n5": 1, "offset": 0}},
        "2026-11-22": {"00": {"n5": 1, "offset": 1}},
    }


async def test_every_scope_moves_and_says_so(
    database: Database, servers: Servers, make_refresh: MakeRefresh
) -> None:
    ledger = Ledger(database)
    await ledger.handle(
        0,
        records(
            [
                accepted(0, 5, field="ho-tich"),
                accepted(1, 1, field="ho-tich"),
                accepted(2, 4),
                accepted(3, 3, unit=OTHER_UNIT, above=["province:01", "country"]),
            ]
        ),
    )
    await make_refresh(ledger).run()
    expected = {
        f"unit:{UNIT}": (3, 66.67),
        f"unit:{OTHER_UNIT}": (1, 0.0),
        "commune:00004": (3, 66.67),
        "province:01": (4, 50.0),
        "country": (4, 50.0),
        "field:ho-tich": (2, 50.0),
    }
    for scope, (n, percent) in expected.items():
        for window in ("24h", "7d", "30d", "90d"):
            figure = (await index(database, scope)).windows[window].current
            assert (figure.n, figure.index) == (n, percent), (scope, window)
    announced = [
        IndexUpdated.model_validate_json(r.value or b"")
        for partition in range(4)
        for r in await published(servers, "index.updated.v1", partition)
    ]
    assert {update.scope for update in announced} == expected.keys()
    assert all(update.basis == "management_information" for update in announced)


async def test_of_many_scopes_each_kind_goes_when_those_below_it_are_written(
    database: Database, make_refresh: MakeRefresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    under_way: list[str] = []
    order: list[str] = []

    async def watched(database: Database, scopes: list[str], *rest: Any) -> list[IndexUpdated]:
        (kind,) = {scope_kind(scope) for scope in scopes}
        under_way.append(kind)
        assert len(under_way) <= 2
        assert set(under_way) == {kind}, "those below are not written yet"
        found = await refresh_indices(database, scopes, *rest)
        under_way.remove(kind)
        order.append(kind)
        return found

    ledger = Ledger(database)
    events = [accepted(n, unit=f"000.00.0{n}.H26", field="ho-tich") for n in range(5)]
    await ledger.handle(0, records(events))
    monkeypatch.setattr("services.scoring.refresh._SCOPES_AT_ONCE", 1)
    monkeypatch.setattr("services.scoring.refresh.refresh_indices", watched)
    await make_refresh(ledger).run()
    assert order == ["unit"] * 5 + ["field", "commune", "province", "country"]
    assert (await answers_now(database, "country"))["7d"] == 5


async def test_items_have_indices_of_their_own(
    database: Database, make_refresh: MakeRefresh
) -> None:
    ledger = Ledger(database)
    answers = {"overall": 5, "access": 2}
    await ledger.handle(0, records([accepted(0, instrument="service", answers=answers)]))
    await make_refresh(ledger).run()
    assert (await index(database, f"unit:{UNIT}", "access")).windows["7d"].current.index == 0.0
    assert (await index(database, "country", "overall")).windows["7d"].current.index == 100.0


async def test_late_answers_land_in_their_own_hours_and_days(
    database: Database, make_refresh: MakeRefresh
) -> None:
    ledger = Ledger(database)
    ages = (0, 2, 23, 24, 30, 47, 48, 24 * 6, 24 * 7, 24 * 13, 24 * 14, 24 * 59, 24 * 179)
    await ledger.handle(
        0,
        records(
            accepted(number, occurred_at=NOW - timedelta(hours=age))
            for number, age in enumerate(ages)
        ),
    )
    await make_refresh(ledger).run()
    windows = (await index(database, f"unit:{UNIT}")).windows
    got = {name: (w.current.n, w.previous.n) for name, w in windows.items()}
    assert got == {"24h": (3, 3), "7d": (8, 2), "30d": (11, 1), "90d": (12, 1)}


async def test_a_refresh_writes_the_hours_that_moved_and_no_others(
    database: Database, make_refresh: MakeRefresh
) -> None:
    ledger = Ledger(database)
    earlier = NOW - timedelta(hours=2)
    await ledger.handle(0, records([accepted(0, occurred_at=earlier), accepted(1)]))
    await make_refresh(ledger).run()
    scopes = [f"unit:{UNIT}", *ABOVE]

    async def written() -> dict[str, Document]:
        found = database[TALLIES].find({"scope": {"$in": scopes}})
        return {t["scope"]: t["h"] | {"day": t["n5"]} async for t in found}

    before = await written()
    await ledger.handle(0, records([accepted(2)]))
    await make_refresh(ledger).run()
    after = await written()
    assert before.keys() == after.keys() == set(scopes)
    for scope, hours in after.items():
        assert hours["day"] == 3
        assert hours["10"] == before[scope]["10"], "with the version of that time"
        assert (before[scope]["12"]["n5"], hours["12"]["n5"]) == (1, 2)
        assert hours["12"]["version"] > before[scope]["12"]["version"]


async def test_answers_of_long_ago_alone_are_in_the_long_windows(
    database: Database, make_refresh: MakeRefresh
) -> None:
    """No hour moves, only a day."""
    ledger = Ledger(database)
    await ledger.handle(0, records([accepted(0, occurred_at=NOW - timedelta(days=6))]))
    await make_refresh(ledger).run()
    assert await answers_now(database, "country") == {"24h": 0, "7d": 1, "30d": 1, "90d": 1}


async def test_a_backlog_is_refreshed_seldom_until_all_of_it_is_counted(
    database: Database, producer: Producer, hands: Hands
) -> None:
    waiting = 0
    ledger = Ledger(database, lambda _: waiting)
    refresh = Refresh(database, producer, ledger, lambda: [0], lambda: hands.now)

    async def seen() -> int:
        await refresh.run()
        return (await index(database, "country")).windows["24h"].current.n

    await ledger.handle(0, records([accepted(0)]))
    with mock.patch("services.scoring.refresh._BACKLOG", 2):
        assert await seen() == 1
        await ledger.handle(0, records([accepted(1)], first=1))
        waiting = 1
        await ledger.handle(0, records([accepted(n) for n in range(2, 5)], first=2))
        assert await seen() == 1, "what is held comes soon"
        waiting = 0
        await ledger.handle(0, records([accepted(5)], first=5))
        assert await seen() == 6


async def test_only_days_whose_hours_a_window_wants_have_them(
    database: Database, make_refresh: MakeRefresh, hands: Hands
) -> None:
    """They are most of a tally, and whoever reads a long window would read them all."""

    async def with_hours() -> set[str]:
        found = database[TALLIES].find({"scope": "country", "h": {"$exists": True}})
        return {tally["period"] async for tally in found}

    ledger = Ledger(database)
    refresh = make_refresh(ledger)
    moments = [NOW - timedelta(days=days) for days in (40, 3, 2, 0)]
    for first in (0, 4):  # a tally that is new, and one that is there
        events = [
            accepted(first + n, occurred_at=moment, received_at=NOW)
            for n, moment in enumerate(moments)
        ]
        await ledger.handle(0, records(events, first=first))
        await refresh.run()
        assert await with_hours() == {"2026-11-20", "2026-11-22"}
    hands.now = NOW + timedelta(days=2)
    await ledger.handle(0, records([accepted(8, occurred_at=hands.now)], first=8))
    await refresh.run()
    assert await with_hours() == {"2026-11-22", "2026-11-24"}
    assert await answers_now(database, "country") == {"24h": 1, "7d": 7, "30d": 7, "90d": 9}


@contextmanager
def long_ago() -> Iterator[None]:
    """What is summed up has the version of a process that began long ago."""
    real = Database.logical_time

    async def then(self: Database) -> int:
        return await real(self) - (1 << 40)

    with mock.patch.object(Database, "logical_time", then):
        yield


async def test_who_sums_up_one_hour_takes_another_away_from_nobody(database: Database) -> None:
    """Two processes refresh at the same time what both their partitions count into."""
    ledger = Ledger(database)
    earlier = NOW - timedelta(hours=2)
    await ledger.handle(0, records([accepted(0, occurred_at=earlier), accepted(1)]))
    both = await touched_since(database, 0, -1, NOW)
    keys = [hour_key(earlier), hour_key(NOW)]
    slow, fast = (replace(both, hours=frozenset([key])) for key in keys)
    await refresh_tallies(database, fast)
    with long_ago():
        await refresh_tallies(database, slow)
    country = await database[TALLIES].find_one({"scope": "country"})
    assert country is not None
    assert {hour: counts["n5"] for hour, counts in country["h"].items()} == {"10": 1, "12": 1}
    assert country["version"] == country["h"]["12"]["version"]


async def test_an_older_sum_of_the_same_hour_changes_nothing(database: Database) -> None:
    ledger = Ledger(database)
    await ledger.handle(0, records([accepted(0)]))
    await refresh_tallies(database, await touched_since(database, 0, -1, NOW))
    before = [tally async for tally in database[TALLIES].find().sort("_id")]
    await ledger.handle(0, records([accepted(1)]))
    with long_ago():
        await refresh_tallies(database, await touched_since(database, 0, 0, NOW))
    assert [tally async for tally in database[TALLIES].find().sort("_id")] == before


async def test_an_older_sum_brings_its_hours_to_a_day_that_has_none(database: Database) -> None:
    ledger = Ledger(database)
    await ledger.handle(0, records([accepted(0)]))
    both = await touched_since(database, 0, -1, NOW)
    await refresh_tallies(database, replace(both, hours=frozenset()))
    with long_ago():
        await refresh_tallies(database, both)
    country = await database[TALLIES].find_one({"scope": "country"})
    assert country is not None
    assert country["h"]["12"]["n5"] == 1
    assert country["version"] > country["h"]["12"]["version"]


async def test_windows_move_when_nothing_arrives(
    database: Database, make_refresh: MakeRefresh, hands: Hands
) -> None:
    ledger = Ledger(database)
    await ledger.handle(0, records([accepted(0)]))
    refresh = make_refresh(ledger)
    await refresh.run()
    for hours, expected in (
        (23, {"24h": (1, 0), "7d": (1, 0)}),
        (24, {"24h": (0, 1), "7d": (1, 0)}),
        (48, {"24h": (0, 0), "7d": (1, 0)}),
        (24 * 7, {"24h": (0, 0), "7d": (0, 1)}),
        (24 * 181, {"24h": (0, 0), "7d": (0, 0)}),
    ):
        hands.now = NOW + timedelta(hours=hours)
        await refresh.run()
        for scope in (f"unit:{UNIT}", *ABOVE):
            windows = (await index(database, scope)).windows
            got = {n: (windows[n].current.n, windows[n].previous.n) for n in expected}
            assert got == expected, (hours, scope)


async def test_only_the_owner_of_the_first_partition_keeps_time(
    database: Database, make_refresh: MakeRefresh, hands: Hands
) -> None:
    ledger = Ledger(database)
    await ledger.handle(0, records([accepted(0)]))
    refresh = make_refresh(ledger)
    await refresh.run()
    hands.owned, hands.now = {1, 2, 3}, NOW + timedelta(hours=1)
    await refresh.run()
    assert (await index(database, "country")).as_of == NOW
    hands.owned = {0}
    await refresh.run()
    assert (await index(database, "country")).as_of == NOW + timedelta(hours=1)


async def test_the_next_owner_finishes_a_refresh_that_was_cut_off(
    database: Database, make_refresh: MakeRefresh
) -> None:
    await Ledger(database).handle(0, records([accepted(0)]))
    # The process that counted is killed before it refreshed; another one takes over.
    await make_refresh(Ledger(database)).run()
    assert (await index(database, "country")).windows["24h"].current.n == 1
    position = await database[POSITIONS].find_one({"partition": 0})
    assert position is not None
    assert position["refreshed"] == position["applied"] == 0


async def test_an_older_result_never_overwrites_a_newer_one(
    database: Database, make_refresh: MakeRefresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(database)
    await ledger.handle(0, records([accepted(0)]))
    await make_refresh(ledger).run()
    newer = await index(database, "country")
    real = Database.logical_time

    async def long_ago(self: Database) -> int:
        return await real(self) - (1 << 40)

    monkeypatch.setattr(Database, "logical_time", long_ago)
    await database[TALLIES].update_many({}, {"$set": {"n5": 77}})  # what a stale reader saw
    await refresh_indices(database, ["country"], NOW)
    assert await index(database, "country") == newer


async def test_nothing_touched_means_nothing_written(
    database: Database, make_refresh: MakeRefresh
) -> None:
    ledger = Ledger(database)
    await ledger.handle(0, records([accepted(0)]))
    refresh = make_refresh(ledger)
    await refresh.run()
    before = (await index(database, "country")).version
    await refresh.run()
    assert (await index(database, "country")).version == before


def _response(event: FeedbackAccepted) -> Document:
    """What ingest stores of an accepted response."""
    document = event.model_dump(mode="python", exclude={"id"})
    return {"_id": event.id, **document, "channel": "kiosk", "stage": "result"}


async def test_an_independent_recount_equals_every_index(
    database: Database, make_refresh: MakeRefresh
) -> None:
    random = Random(5)
    refresh: Refresh | None = None
    for partition in range(2):
        unit, above = ((UNIT, ABOVE), (OTHER_UNIT, ["province:01", "country"]))[partition]
        ledger = Ledger(database)
        refresh = make_refresh(ledger)
        events = [
            accepted(
                offset,
                random.randint(1, 5),
                unit=unit,
                above=above,
                field=random.choice([None, "ho-tich", "dat-dai"]),
                occurred_at=NOW - timedelta(hours=random.uniform(-0.05, 24 * 190)),
                source=SourcePosition(partition=partition, offset=offset),
            )
            for offset in range(400)
        ]
        await database[RESPONSES].insert_many([_response(event) for event in events])
        await ledger.handle(partition, records(events, partition=partition))
    assert refresh is not None
    await refresh.run()
    report = await verify(database, patience=5, progress=None)
    assert report.differences == []
    assert (report.responses, report.indices) == (800, 7)

    # The check can fail: one answer moved to another level is found wherever it counts.
    await database[BUCKETS].update_one({"n5": {"$gt": 0}}, {"$inc": {"n5": -1, "n1": 1}})
    await database[INDICES].update_one(
        {"_id": "country|overall"}, {"$inc": {"windows.90d.current.n": 1}}
    )
    report = await verify(database, patience=5, progress=None)
    assert any("country overall 90d current" in line for line in report.differences)
