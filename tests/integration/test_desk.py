"""The desk over real HTTP: whose alerts somebody sees, and what an officer's answer comes to."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from uuid_utils.compat import uuid7

from deploy.local import ports
from method.definition import definitions
from method.figure import figure
from method.period import local_day
from schemas.alert import AgencyReplied, AlertState, Evidence, Held, HeldBy
from schemas.base import read
from schemas.collections import ALERTS, REGISTRY
from schemas.registry import Registry
from schemas.scope import Scope
from schemas.topics import AGENCY_REPLIED
from services.gateway import audit
from services.gateway.desk.answering import Answer, Desk
from services.gateway.people.guard import Guard
from services.gateway.people.sessions import Sessions
from services.gateway.problems import ProblemError
from services.gateway.published.reading import Reader
from services.notify.alerts.documents import to_document
from services.notify.alerts.lifecycle import open_alert
from services.notify.rules.kinds import Change
from services.runtime.cached import Cached
from services.runtime.clock import system_clock
from services.runtime.database import Database
from services.runtime.producer import Producer
from tests.builders import OTHER_UNIT, UNIT
from tests.people import World, accounts_of, sign_in, world
from tests.servers import Servers, published

FIGURE = figure((20, 10, 9, 40, 21), definitions()[0])
RULE = Change.model_validate(
    {
        "id": "change",
        "kind": "change",
        "window": "7d",
        "for": "0s",
        "keep_firing_for": "1h",
        "severity": "critical",
        "acknowledge_within": "2d",
    }
)


async def alert(
    database: Database,
    scope: Scope,
    state: AlertState = AlertState.FIRING,
    held: Held | None = None,
) -> str:
    """An alert, as notify keeps it; its id."""
    now = system_clock()
    evidence = Evidence(window="7d", as_of=now, current=FIGURE, previous=FIGURE)
    opened = open_alert(RULE, scope, 1, evidence, now)
    document = to_document(replace(opened, held=held), RULE) | {"state": state.value}
    await database[ALERTS].insert_one(document)
    return opened.id


@pytest_asyncio.fixture
async def here(servers: Servers, database: Database) -> AsyncIterator[World]:
    async with world(servers, database) as running:
        yield running


def answer(name: str, kind: str = "acknowledged", **values: Any) -> dict[str, Any]:
    return {"id": str(uuid7()), "alert": name, "kind": kind, **values}


async def replies(servers: Servers) -> list[AgencyReplied]:
    found = await published(servers, AGENCY_REPLIED.name, 0)
    return [read(AgencyReplied, one.value or b"") for one in found]


async def seen(client: httpx.AsyncClient, scope: str) -> list[str]:
    got = await client.get("/v1/desk", params={"scope": scope})
    assert got.status_code == 200, got.text
    return [view["alert"]["scope"] for view in got.json()["alerts"]]


async def test_everybody_sees_the_alerts_of_their_own_part(here: World) -> None:
    await alert(here.database, f"unit:{UNIT}")
    await alert(here.database, f"unit:{OTHER_UNIT}")
    await alert(here.database, "province:01", AlertState.PENDING)
    async with here.browser() as client:
        await sign_in(client, "officer")
        assert await seen(client, "commune:00004") == [f"unit:{UNIT}"]
        assert (await client.get("/v1/desk?scope=province:01")).status_code == 403
        page = (await client.get("/desk")).text
        assert f"Đơn vị {UNIT}" in page
        assert f"Đơn vị {OTHER_UNIT}" not in page
    async with here.browser() as client:
        await sign_in(client, "analyst")
        assert len(await seen(client, "province:01")) == 2
    async with here.browser() as client:
        await sign_in(client, "supervisor")
        assert len(await seen(client, "country")) == 2
        page = (await client.get("/desk?lang=en")).text
        assert "Satisfaction fell below what is usual" in page


async def test_an_alert_that_nobody_is_told_of_says_so(here: World) -> None:
    until = datetime(2026, 11, 30, 5, tzinfo=UTC)
    await alert(here.database, f"unit:{UNIT}", held=Held(by=HeldBy.SILENCE, until=until))
    other = Held(by=HeldBy.RULE, rule="silent-kiosk")
    await alert(here.database, f"unit:{OTHER_UNIT}", held=other)
    async with here.browser() as client:
        await sign_in(client, "analyst")
        for language, silent, inhibited in (
            ("vi", "Im lặng đến", "Chưa thông báo vì đã có cảnh báo"),
            ("en", "Silenced until", "Not told: another alert fires here"),
        ):
            page = (await client.get("/desk", params={"lang": language})).text
            assert f"<dt>{silent}</dt><dd>12:00 30/11/2026</dd>" in page
            assert f"<dt>{inhibited}</dt><dd>silent-kiosk</dd>" in page


async def test_an_answer_is_on_the_topic_once_and_in_the_trail_with_its_author(
    here: World, servers: Servers
) -> None:
    name = await alert(here.database, f"unit:{UNIT}")
    due = (local_day(system_clock()) + timedelta(days=7)).isoformat()
    plan = answer(name, "plan", text="Gọi chị Hoa 0912345678", due=due)
    async with here.browser() as client:
        await sign_in(client, "officer")
        got = await client.post("/v1/replies", json=plan)
        assert got.status_code == 202, got.text
    (given,) = await replies(servers)
    assert (given.alert, given.agency, given.kind.value) == (name, "commune:00004", "plan")
    assert given.text == "Gọi chị Hoa [số]"
    (written, *_) = await audit.entries(here.database, None, 1)
    assert (written.action, written.about, written.actor.name) == ("alert.reply", name, "officer")
    assert written.details == {"kind": "plan"}
    assert "officer" not in given.to_json().decode(), "who answered is in the trail alone"


async def test_an_answer_that_breaks_a_rule_is_refused_by_its_field(
    here: World, servers: Servers
) -> None:
    name = await alert(here.database, f"unit:{UNIT}")
    pending = await alert(here.database, "commune:00004", AlertState.PENDING)
    beside = await alert(here.database, f"unit:{OTHER_UNIT}")
    yesterday = (local_day(system_clock()) - timedelta(days=1)).isoformat()
    async with here.browser() as client:
        await sign_in(client, "officer")
        for body, status, field in (
            (answer(name, "result", text="Xong"), 422, "kind"),
            (answer(name, "plan", text="Sẽ làm", due=yesterday), 422, "due"),
            (answer(name, "plan", text="Sẽ làm"), 422, "due"),
            (answer(name, "cause"), 422, "text"),
            (answer(name, "cause", text="x" * 2001), 422, "text"),
            (answer(name, "close"), 422, "kind"),
            (answer(pending), 404, None),
            (answer(beside), 404, None),
            (answer("change/nowhere"), 404, None),
        ):
            got = await client.post("/v1/replies", json=body)
            assert got.status_code == status, (body, got.text)
            errors = [error["field"] for error in got.json().get("errors") or []]
            assert errors == ([field] if field else []), got.text
        refused = await client.post("/desk", data=answer(name, "result", text="Xong"))
        assert refused.status_code == 422
        assert "Chưa ghi nhận phản hồi" in refused.text
        other = await client.post(
            "/v1/replies", json=answer(name), headers={"origin": "https://elsewhere.example"}
        )
        assert other.status_code == 403
    assert await replies(servers) == []


async def test_without_kafka_an_answer_is_refused_for_now_and_can_be_sent_again(
    here: World,
) -> None:
    name = await alert(here.database, f"unit:{UNIT}")
    accounts = accounts_of(here.database)
    registry = Cached(here.database, REGISTRY, Registry.of_documents)
    await registry.refresh()
    sessions = Sessions(here.database, system_clock, timedelta(hours=1), timedelta(hours=1))
    desk = Desk(
        here.database,
        Producer(f"127.0.0.1:{ports.choose()}", "gateway"),
        Guard(accounts, sessions, registry, system_clock),
        Reader(here.database, registry, system_clock),
        system_clock,
    )
    officer = await accounts.find("officer")
    assert officer is not None
    body = answer(name)
    with pytest.raises(ProblemError) as refused:
        await desk.answer(officer, Answer.model_validate(body, strict=False))
    assert refused.value.problem.status == 503
    async with here.browser() as client:
        await sign_in(client, "officer")
        assert (await client.post("/v1/replies", json=body)).status_code == 202
    tries = [entry.action for entry in await audit.entries(here.database, None, 10)]
    assert tries.count("alert.reply") == 2, "each attempt is in the trail"
