"""An alert from the first bad answer to its end, through all four services, in ten days of a clock
that the test sets: each step comes once, and when it should."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest_asyncio
from uuid_utils.compat import uuid7

from client.signing import Signer
from method.period import LOCAL_ZONE, local_day
from schemas.alert import AlertChanged
from schemas.base import read
from schemas.collections import ALERTS
from schemas.registry import EntryKind
from schemas.topics import ALERT_CHANGED
from services.gateway.people.access import Role
from services.gateway.registry.store import write
from services.runtime.database import Database
from simulator.agency import Agency
from tests.builders import UNIT, entry, load_small_registry, response
from tests.devices import enrolled, named
from tests.people import add_account, sign_in
from tests.post import Receivers
from tests.servers import Servers, eventually, published
from tests.together import Moment, together

START = datetime(2026, 11, 2, 9, tzinfo=LOCAL_ZONE)
RULES = """
version: 1
rules:
  - id: change
    kind: change
    window: 7d
    for: 10m
    keep_firing_for: 12h
    severity: critical
    acknowledge_within: 2d
    plan_within: 5d
"""
SECOND, MINUTES, HOURS, DAYS = (
    timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days")
)

_LOOKS_SECONDS = 2.5
"""Of real time: each service looks at its clock twice at least."""


@dataclass
class Office:
    """One office, those above it, and everything between a citizen and them."""

    clock: Moment
    gateway: str
    servers: Servers
    database: Database
    signer: Signer
    receivers: Receivers
    agency: Agency

    def at(self, since_start: timedelta) -> None:
        """Let time pass until then."""
        self.clock.now = START + since_start

    async def answered(self, level: int, count: int) -> None:
        """So many citizens answer now."""
        now = self.clock.now
        body = json.dumps(
            named(
                self.signer,
                [
                    response(answers={"overall": level}, occurred_at=now.isoformat())
                    for _ in range(count)
                ],
            )
        ).encode()
        path = "/v1/feedback/batch"
        headers = self.signer.headers("POST", path, body)  # the library has the machine's clock
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.gateway + path, data=body, headers=headers) as answer,
        ):
            assert answer.status == 202, await answer.text()

    async def changes(self) -> list[AlertChanged]:
        """All that was announced of alerts."""
        found = await published(self.servers, ALERT_CHANGED.name, 0)
        return [read(AlertChanged, one.value or b"") for one in found]

    async def stands(self, state: str, handling: str = "waiting", escalated: int = 0) -> None:
        """The alert comes to this."""

        async def comes() -> bool:
            changes = await self.changes()
            return bool(changes) and _standing(changes[-1]) == (state, handling, escalated)

        await eventually(comes, f"the alert is {state}, {handling}, {escalated} levels up")

    async def recovers(self) -> None:
        """Notify has seen that the trouble is over, and waits whether that lasts."""

        async def seen() -> bool:
            query = {"open": True, "recovering_since": {"$ne": None}}
            return await self.database[ALERTS].find_one(query) is not None

        await eventually(seen, "the index has recovered")

    async def nothing_comes(self) -> None:
        """All four have looked at their clocks, and nothing is announced."""
        before = len(await self.changes())
        await asyncio.sleep(_LOOKS_SECONDS)
        assert len(await self.changes()) == before

    async def reply(self, kind: str, **values: Any) -> None:
        """The office head signs in and answers at the desk."""
        async with httpx.AsyncClient(
            base_url=self.gateway, headers={"origin": self.gateway}
        ) as browser:
            await sign_in(browser, "head")
            desk = await browser.get("/v1/desk", params={"scope": f"unit:{UNIT}"})
            (view,) = desk.json()["alerts"]
            body = {"id": str(uuid7()), "alert": view["alert"]["alert"], "kind": kind, **values}
            for _ in range(2):  # the network lost the first answer
                got = await browser.post("/v1/replies", json=body)
                assert got.status_code == 202, got.text


def _standing(change: AlertChanged) -> tuple[str, str, int]:
    return change.state.value, change.handling.value, change.escalated


@pytest_asyncio.fixture
async def office(servers: Servers, database: Database, tmp_path: Path) -> AsyncIterator[Office]:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES, encoding="utf-8")
    clock, receivers, agency = Moment(START), Receivers(), Agency("unused", lambda _: None)
    runner = await receivers.start()
    await load_small_registry(database)
    await write(
        database,
        [
            entry(EntryKind.PROVINCE, "01", webhook=f"{receivers.url}/province"),
            entry(
                EntryKind.UNIT,
                UNIT,
                "commune:00004",
                email="office@example.vn",
                webhook=f"{receivers.url}/office",
            ),
        ],
    )
    await add_account(database, "head", Role.OFFICER, f"unit:{UNIT}")
    signer = await enrolled(database)
    async with agency.listening(), together(servers, clock, rules, agency.smtp_port) as gateway:
        yield Office(clock, gateway, servers, database, signer, receivers, agency)
    await runner.cleanup()


async def test_each_step_comes_once_and_in_its_time(office: Office) -> None:
    office.at(0 * DAYS)
    await office.answered(5, 40)
    office.at(1 * DAYS)
    await office.answered(1, 30)
    await office.stands("pending")
    fired = 1 * DAYS + 10 * MINUTES
    office.at(fired - SECOND)
    await office.nothing_comes()
    office.at(fired)
    await office.stands("firing")
    office.at(fired + 2 * DAYS - SECOND)
    await office.nothing_comes()
    office.at(fired + 2 * DAYS)  # nobody has answered
    await office.stands("firing", escalated=1)
    answered = fired + 2 * DAYS + 3 * HOURS
    office.at(answered)
    await office.reply("acknowledged")
    await office.stands("firing", "acknowledged", 1)
    due = (local_day(office.clock.now) + 3 * DAYS).isoformat()
    await office.reply("plan", text="Mở thêm một quầy", due=due)
    await office.stands("firing", "planned", 1)
    office.at(5 * DAYS)
    await office.answered(5, 200)
    await office.recovers()
    await office.reply("result", text="Đã mở quầy thứ ba")
    await office.stands("firing", "done", 1)
    over = 5 * DAYS + 12 * HOURS
    office.at(over - SECOND)
    await office.nothing_comes()
    office.at(over)
    await office.stands("resolved", "done", 1)
    office.at(10 * DAYS)
    await office.nothing_comes()

    told = [(*_standing(change), change.changed_at - START) for change in await office.changes()]
    assert told == [
        ("pending", "waiting", 0, 1 * DAYS),
        ("firing", "waiting", 0, fired),
        ("firing", "waiting", 1, fired + 2 * DAYS),
        ("firing", "acknowledged", 1, answered),
        ("firing", "planned", 1, answered),
        ("firing", "done", 1, 5 * DAYS),
        ("resolved", "done", 1, over),
    ]
    heard = sorted((got.at - START, got.name, got.type) for got in office.receivers.got)
    assert heard == [
        (fired, "office", "alert.firing"),
        (fired + 2 * DAYS, "province", "alert.firing"),
        (over, "office", "alert.resolved"),
        (over, "province", "alert.resolved"),
    ]
    assert len({got.id for got in office.receivers.got}) == len(heard)
    mails = [(mail.state, "Tổng hợp" in mail.text) for mail in office.agency.deliveries]
    # In between, the digest of a morning: nobody has answered.
    assert mails == [("firing", False), ("firing", True), ("resolved", False)]
