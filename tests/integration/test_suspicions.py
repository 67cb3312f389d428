"""Suspicions on real servers: found once, looked at by whom they are for; no answer is dropped."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from uuid_utils.compat import uuid7

from method.period import LOCAL_ZONE, local_midnight
from schemas.collections import RESPONSES, SUSPICIONS
from schemas.topics import FEEDBACK_ACCEPTED
from services.gateway import audit
from services.gateway.people.access import Role
from services.ingest.batch import Ingest
from services.ingest.device_days import DEVICE_DAYS
from services.ingest.main import build
from services.ingest.settings import IngestSettings
from services.ingest.suspicions import Suspicions, days_to_look_at
from services.runtime.database import Database
from tests.builders import NOW, OTHER_UNIT, UNIT, records, submitted
from tests.people import add_account, sign_in, world
from tests.servers import DATABASE, Servers, eventually, published
from tests.serving import serving

FRIDAY = date(2026, 11, 20)


def crowd(morning: datetime, count: int = 30) -> list[datetime]:
    """Moments within ten minutes, at pauses that no machine makes."""
    return [morning + timedelta(seconds=15 * n + 7 * (n % 5)) for n in range(count)]


async def keep(database: Database, answers: Iterable[dict[str, Any]]) -> None:
    """Put responses where ingest keeps them."""
    whole = {"unit": UNIT, "device": "kiosk-1", "channel": "kiosk", "answers": {"overall": 5}}
    await database[RESPONSES].insert_many([{**whole, "_id": uuid7(), **one} for one in answers])


async def stuffed(database: Database, now: datetime, unit: str = UNIT) -> None:
    """Thirty best answers of an office within ten minutes of the day before."""
    morning = now - timedelta(days=1, hours=3)
    await keep(database, ({"unit": unit, "occurred_at": at} for at in crowd(morning)))


async def found(database: Database) -> dict[str, dict[str, Any]]:
    return {one["_id"]: one async for one in database[SUSPICIONS].find()}


async def everything(database: Database) -> list[dict[str, Any]]:
    return await database[RESPONSES].find().sort("_id", 1).to_list(None)


def test_each_day_for_which_answers_may_come_has_its_turn() -> None:
    looks = [days_to_look_at(NOW + timedelta(hours=hour)) for hour in range(24)]
    sunday = date(2026, 11, 22)
    of_one_day = [look for look in looks if look[-1] == sunday]
    assert {day for look in of_one_day for day in look} == {
        sunday - timedelta(days=age) for age in range(8)
    }
    assert all(look[1:] == [sunday - timedelta(days=1), sunday] for look in of_one_day)


async def test_a_burst_is_found_once_and_no_answer_is_touched(
    ingest: Ingest, servers: Servers, database: Database
) -> None:
    morning = datetime(2026, 11, 21, 9, tzinfo=LOCAL_ZONE)
    crowded = [submitted(occurred_at=at.isoformat()) for at in crowd(morning)]
    uneven = (morning + timedelta(minutes=17 * n, seconds=n * n) for n in range(12))
    beside = [
        submitted(unit=OTHER_UNIT, device="kiosk-2", occurred_at=at.isoformat()) for at in uneven
    ]
    await ingest.handle(0, records([*crowded, *beside]))
    before = await everything(database)
    looking = [Suspicions(database, lambda: NOW) for _ in range(2)]
    await asyncio.gather(*(one.run() for one in looking))
    await looking[0].run()
    assert await everything(database) == before
    assert len(await published(servers, FEEDBACK_ACCEPTED.name, 0)) == 42, "all of them count"
    (one,) = (await found(database)).values()
    assert one["_id"] == f"burst/{UNIT}/2026-11-21"
    assert (one["kind"], one["unit"]) == ("burst", UNIT)
    (seen,) = one["seen"]
    assert (seen["device"], seen["figures"]["n"], seen["figures"]["top"]) == ("kiosk-1", 30, 30)
    assert seen["p_value"] < 2e-7
    # More of them come late: what was seen before stays.
    late = [submitted(occurred_at=at.isoformat()) for at in crowd(morning + timedelta(seconds=2))]
    await ingest.handle(0, records(late, first=42))
    await looking[0].look(morning.date(), NOW + timedelta(hours=1))
    (one,) = (await found(database)).values()
    assert [seen["figures"]["n"] for seen in one["seen"]] == [30, 60]
    assert one["seen"][0]["at"] == NOW


async def test_what_a_month_shows_is_found_when_a_day_is_over(database: Database) -> None:
    answers: list[dict[str, Any]] = []
    working = [day for age in range(2, 21) if (day := date(2026, 11, age)).weekday() < 5]
    for day in working:
        midnight = local_midnight(day)
        for n in range(12):
            at = (midnight + timedelta(hours=8, minutes=16 * n, seconds=n * n)).astimezone(UTC)
            level = {"overall": (3, 5, 2, 4)[n % 4]}
            answers.append({"device": "kiosk-2", "occurred_at": at, "answers": level})
            # Somebody's own kiosk, in the evening when nobody is there: only the best.
            evening = at + timedelta(hours=10, seconds=n**3 % 50)
            answers.append({"occurred_at": evening})
        forms = {f"item{n}": 5 for n in range(5)} | {"overall": 5}
        mixed = forms | {"overall": 4}
        answers += [
            {
                "unit": unit,
                "device": "web",
                "channel": "web",
                "occurred_at": (midnight + timedelta(hours=9 + n)).astimezone(UTC),
                "answers": form,
            }
            for unit, form in ((UNIT, forms), (OTHER_UNIT, mixed))
            for n in range(8)
        ]
        # What others typed in says nothing about a device or an hour.
        paper = {"channel": "paper", "device": "desk", "occurred_at": midnight.astimezone(UTC)}
        answers += [paper] * 50
    await keep(database, answers)
    looking = Suspicions(database, lambda: NOW)
    for day in working:
        await looking.look(day, NOW)
    seen = await found(database)
    assert {name.removesuffix("/2026-11-01") for name in seen} == {
        f"{kind}/{UNIT}" for kind in ("shut_hours", "one_device", "straight_lining")
    }
    one = seen[f"shut_hours/{UNIT}/2026-11-01"]
    assert (one["first"], one["last"]) == ("2026-11-01", "2026-11-20")
    assert one["seen"][-1]["figures"]["n"] > one["seen"][0]["figures"]["n"]
    assert seen[f"one_device/{UNIT}/2026-11-01"]["seen"][0]["device"] == "kiosk-1"
    # A month so far is not looked at on its running day: chance would get more tries.
    await database[SUSPICIONS].delete_many({})
    await looking.look(FRIDAY, datetime(2026, 11, 20, 16, tzinfo=UTC))
    assert await found(database) == {}
    assert await database[DEVICE_DAYS].count_documents({"day": "2026-11-20"}) == 4


async def test_ingest_looks_by_itself(servers: Servers, database: Database) -> None:
    await stuffed(database, NOW)
    where = {"KAFKA_URL": servers.kafka_url, "MONGO_URL": servers.mongo_url, "database": DATABASE}
    service = build(IngestSettings.model_validate(where), lambda: NOW)
    async with serving(service.app()):

        async def is_found() -> bool:
            return list(await found(database)) == [f"burst/{UNIT}/2026-11-21"]

        await eventually(is_found, "the running service found the burst")


async def _listed(client: httpx.AsyncClient, scope: str) -> list[dict[str, Any]]:
    got = await client.get("/v1/suspicions", params={"scope": scope})
    assert got.status_code == 200, got.text
    listed: list[dict[str, Any]] = got.json()["suspicions"]
    return listed


@pytest.fixture
def burst() -> str:
    return f"burst/{UNIT}/2026-11-21"


async def test_an_office_sees_what_is_held_against_it_once_somebody_looked(
    servers: Servers, database: Database, burst: str
) -> None:
    await stuffed(database, NOW)
    await stuffed(database, NOW, OTHER_UNIT)
    await Suspicions(database, lambda: NOW).run()
    await add_account(database, "own", Role.ANALYST, f"unit:{UNIT}")
    look = {"suspicion": burst, "outcome": "confirmed", "why": "Gọi chị Hoa 0912345678"}
    async with world(servers, database, clock=lambda: NOW) as here:
        async with here.browser() as supervisor:
            await sign_in(supervisor, "supervisor")
            assert len(await _listed(supervisor, "country")) == 2
            assert "<button" not in (await supervisor.get("/desk/suspicions")).text
        async with here.browser() as officer, here.browser() as own, here.browser() as analyst:
            for client, name in ((officer, "officer"), (own, "own"), (analyst, "analyst")):
                await sign_in(client, name)
            assert await _listed(officer, "commune:00004") == []
            assert await _listed(own, f"unit:{UNIT}") == []
            assert (await own.post("/v1/suspicions", json=look)).status_code == 404
            assert "Không có dấu hiệu nào" in (await officer.get("/desk/suspicions")).text
            both = await _listed(analyst, "province:01")
            assert [one["suspicion"]["unit"] for one in both] == [UNIT, OTHER_UNIT]
            assert both[0]["looks"] == []
            done = await analyst.post("/v1/suspicions", json=look)
            assert done.status_code == 200, done.text
            assert [look_["why"] for look_ in done.json()["looks"]] == ["Gọi chị Hoa [số]"]
            for client, scope in ((officer, "commune:00004"), (own, f"unit:{UNIT}")):
                (one,) = await _listed(client, scope)
                assert (one["suspicion"]["id"], len(one["looks"])) == (burst, 1)
            page = (await officer.get("/desk/suspicions?lang=en")).text
            assert "Too many answers within minutes" in page
            assert "<button" not in page, "who may not look is not offered to"
            again = {**look, "outcome": "harmless", "why": "Ngày hội việc làm"}
            form = await analyst.post("/desk/suspicions", data=again)
            assert form.status_code == 303
            (one,) = await _listed(officer, f"unit:{UNIT}")
            assert [look_["outcome"] for look_ in one["looks"]] == ["confirmed", "harmless"]
        entries = await audit.entries(database, None, 2)
        told = [(e.action, e.about, e.actor.name, e.details) for e in entries]
        assert told == [
            ("suspicion.look", burst, "analyst", {"outcome": outcome})
            for outcome in ("harmless", "confirmed")
        ]


async def test_a_look_that_breaks_a_rule_is_refused_by_its_field(
    servers: Servers, database: Database, burst: str
) -> None:
    await stuffed(database, NOW)
    await stuffed(database, NOW, OTHER_UNIT)
    await Suspicions(database, lambda: NOW).run()
    await add_account(database, "near", Role.ANALYST, "commune:00004")
    changes: tuple[tuple[dict[str, Any], int, list[str]], ...] = (
        ({"outcome": "guilty"}, 422, ["outcome"]),
        ({"why": "  "}, 422, ["why"]),
        ({"why": "x" * 1001}, 422, ["why"]),
        ({"suspicion": "x" * 101}, 422, ["suspicion"]),
        ({"more": 1}, 422, ["more"]),
        ({"suspicion": f"burst/{OTHER_UNIT}/2026-11-21"}, 404, []),
        ({"suspicion": f"burst/{UNIT}/2026-11-20"}, 404, []),
        ({}, 200, []),
    )
    async with world(servers, database, clock=lambda: NOW) as here, here.browser() as client:
        await sign_in(client, "near")
        for change, status, fields in changes:
            look = {"suspicion": burst, "outcome": "harmless", "why": "Đã xem", **change}
            got = await client.post("/v1/suspicions", json=look)
            assert got.status_code == status, got.text
            assert [error["field"] for error in got.json().get("errors", [])] == fields
