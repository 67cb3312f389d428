"""The reckoning of the simulator finds what it is there to find."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from method.period import LOCAL_ZONE
from schemas.collections import BUCKETS, QUARANTINE, RESPONSES
from services.runtime.database import Database
from simulator.faults import Parcel
from simulator.ledger import Balance, Ledger
from tests.builders import UNIT

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=LOCAL_ZONE)
IDS = [str(uuid4()) for _ in range(3)]


def parcel(identity: str, expected: str = "counted") -> Parcel:
    answer = {
        "id": identity,
        "unit": UNIT,
        "occurred_at": NOW.isoformat(),
        "answers": {"overall": 4},
    }
    return Parcel(answer, b"", expected)


def bucket(**hours: Mapping[str, int]) -> dict[str, Any]:
    total = sum(n for counts in hours.values() for n in counts.values())
    by_hour = {hour.removeprefix("at"): counts for hour, counts in hours.items()}
    return {"unit": UNIT, "item": "overall", "day": "2026-11-22", "h": by_hour, "n4": total}


async def reckoned(
    database: Database, stored: list[str], hours: Mapping[str, Mapping[str, int]]
) -> Balance:
    """Three answers were acknowledged, two of them to be counted at nine, one to be set aside."""
    ledger = Ledger()
    for identity, expected in zip(IDS, ("counted", "counted", "late"), strict=True):
        ledger.hand_in(parcel(identity, expected))
        ledger.acknowledge(parcel(identity, expected), 0.0)
    if stored:
        await database[RESPONSES].insert_many([{"_id": UUID(identity)} for identity in stored])
    await database[BUCKETS].insert_one(bucket(**hours))
    await database[QUARANTINE].insert_one({"_id": "t/0/2", "reason": "late"})
    return await ledger.balance(database)


@pytest.mark.parametrize(
    ("stored", "hours", "wrong"),
    [
        (IDS[:2], {"at09": {"n4": 2}}, (0, 0, 0, 0)),
        (IDS[:2], {"at09": {"n4": 1}}, (1, 0, 0, 0)),
        (IDS[:1], {"at09": {"n4": 2}}, (1, 0, 0, 0)),
        (IDS[:2], {"at09": {"n4": 3}}, (0, 1, 0, 0)),
        (IDS[:2], {"at09": {"n4": 1, "n5": 1}}, (0, 0, 1, 0)),
        (IDS[:2], {"at09": {"n4": 1}, "at10": {"n4": 1}}, (0, 0, 1, 0)),
        ([*IDS[:2], str(uuid4())], {"at09": {"n4": 2}}, (0, 0, 0, 1)),
    ],
    ids=["well", "not counted", "not stored", "twice", "other level", "other hour", "phantom"],
)
async def test_the_reckoning_names_what_is_wrong(
    database: Database,
    stored: list[str],
    hours: dict[str, dict[str, int]],
    wrong: tuple[int, int, int, int],
) -> None:
    balance = await reckoned(database, stored, hours)
    assert (balance.lost, balance.counted_twice, balance.out_of_place, balance.phantom) == wrong


async def test_a_replayed_record_is_set_aside_no_more_and_a_discarded_one_is(
    database: Database,
) -> None:
    ledger = Ledger()
    ledger.acknowledge(parcel(IDS[0], "late"), 0.0)
    for kind in ("replayed", "discarded"):
        resolution = {"kind": kind}
        aside = {"_id": kind, "reason": "late", "resolution": resolution}
        await database[QUARANTINE].insert_one(aside)
        balance = await ledger.balance(database)
        settled = await ledger.settled(database)
        assert settled == (kind == "discarded")
        assert balance.quarantined == ({} if kind == "replayed" else {"late": 1})
        assert balance.exact == settled


async def test_what_was_not_set_aside_is_lost(database: Database) -> None:
    ledger = Ledger()
    ledger.acknowledge(parcel(IDS[0], "late"), 0.0)
    assert (await ledger.balance(database)).lost == 1


async def test_what_a_kiosk_was_never_told_of_may_count_but_once(database: Database) -> None:
    ledger = Ledger()
    for identity in IDS[:2]:
        ledger.hand_in(parcel(identity, "counted"))
    ledger.acknowledge(parcel(IDS[0], "counted"), 0.0)
    await database[RESPONSES].insert_many([{"_id": UUID(identity)} for identity in IDS[:2]])
    await database[BUCKETS].insert_one(bucket(at09={"n4": 2}))
    assert (await ledger.balance(database)).exact
    await database[BUCKETS].insert_one(bucket(at09={"n4": 1}))
    assert (await ledger.balance(database)).counted_twice == 1
