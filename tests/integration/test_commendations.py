"""Commendations over real HTTP: counted by scoring, judged, shown to whom they are for."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest_asyncio
from typer.testing import CliRunner

from langnghe.cli import app
from method.period import LOCAL_ZONE
from method.quarter import Quarter
from schemas.feedback import FeedbackAccepted
from schemas.registry import EntryKind
from services.gateway.registry.store import write
from services.runtime.database import Database
from services.runtime.producer import Producer
from services.scoring.ledger import Ledger
from services.scoring.refresh import Refresh
from tests.builders import ABOVE, NOW, accepted, entry, records, small_registry
from tests.people import World, sign_in, world
from tests.servers import Servers, eventually

QUARTER = Quarter(2026, 3)
OFFICES = [f"000.00.0{number}.H26" for number in range(1, 8)]
BEST, SECOND = OFFICES[:2]
DAYS = [
    day
    for age in range((QUARTER.last - QUARTER.first).days + 1)
    if (day := QUARTER.first + timedelta(days=age)).weekday() < 5
]


def levels(unit: str) -> list[int]:
    """What an office is answered on each day: the first two are good, the others middling."""
    return {BEST: [5] * 12, SECOND: [4] * 24 + [2]}.get(unit, [5, 4, 4, 3])


def answers() -> list[FeedbackAccepted]:
    found: list[FeedbackAccepted] = []
    for day in DAYS:
        morning = datetime.combine(day, time(9), LOCAL_ZONE).astimezone(UTC)
        for unit in OFFICES:
            for level in levels(unit):
                found.append(
                    accepted(
                        len(found),
                        level,
                        unit=unit,
                        above=ABOVE,
                        occurred_at=morning,
                        received_at=morning,
                    )
                )
    return found


@pytest_asyncio.fixture
async def here(servers: Servers, database: Database) -> AsyncIterator[World]:
    """A gateway in November that has the third quarter behind it."""
    producer = Producer(servers.kafka_url, "scoring")
    await producer.start()
    await producer.connected()
    ledger = Ledger(database)
    await ledger.handle(0, records(answers()))
    await Refresh(database, producer, ledger, lambda: {0}, lambda: NOW).run()
    await producer.stop()
    async with world(servers, database, clock=lambda: NOW) as running:
        named = [
            entry(EntryKind.UNIT, unit, "commune:00004").model_copy(
                update={"name_vi": f"{'Z' if unit == BEST else 'Đ'} {unit}"}
            )
            for unit in OFFICES
        ]
        await write(database, [*small_registry(), *named])

        async def known() -> bool:
            async with running.browser() as client:
                return (await client.get(f"/v1/indices/unit:{OFFICES[-1]}")).status_code == 200

        await eventually(known, "the gateway knows the offices")
        yield running


async def test_offices_above_target_and_peers_are_listed_with_their_evidence(
    here: World,
) -> None:
    async with here.browser() as client:
        found: dict[str, Any] = (await client.get("/v1/commendations?quarter=2026-Q3")).json()
        assert (await client.get("/v1/commendations")).json() == found, "the newest without a name"
        page = (await client.get("/commendations")).text
        english = (await client.get("/commendations/2026-Q3?lang=en")).text
    assert [one["unit"] for one in found["commended"]] == [SECOND, BEST], "by name, Đ before Z"
    assert (found["judged"], found["draft"], found["basis"]) == (7, False, "management_information")
    assert found["public_from"] == "2026-10-11"
    second, best = found["commended"]
    assert best["figure"]["counts"] == [0, 0, 0, 0, 12 * len(DAYS)]
    assert [month["n"] for month in best["months"]] == [12 * 23, 12 * 21, 12 * 22]
    assert best["active_days"] == len(DAYS) == 66
    assert (best["peers"]["offices"], best["peers"]["figure"]["n"]) == (6, (25 + 5 * 4) * 66)
    assert best["peers"]["within"] == {"vi": "Đơn vị 01", "en": "Unit 01"}
    assert best["p_below"] == second["p_below"] == 0.0001
    assert page.index(f"Đ {SECOND}") < page.index(f"Z {BEST}")
    assert "100,0 %" in page
    assert "không phải thống kê chính thức" in page
    assert "Management information, no official statistics" in english
    assert "6 other communal offices, Unit 01" in english


async def test_a_small_day_that_would_follow_is_kept_by_withholding(
    here: World, database: Database, servers: Servers
) -> None:
    """All days of the best office are large enough to be read but one: its month would tell it."""
    moment = datetime.combine(date(2026, 8, 1), time(9), LOCAL_ZONE).astimezone(UTC)
    three = [
        accepted(
            100_000 + number, 5, unit=BEST, above=ABOVE, occurred_at=moment, received_at=moment
        )
        for number in range(3)
    ]
    producer = Producer(servers.kafka_url, "scoring")
    await producer.start()
    await producer.connected()
    ledger = Ledger(database)
    await ledger.handle(0, records(three, first=100_000))
    await Refresh(database, producer, ledger, lambda: {0}, lambda: NOW).run()
    await producer.stop()
    async with here.browser() as client:
        found = (await client.get("/v1/commendations?quarter=2026-Q3")).json()
        page = (await client.get("/commendations?lang=en")).text
    best = found["commended"][1]
    assert best["unit"] == BEST
    assert [month["n"] for month in best["months"]] == [12 * 23, None, 12 * 22]
    assert best["figure"]["withheld"]
    assert best["peers"]["figure"]["withheld"]
    assert found["commended"][0]["figure"]["n"] == 25 * 66
    assert "withheld, to protect those who answered" in page


async def test_a_running_quarter_is_for_those_who_signed_in(here: World) -> None:
    async with here.browser() as client:
        told = await client.get("/v1/commendations?quarter=2026-Q4")
        assert told.status_code == 404
        assert "/v1/commendations/drafts?quarter=2026-Q4" in told.json()["detail"]
        assert (await client.get("/commendations/2026-Q4")).status_code == 404
        assert (await client.get("/v1/commendations/drafts")).status_code == 401
        assert (await client.get("/desk/commendations/2026-Q4")).headers["location"] == "/sign-in"
        await sign_in(client, "officer")
        draft = (await client.get("/v1/commendations/drafts")).json()
        assert (draft["quarter"], draft["draft"], draft["commended"]) == ("2026-Q4", True, [])
        page = (await client.get("/desk/commendations/2026-Q4")).text
        assert "Công bố từ ngày 11/01/2027" in page
        told = await client.get("/v1/commendations/drafts?quarter=2026-Q3")
        assert (told.status_code, "drafts" in told.json()["detail"]) == (404, False)

        for quarter, status in (
            ("2027-Q1", 404),
            ("2025-Q2", 404),
            ("9999-Q4", 404),
            ("2026-Q5", 422),
        ):
            told = await client.get(f"/v1/commendations?quarter={quarter}")
            assert told.status_code == status
            problem = told.json()
            errors = [error["field"] for error in problem["errors"]]
            assert errors == (["quarter"] if status == 422 else [])
            assert problem["type"].endswith("unknown-quarter") is (status == 404)
            assert (await client.get(f"/commendations/{quarter}")).status_code == status


async def test_the_command_shows_the_same(here: World, servers: Servers) -> None:
    """In a thread of its own, as a command has its own loop."""
    async with here.browser() as client:
        found = (await client.get("/v1/commendations?quarter=2026-Q3")).json()

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(
            app, ["commendations", *arguments], env=servers.environment(), terminal_width=300
        )

    got = await asyncio.to_thread(run, "--quarter", "2026-Q3", "--json")
    assert got.exit_code == 0, got.output
    assert json.loads(got.stdout)["commended"] == found["commended"]
    lines = (await asyncio.to_thread(run, "--quarter", "2026-Q3")).stdout.splitlines()
    assert lines[0] == "2026-Q3, public: 2 of 7 judged"
    assert lines[2].startswith(f"{BEST}  Z {BEST}: 100.0 %")
    wrong = await asyncio.to_thread(run, "--quarter", "2026")
    assert (wrong.exit_code, "--quarter: must be a year and a quarter" in wrong.output) == (2, True)
