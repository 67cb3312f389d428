"""The page of one alert over real HTTP, on figures that scoring counted."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio
from uuid_utils.compat import uuid7

from method.period import LOCAL_ZONE, local_day
from schemas.alert import AgencyReplied, AlertState, Evidence, Handling, ReplyKind
from schemas.collections import ALERTS, RESPONSES
from schemas.history import Moment
from services.gateway import audit
from services.gateway.desk import detail
from services.gateway.people.access import ALLOWED, Permission
from services.notify.alerts.documents import to_document
from services.notify.alerts.lifecycle import Alert, open_alert
from services.runtime.clock import system_clock
from services.runtime.database import Database
from tests.builders import OTHER_UNIT, UNIT, response
from tests.counted import answers, count
from tests.integration.test_desk import FIGURE, RULE
from tests.people import World, sign_in, world
from tests.servers import Servers

SCOPE = f"unit:{UNIT}"
ITEMS = ("access", "civil_servants", "procedures")


def at(days_ago: int, hour: int) -> datetime:
    """A local hour of some days ago."""
    day = local_day(system_clock()) - timedelta(days=days_ago)
    return datetime.combine(day, time(hour, 30), LOCAL_ZONE)


def given() -> Iterator[tuple[datetime, dict[str, int]]]:
    """Ten good days, then three at which the clerks of the morning displease."""
    for days_ago in range(13, 3, -1):
        for number in range(20):
            levels = dict.fromkeys(ITEMS, 2 if number == 0 else 5)
            yield (
                at(days_ago, 9 if number % 2 else 14),
                {"overall": 2 if number < 2 else 5} | levels,
            )
    for days_ago in (3, 2, 1):
        for number in range(20):
            bad = number % 2 == 1
            levels = dict.fromkeys(ITEMS, 5) | {"civil_servants": 1 if bad else 5}
            yield at(days_ago, 9 if bad else 14), {"overall": 1 if bad else 5} | levels


def an_alert(scope: str = SCOPE, **changes: Any) -> Alert:
    """It fired yesterday; the fall had begun two days before."""
    fired_at = at(1, 12)
    evidence = Evidence(window="7d", as_of=fired_at, current=FIGURE, previous=FIGURE)
    told = Moment(at=fired_at, state=AlertState.FIRING, told=(SCOPE, "commune:00004"))
    opened = open_alert(RULE, scope, 1, evidence, fired_at)
    return replace(opened, **{"began_at": at(3, 8), "history": (told,), **changes})


async def put(database: Database, alert: Alert) -> str:
    await database[ALERTS].insert_one(to_document(alert, RULE))
    return alert.id


async def write_comment(database: Database, comment: str, level: int, moment: datetime) -> None:
    fields = response(comment=comment, answers={"overall": level})
    await database[RESPONSES].insert_one({**fields, "_id": uuid7(), "occurred_at": moment})


@pytest_asyncio.fixture
async def here(servers: Servers, database: Database) -> AsyncIterator[World]:
    async with world(servers, database) as running:
        await count(database, answers(given()), system_clock())
        yield running


async def detail_of(client: httpx.AsyncClient, key: str) -> dict[str, Any]:
    got = await client.get(f"/v1/desk/alerts/{quote(key)}")
    assert got.status_code == 200, got.text
    found: dict[str, Any] = got.json()
    return found


async def test_the_figures_say_what_fell_when_and_where(here: World) -> None:
    key = await put(here.database, an_alert())
    async with here.browser() as client:
        await sign_in(client, "officer")
        found = await detail_of(client, key)
        page = (await client.get(f"/desk/alerts/{quote(key)}")).text
        english = (await client.get(f"/desk/alerts/{quote(key)}?lang=en")).text
    began = local_day(at(3, 8))
    assert found["since"]["first"] == began.isoformat()
    assert found["before"]["last"] == (began - timedelta(days=1)).isoformat()
    assert [(one["figure"]["n"], one["figure"]["index"]) for one in found["days"]] == [
        *[(20, 90.0)] * 10,
        *[(20, 50.0)] * 3,
    ]
    items = {one["item"]: one for one in found["items"]}
    assert list(items) == ["overall", *ITEMS]
    clerks = items["civil_servants"]
    assert (clerks["since"]["n"], clerks["since"]["index"]) == (60, 50.0)
    assert (clerks["before"]["n"], clerks["before"]["index"]) == (200, 95.0)
    assert [name for name, one in items.items() if one["stands_out"]] == ["civil_servants"]
    assert [(h["hour"], h["figure"]["n"], h["stands_out"]) for h in found["hours"]] == [
        (9, 30, True),
        (14, 30, False),
    ]
    for heading in (
        "Cảnh báo",
        "Tỷ lệ hài lòng theo ngày",
        "Từng câu hỏi",
        "Giờ trong ngày",
        "Ý kiến của người không hài lòng",
        "Diễn biến",
    ):
        assert f">{heading}</h2>" in page, heading
    assert "Công chức giải quyết công việc – <strong>nổi bật</strong>" in page
    assert "9:00–9:59 – <strong>nổi bật</strong>" in page
    assert "14:00–14:59</th>" in page
    assert f"Bắt đầu giảm: {began:%d/%m/%Y}" in page
    assert f"Báo động. Đã báo cho: Đơn vị {UNIT}, Đơn vị 00004" in " ".join(page.split())
    assert page.count('class="point"') == 13
    assert "The civil servants who handled it – <strong>stands out</strong>" in english
    assert "<script" not in page
    assert "style=" not in page


async def test_comments_are_of_dissatisfied_answers_since_the_fall_and_the_look_is_noted(
    here: World,
) -> None:
    for comment, level, moment in (
        ("chờ rất lâu", 1, at(2, 9)),
        ("nhân viên <b>cáu gắt</b>", 2, at(1, 9)),
        ("cảm ơn", 5, at(1, 9)),
        ("chuyện cũ", 1, at(9, 9)),
    ):
        await write_comment(here.database, comment, level, moment)
    key = await put(here.database, an_alert())
    async with here.browser() as client:
        await sign_in(client, "analyst")
        found = await detail_of(client, key)
        page = (await client.get(f"/desk/alerts/{quote(key)}")).text
    written = [one["comment"] for one in found["comments"]]
    assert written == ["nhân viên <b>cáu gắt</b>", "chờ rất lâu"]
    assert "chờ rất lâu" in page
    assert "&lt;b&gt;cáu gắt" in page
    assert "cảm ơn" not in page
    looks = [e for e in await audit.entries(here.database, None, 9) if e.action == "comments.look"]
    assert [(e.actor.name, e.about, e.details) for e in looks] == [
        ("analyst", SCOPE, {"number": "2"})
    ] * 2


async def test_whoever_may_not_read_comments_sees_the_rest(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write_comment(here.database, "chờ rất lâu", 1, at(2, 9))
    key = await put(here.database, an_alert())
    less = {role: may - {Permission.COMMENTS} for role, may in ALLOWED.items()}
    monkeypatch.setattr(detail, "ALLOWED", less)
    async with here.browser() as client:
        await sign_in(client, "officer")
        found = await detail_of(client, key)
        page = (await client.get(f"/desk/alerts/{quote(key)}")).text
    assert found["comments"] is None
    assert len(found["items"]) == 4
    assert "chờ rất lâu" not in page
    assert "Ý kiến của người" not in page
    entries = await audit.entries(here.database, None, 9)
    assert "comments.look" not in {entry.action for entry in entries}


@pytest.mark.parametrize(
    ("who", "status"),
    [("officer", 200), ("analyst", 200), ("supervisor", 200), ("operator", 403), ("outsider", 404)],
)
async def test_an_alert_is_seen_within_the_scope_and_nowhere_else(
    here: World, who: str, status: int
) -> None:
    key = await put(here.database, an_alert())
    beside = await put(here.database, an_alert(f"unit:{OTHER_UNIT}"))
    pending = await put(
        here.database, an_alert("commune:00004", state=AlertState.PENDING, id="pending")
    )
    async with here.browser() as client:
        await sign_in(client, who)
        for prefix in ("/desk/alerts/", "/v1/desk/alerts/"):
            got = await client.get(prefix + quote(key))
            assert got.status_code == status, got.text
            assert got.headers["cache-control"] == "no-store"
            assert (await client.get(prefix + quote(pending))).status_code in {403, 404}
        if who == "officer":
            assert (await client.get(f"/desk/alerts/{quote(beside)}")).status_code == 404
        if status == 200:
            page = (await client.get(f"/desk/alerts/{quote(key)}")).text
            assert ("<button" in page) is (who == "officer"), "who may not answer is not offered to"


async def test_what_is_overdue_is_said_in_words_on_the_list_and_on_the_page(here: World) -> None:
    late = await put(here.database, an_alert(answer_due=system_clock() - timedelta(hours=1)))
    words = "Quá hạn: đơn vị chưa phản hồi"
    async with here.browser() as client:
        await sign_in(client, "officer")
        assert words in (await client.get("/desk")).text
        assert words in (await client.get(f"/desk/alerts/{quote(late)}")).text
        assert (await detail_of(client, late))["overdue"] is True
        due = {"answer_due": (system_clock() + timedelta(hours=1)).isoformat()}
        changes = {f"event.{name}": value for name, value in due.items()}
        await here.database[ALERTS].update_one({"_id": late}, {"$set": changes})
        assert words not in (await client.get("/desk")).text
        assert words not in (await client.get(f"/desk/alerts/{quote(late)}")).text


async def test_history_and_answers_stand_in_the_order_of_time(here: World) -> None:
    planned = AgencyReplied(
        id=uuid7(),
        alert="x",
        agency="commune:00004",
        kind=ReplyKind.PLAN,
        text="Mở thêm một quầy",
        due=local_day(at(0, 12)),
        replied_at=at(1, 13),
    )
    fired, up, over = (
        Moment(at=at(2, 9), state=AlertState.FIRING, told=(SCOPE,)),
        Moment(at=at(1, 9), state=AlertState.FIRING, escalated=1, told=("commune:00004",)),
        Moment(at=at(1, 20), state=AlertState.RESOLVED, escalated=1),
    )
    key = await put(
        here.database,
        an_alert(
            state=AlertState.RESOLVED,
            handling=Handling.PLANNED,
            history=(fired, up, over),
            replies=(planned,),
            plan_due=planned.due,
            escalated=1,
        ),
    )
    async with here.browser() as client:
        await sign_in(client, "officer")
        page = " ".join((await client.get(f"/desk/alerts/{quote(key)}")).text.split())
        found = await detail_of(client, key)
    told = [
        "· Báo động. Đã báo cho: Đơn vị",
        "Chưa có phản hồi, chuyển lên cấp trên. Đã báo cho: Đơn vị 00004",
        "Mở thêm một quầy",
        "· Phục hồi",
    ]
    places = [page.index(text) for text in told]
    assert places == sorted(places)
    assert found["since"]["last"] == local_day(at(1, 20)).isoformat(), "the trouble was over then"
    assert f"Phục hồi: {local_day(at(1, 20)):%d/%m/%Y}" in page, "a mark on the chart"


async def test_an_alert_without_answers_or_past_has_a_page(here: World) -> None:
    key = await put(here.database, an_alert("commune:00004", history=()))
    other = await put(here.database, an_alert(f"unit:{OTHER_UNIT}", began_at=at(0, 0)))
    async with here.browser() as client:
        await sign_in(client, "supervisor")
        found = await detail_of(client, key)
        assert found["hours"] == [], "offices alone have them"
        assert len(found["days"]) == 13
        empty = await detail_of(client, other)
        assert (empty["days"], empty["items"], empty["comments"]) == ([], [], [])
        page = await client.get(f"/desk/alerts/{quote(other)}")
        assert page.text.count("Chưa có dữ liệu.") == 3
