"""Whether a plan worked, on the page of its alert: one office against others of its kind."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio
from uuid_utils.compat import uuid7

from method.period import LOCAL_ZONE, local_day
from schemas.alert import AgencyReplied, AlertState, Handling, ReplyKind
from schemas.collections import ALERTS
from schemas.feedback import FeedbackAccepted
from schemas.history import Moment
from schemas.registry import EntryKind, Registry
from services.gateway.desk.effect import comparable
from services.gateway.registry.store import write
from services.notify.alerts.documents import to_document
from services.notify.alerts.lifecycle import Alert
from services.runtime.clock import system_clock
from services.runtime.database import Database
from tests.builders import UNIT, accepted, entry, small_registry
from tests.counted import count
from tests.integration.test_desk import RULE
from tests.integration.test_desk_detail import SCOPE, an_alert, detail_of
from tests.people import World, sign_in, world
from tests.servers import Servers

NEAR = [f"000.00.{number}.H26" for number in range(40, 52)]
FAR = [f"000.00.{number}.H49" for number in range(40, 45)]
PAST, LOW, LATER = 70, 50, 20
"""Days ago: before the trouble, after the alert, after the result."""


def at(days_ago: int) -> datetime:
    day = local_day(system_clock()) - timedelta(days=days_ago)
    return datetime.combine(day, time(9), LOCAL_ZONE)


def registry() -> list[Any]:
    units = [entry(EntryKind.UNIT, code, "commune:00004") for code in NEAR]
    units += [entry(EntryKind.UNIT, code, "commune:00005") for code in FAR]
    other = entry(EntryKind.PROVINCE, "02"), entry(EntryKind.COMMUNE, "00005", "province:02")
    return [*other, *units]


def office(unit: str, n: int, satisfied: dict[int, int]) -> list[FeedbackAccepted]:
    """So many answers on each of some days ago, so many of them satisfied."""
    return [
        accepted(
            0, 5 if number < good else 1, unit=unit, occurred_at=at(days), received_at=at(days)
        )
        for days, good in satisfied.items()
        for number in range(n)
    ]


def numbered(events: Sequence[FeedbackAccepted]) -> list[FeedbackAccepted]:
    """The same in one partition, one after another."""
    return [
        event.model_copy(update={"source": event.source.model_copy(update={"offset": offset})})
        for offset, event in enumerate(events)
    ]


@pytest_asyncio.fixture
async def here(servers: Servers, database: Database) -> AsyncIterator[World]:
    await write(database, registry())
    async with world(servers, database) as running:
        events = office(UNIT, 100, {PAST: 90, LOW: 55, LATER: 88})
        for code in (*NEAR, *FAR):
            events += office(code, 50, {PAST: 42, LOW: 43, LATER: 42})
        await count(database, numbered(events), system_clock())
        yield running


def done(result_on: datetime, **changes: Any) -> Alert:
    """An alert of sixty days ago, whose plan's result was reported."""
    began, fired = at(60), at(57)
    result = AgencyReplied(
        id=uuid7(),
        alert="x",
        agency=SCOPE,
        kind=ReplyKind.RESULT,
        text="Đã mở quầy thứ ba",
        replied_at=result_on,
    )
    values: dict[str, Any] = {
        "opened_at": fired,
        "began_at": began,
        "history": (Moment(at=fired, state=AlertState.FIRING),),
        "handling": Handling.DONE,
        "replies": (result,),
        **changes,
    }
    return replace(an_alert(), **values)


async def seen(here: World, alert: Alert) -> tuple[Any, str, str]:
    """The effect as JSON shows it, and the page in both languages."""
    await here.database[ALERTS].insert_one(to_document(alert, RULE))
    path = f"/desk/alerts/{quote(alert.id)}"
    async with here.browser() as client:
        await sign_in(client, "officer")
        found = (await detail_of(client, alert.id))["effect"]
        pages = [
            " ".join((await client.get(path + query)).text.split()) for query in ("", "?lang=en")
        ]
    return found, pages[0], pages[1]


async def test_a_plan_that_worked_is_said_to_have_and_how_sure_that_is(here: World) -> None:
    effect, page, english = await seen(here, done(at(30)))
    assert effect["days"] == 28
    helped, back = effect["helped"], effect["back"]
    assert (helped["before"]["index"], helped["after"]["index"]) == (55.0, 88.0)
    # 55 → 88 % here, 86 → 84 % at the others: 33 and 2 more.
    assert (helped["beyond"]["points"], helped["beyond"]["others"]) == (35.0, -2.0)
    assert helped["beyond"]["verdict"] == "better"
    assert 0 < helped["beyond"]["low"] < 35 < helped["beyond"]["high"]
    assert helped["beyond"]["offices"] == len(NEAR)
    assert (date.fromisoformat(helped["first"]) - local_day(at(57))).days == 1
    # 90 → 88 % here, 84 → 84 % at the others: chance could do that.
    assert (back["beyond"]["points"], back["beyond"]["verdict"]) == (-2.0, "open")
    assert date.fromisoformat(back["last"]) == local_day(at(61)), "none of the trouble's days"
    assert "<strong>Đã tốt hơn lúc đang báo động" in page
    assert "(+35,0 điểm phần trăm;" in page
    assert "<strong>Chưa thể nói còn khác trước khi giảm</strong> (−2,0 điểm" in page
    assert "đã trừ mức thay đổi của 12 cơ quan tương tự" in page
    assert "<strong>Better than during the alert" in english
    assert "Cannot say that it still differs from before the fall" in english


async def test_offices_under_an_alert_are_no_measure_and_the_country_steps_in(here: World) -> None:
    for number, code in enumerate(NEAR[:4]):
        other = done(at(30), id=f"other-{number}", scope=f"unit:{code}", replies=())
        await here.database[ALERTS].insert_one(to_document(other, RULE) | {"open": False})
    effect, _, _ = await seen(here, done(at(30)))
    assert effect["helped"]["beyond"]["offices"] == len(NEAR) - 4 + len(FAR)


async def test_before_there_is_enough_it_cannot_be_said(here: World) -> None:
    fresh, page, _ = await seen(here, done(at(0)))
    assert (fresh["days"], fresh["helped"], fresh["back"]) == (0, None, None)
    assert page.count("Chưa thể nói: ") == 2
    await here.database[ALERTS].delete_many({})
    # Nothing was answered since: days have passed, answers have not come.
    early, page, _ = await seen(here, done(at(4)))
    assert early["days"] == 3
    assert (early["back"]["after"]["n"], early["back"]["beyond"]) == (0, None)
    assert "<strong>Chưa thể nói</strong>: cần ít nhất 30 lượt" in page


async def test_without_a_result_nothing_is_measured(here: World) -> None:
    effect, page, _ = await seen(here, done(at(30), replies=(), handling=Handling.WAITING))
    assert effect is None
    assert "Biện pháp có hiệu quả" not in page


@pytest.mark.parametrize(
    ("within", "expected"), [("province:01", len(NEAR)), ("country", len(NEAR) + len(FAR))]
)
def test_comparable_are_those_of_one_kind_under_one_kind_of_agency(
    within: str, expected: int
) -> None:
    """OTHER_UNIT stands right under the province, so it is of another kind."""
    known = Registry([*small_registry(), *registry()])
    found = comparable(SCOPE, within, known, local_day(system_clock()))
    assert len(found) == expected
    assert SCOPE not in found
    assert comparable("unit:999.99.99.H99", within, known, local_day(system_clock())) == []
