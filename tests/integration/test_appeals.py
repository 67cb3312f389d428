"""Appeals over real HTTP and MongoDB: the office files, somebody above decides, nothing moves."""

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest_asyncio
from uuid_utils.compat import uuid7

from schemas.collections import RESPONSES
from services.gateway import audit
from services.gateway.appeals.store import APPEALS
from services.gateway.people.access import Role
from services.gateway.people.accounts import Change
from services.gateway.people.guard import routes_of
from services.gateway.storage import INDEXES
from services.runtime.clock import system_clock
from services.runtime.database import Database
from services.runtime.producer import Producer
from services.scoring.ledger import Ledger
from services.scoring.refresh import Refresh
from tests.builders import OTHER_UNIT, UNIT, accepted, records
from tests.integration.test_cases import opinion
from tests.integration.test_desk import alert
from tests.people import ACTOR, REGISTRY, World, accounts_of, add_account, sign_in, world
from tests.servers import Servers

OFFICE, PROVINCE = f"unit:{UNIT}", "province:01"
UPHELD = {"verdict": "upheld", "words": "Người dân nói về nơi khác, gọi 0912345678"}


@pytest_asyncio.fixture
async def here(servers: Servers, database: Database) -> AsyncIterator[World]:
    async with world(servers, database) as running:
        for name, scope in (("clerk", OFFICE), ("second", OFFICE), ("chief", PROVINCE)):
            await add_account(database, name, Role.OFFICER, scope)
        yield running


async def file(client: httpx.AsyncClient, about: UUID, **changes: Any) -> httpx.Response:
    body = {"response": str(about), "reason": "Nhầm nơi, hỏi 0912345678"} | changes
    return await client.post("/v1/appeals", json=body)


async def decide(client: httpx.AsyncClient, about: UUID, **changes: Any) -> httpx.Response:
    return await client.post(f"/v1/appeals/{about}/decision", json=UPHELD | changes)


async def as_(here: World, name: str, *asked: Any) -> httpx.Response:
    """What one account is answered."""
    act, *arguments = asked
    async with here.browser() as client:
        await sign_in(client, name)
        answer: httpx.Response = await act(client, *arguments)
        return answer


async def test_the_office_files_and_somebody_above_it_decides_once(here: World) -> None:
    about = await opinion(here.database, comment="Thái độ kém")
    for who, status in (("chief", 403), ("officer", 403), ("outsider", 404), ("analyst", 403)):
        assert (await as_(here, who, file, about)).status_code == status, who
    filed = await as_(here, "clerk", file, about)
    assert filed.status_code == 201, filed.text
    assert (filed.json()["flag"]["state"], filed.json()["reason"]) == (
        "filed",
        "Nhầm nơi, hỏi [số]",
    )
    again = await as_(here, "second", file, about)
    assert (again.status_code, again.json()["errors"][0]["field"]) == (422, "response")

    for who, status in (
        ("clerk", 403),
        ("second", 403),
        ("outsider", 404),
        ("analyst", 403),
        ("supervisor", 403),
    ):
        assert (await as_(here, who, decide, about)).status_code == status, who
    assert "decided" not in (await here.database[APPEALS].find_one({"_id": about}) or {})
    decided = await as_(here, "chief", decide, about)
    assert decided.status_code == 201, decided.text
    assert decided.json()["decision"]["words"] == "Người dân nói về nơi khác, gọi [số]"
    twice = await as_(here, "officer", decide, about)
    assert (twice.status_code, twice.json()["errors"][0]["field"]) == (422, "verdict")
    trail = await audit.entries(here.database, None, 100)
    written = [(e.actor.name, e.action, e.about, e.details) for e in trail if "appeal." in e.action]
    assert written == [
        ("chief", "appeal.decide", str(about), {"verdict": "upheld"}),
        ("clerk", "appeal.file", str(about), {}),
    ]


async def test_who_filed_does_not_decide_even_from_a_new_place_above(here: World) -> None:
    about = await opinion(here.database)
    assert (await as_(here, "clerk", file, about)).status_code == 201
    accounts = accounts_of(here.database)
    await accounts.change("clerk", Change(scope=PROVINCE), REGISTRY, ACTOR)
    refused = await as_(here, "clerk", decide, about)
    assert (refused.status_code, "who filed" in refused.json()["detail"].lower()) == (403, True)
    assert (await as_(here, "chief", decide, about)).status_code == 201


async def test_what_breaks_a_rule_is_refused_by_its_field(here: World) -> None:
    about = await opinion(here.database)
    other = await opinion(here.database, OTHER_UNIT)
    async with here.browser() as clerk:
        await sign_in(clerk, "clerk")
        for body, status, field in (
            ({"reason": " "}, 422, "reason"),
            ({"reason": "x" * 2001}, 422, "reason"),
            ({"filed_at": "2026-01-01T00:00:00Z"}, 422, "filed_at"),
            ({"response": [str(about), str(other)]}, 422, "response"),
            ({"response": str(other)}, 404, None),
            ({"response": str(uuid7())}, 404, None),
        ):
            got = await file(clerk, about, **body)
            assert got.status_code == status, (body, got.text)
            errors = [error["field"] for error in got.json().get("errors") or []]
            assert errors == ([field] if field else []), (body, got.text)
        assert (await file(clerk, about)).status_code == 201
    async with here.browser() as chief:
        await sign_in(chief, "chief")
        for body, field in (({"verdict": "maybe"}, "verdict"), ({"words": ""}, "words")):
            got = await decide(chief, about, **body)
            assert (got.status_code, got.json()["errors"][0]["field"]) == (422, field)
        assert (await decide(chief, other)).status_code == 404
    writes = {
        (method, path)
        for method, path in routes_of(here.app)
        if "appeals" in path and method != "GET"
    }
    assert writes == {
        ("POST", "/v1/appeals"),
        ("POST", "/v1/appeals/{response}/decision"),
        ("POST", "/desk/appeals"),
        ("POST", "/desk/appeals/{response}"),
    }, "each names one rating: there is no route for many"


async def foreign(database: Database) -> dict[str, list[Any]]:
    """Every document of other services."""
    names = [name for name in await database.collection_names() if name not in INDEXES]
    return {name: await database[name].find().sort("_id", 1).to_list(None) for name in names}


async def counted(here: World, servers: Servers) -> None:
    """Have answers of the office counted, as scoring does."""
    ledger = Ledger(here.database)
    producer = Producer(servers.kafka_url, "scoring")
    await producer.start()
    try:
        await producer.connected()
        now = system_clock()
        made = [accepted(n, 1, occurred_at=now, received_at=now) for n in range(12)]
        await ledger.handle(0, records(made))
        await Refresh(here.database, producer, ledger, lambda: {0}, system_clock).run()
    finally:
        await producer.stop()


async def test_an_upheld_appeal_flags_the_answer_wherever_it_is_shown_and_moves_no_figure(
    here: World, servers: Servers
) -> None:
    name = await alert(here.database, OFFICE)
    about = await opinion(here.database, comment="Thái độ kém")
    plain = await opinion(here.database, comment="Chờ lâu")
    await counted(here, servers)
    before = await foreign(here.database)
    assert before[RESPONSES]
    assert before["scoring.indices"]
    async with here.browser() as anybody:
        path = f"/v1/indices/{OFFICE}"
        figures = (await anybody.get(path)).json()["windows"]
        assert figures["24h"]["current"]["n"] == 12
        await as_(here, "clerk", file, about)
        await as_(here, "chief", decide, about)
        assert (await anybody.get(path)).json()["windows"] == figures
        assert await foreign(here.database) == before

        await sign_in(anybody, "supervisor")
        listed = (await anybody.get("/v1/comments", params={"scope": OFFICE})).json()["comments"]
        flags = {one["id"]: one["appeal"] for one in listed}
        assert flags[str(about)]["state"] == "upheld"
        assert flags[str(plain)] is None
        beside = (await anybody.get(f"/desk/alerts/{name}")).text
        assert beside.count("kiến nghị được chấp nhận; vẫn được tính") == 1
        page = (await anybody.get("/desk/appeals")).text
        assert "được chấp nhận" in page
        assert "<form" not in page, "who may do nothing is not offered to"
        appeals = (await anybody.get("/v1/appeals?scope=country")).json()["appeals"]
        assert [(a["response"], a["may_decide"]) for a in appeals] == [(str(about), False)]
    trail = await audit.entries(here.database, None, 100)
    assert {e.actor.name for e in trail if e.action == "appeals.look"} == {"supervisor"}


async def test_the_page_offers_each_what_they_may_do(here: World) -> None:
    about = await opinion(here.database)
    async with here.browser() as clerk:
        await sign_in(clerk, "clerk")
        sent = {"response": str(about), "reason": "Nhầm nơi"}
        assert (await clerk.post("/desk/appeals", data=sent)).status_code == 303
        again = await clerk.post("/desk/appeals", data=sent)
        assert (again.status_code, "Chưa ghi nhận" in again.text) == (422, True)
        page = (await clerk.get("/desk/appeals")).text
        assert re.search(r'action="/desk/appeals\?', page)
        assert f'action="/desk/appeals/{about}' not in page
    async with here.browser() as chief:
        await sign_in(chief, "chief")
        page = (await chief.get("/desk/appeals?lang=en")).text
        assert not re.search(r'action="/desk/appeals\?', page)
        assert f'action="/desk/appeals/{about}' in page
        ruled = {"verdict": "rejected", "words": "Đúng nơi"}
        assert (await chief.post(f"/desk/appeals/{about}", data=ruled)).status_code == 303
        after = (await chief.get("/desk/appeals?lang=en")).text
        assert ("rejected" in after, f'action="/desk/appeals/{about}' in after) == (True, False)
        twice = await chief.post(f"/desk/appeals/{about}", data=ruled)
        assert twice.status_code == 422
