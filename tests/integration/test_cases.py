"""Cases over real HTTP and MongoDB: who holds them answers, and the citizen alone closes them."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest_asyncio
from pydantic import SecretStr
from uuid_utils.compat import uuid7

from method.cases import CaseState, StepKind, deadlines
from schemas.collections import REGISTRY, RESPONSES, WORKLOADS
from schemas.registry import Registry
from services.gateway import audit
from services.gateway.cases import store
from services.gateway.cases.figures import Waiting
from services.gateway.cases.store import CASES, STEPS
from services.gateway.cases.views import Cabinet
from services.gateway.contacts.asking import EXAMPLE
from services.gateway.contacts.store import CONTACTS
from services.gateway.people.access import Role
from services.gateway.people.guard import routes_of
from services.gateway.published.reading import Reader
from services.runtime import metrics
from services.runtime.cached import Cached
from services.runtime.clock import system_clock
from services.runtime.database import Database
from tests.builders import OTHER_UNIT, UNIT, response
from tests.people import World, add_account, sign_in, world
from tests.servers import Servers, eventually, taking_only

OFFICE, COMMUNE, PROVINCE = f"unit:{UNIT}", "commune:00004", "province:01"
KEY = SecretStr(base64.b64encode(bytes(32)).decode())
DONE = {"kind": "answered", "text": "Đã kê thêm ghế, gọi anh Ba 0912345678"}


@pytest_asyncio.fixture
async def here(servers: Servers, database: Database) -> AsyncIterator[World]:
    async with world(servers, database, contact_key=KEY, contacts_per_hour=1000) as running:
        for name, scope in (("clerk", OFFICE), ("chief", PROVINCE), ("country", "country")):
            role = Role.ANALYST if scope == "country" else Role.OFFICER
            await add_account(database, name, role, scope)
        yield running


async def opinion(database: Database, unit: str = UNIT, comment: str = "Chờ lâu") -> UUID:
    """A response as ingest keeps it; its id."""
    key = uuid7()
    fields = response(unit=unit, comment=comment, answers={"overall": 2})
    moment = system_clock()
    await database[RESPONSES].insert_one({**fields, "_id": key, "occurred_at": moment})
    return key


async def asked(here: World, about: UUID) -> str:
    """A citizen asks to be called back about a response; the secret of their case."""
    async with here.browser() as client:
        got = await client.post("/v1/contacts", json=EXAMPLE | {"response": str(about)})
    assert got.status_code == 201, got.text
    secret: str = got.json()["case_secret"]
    return secret


async def opened(here: World, unit: str = UNIT) -> tuple[str, str]:
    """A case that has come to its office: its id and the citizen's secret."""
    secret = await asked(here, await opinion(here.database, unit))

    async def arrived() -> bool:
        case = await store.find(here.database, store.by_secret(secret))
        return case is not None and case.unit == unit

    await eventually(arrived, "the case comes to its office")
    case = await store.find(here.database, store.by_secret(secret))
    assert case is not None
    return str(case.id), secret


async def days_pass(database: Database, days: int) -> None:
    """Let everything about cases have happened so many days earlier."""

    def earlier(field: str) -> dict[str, Any]:
        amount = {"startDate": f"${field}", "unit": "day", "amount": days}
        return {"$set": {field: {"$dateSubtract": amount}}}

    await database[CASES].update_many({}, [earlier("opened_at")])
    await database[CASES].update_many({"last": {"$ne": None}}, [earlier("last.at")])
    await database[STEPS].update_many({}, [earlier("at")])


async def own(client: httpx.AsyncClient, secret: str, **body: Any) -> httpx.Response:
    """What the citizen does, or sees if they do nothing."""
    bearer = {"authorization": f"Bearer {secret}"}
    if body:
        return await client.post("/v1/case", json=body, headers=bearer)
    return await client.get("/v1/case", headers=bearer)


async def act(client: httpx.AsyncClient, case: str, **body: Any) -> httpx.Response:
    return await client.post(f"/v1/cases/{case}/steps", json=body)


async def listed(client: httpx.AsyncClient, scope: str) -> list[tuple[str, str, bool]]:
    """Unit, holder, and whether it is late, of each case in order."""
    got = await client.get("/v1/cases", params={"scope": scope})
    assert got.status_code == 200, got.text
    return [(c["unit"], c["holder"], c["late_since"] is not None) for c in got.json()["cases"]]


async def test_a_case_opens_with_its_contact_and_comes_to_the_office_with_the_answer(
    here: World,
) -> None:
    about = uuid7()
    secret = await asked(here, about)
    assert await here.database[CONTACTS].count_documents({}) == 1
    document = await here.database[CASES].find_one({})
    assert document is not None
    assert secret not in str(document), "only the hash is kept"
    assert document["expires_at"], "it goes, if there never is such a response"
    async with here.browser() as client:
        seen = (await own(client, secret)).json()
        assert (seen["state"], seen["office"], seen["allowed"]) == ("open", None, [])
        await sign_in(client, "clerk")
        assert await listed(client, OFFICE) == []
        assert (await client.get(f"/v1/cases/{document['_id']}")).status_code == 404
        await here.database[RESPONSES].insert_one(
            {**response(), "_id": about, "occurred_at": system_clock()}
        )

        async def arrived() -> bool:
            return await listed(client, OFFICE) == [(UNIT, OFFICE, False)]

        await eventually(arrived, "the case comes to its office")
        assert (await own(client, secret)).json()["office"]["vi"] == f"Đơn vị {UNIT}"
    stored = await here.database[CASES].find_one({})
    assert stored is not None
    assert "expires_at" not in stored


async def test_a_contact_that_is_not_kept_opens_no_case(servers: Servers, here: World) -> None:
    nothing = {"_id": {"$exists": False}}
    async with here.browser() as client:
        with taking_only(servers.mongo_url, "gateway.contact_keys", nothing):
            got = await client.post("/v1/contacts", json=EXAMPLE)
    assert got.status_code == 503
    assert await here.database[CASES].count_documents({}) == 0


async def test_everybody_sees_the_cases_of_their_own_part(here: World) -> None:
    case, _ = await opened(here)
    await opened(here, OTHER_UNIT)
    for who, scope, units in (
        ("clerk", OFFICE, [UNIT]),
        ("officer", COMMUNE, [UNIT]),
        ("outsider", f"unit:{OTHER_UNIT}", [OTHER_UNIT]),
        ("chief", PROVINCE, [UNIT, OTHER_UNIT]),
        ("country", "country", [UNIT, OTHER_UNIT]),
        ("supervisor", "country", [UNIT, OTHER_UNIT]),
    ):
        async with here.browser() as client:
            await sign_in(client, who)
            assert [unit for unit, *_ in await listed(client, scope)] == units, who
            beyond = await client.get("/v1/cases", params={"scope": "ministry:G09"})
            assert beyond.status_code == (200 if scope == "country" else 403), who
            one = await client.get(f"/v1/cases/{case}")
            assert one.status_code == (404 if who == "outsider" else 200), who
            page = (await client.get("/desk/cases?lang=en")).text
            assert [f"Unit {unit}" in page for unit in (UNIT, OTHER_UNIT)] == [
                unit in units for unit in (UNIT, OTHER_UNIT)
            ]
            if who in ("supervisor", "country"):
                assert "<form" not in (await client.get(f"/desk/cases/{case}")).text, who


async def test_from_the_office_to_the_citizen_and_up_until_they_are_satisfied(here: World) -> None:
    case, secret = await opened(here)
    async with here.browser() as clerk, here.browser() as officer, here.browser() as citizen:
        await sign_in(clerk, "clerk")
        await sign_in(officer, "officer")
        assert (await act(clerk, case, kind="taken")).status_code == 201
        got = await act(clerk, case, **DONE)
        assert got.status_code == 201, got.text
        assert got.json()["state"] == "answered"
        seen = (await own(citizen, secret)).json()
        assert (seen["state"], seen["allowed"]) == ("answered", ["confirmed", "reopened"])
        assert [(s["kind"], (s["by"] or {}).get("vi"), s["text"]) for s in seen["steps"]] == [
            ("taken", f"Đơn vị {UNIT}", None),
            ("answered", f"Đơn vị {UNIT}", "Đã kê thêm ghế, gọi anh Ba [số]"),
        ]
        wrong = await own(citizen, secret, kind="reopened", text="Vẫn thiếu, gọi 0912345678")
        assert (wrong.status_code, wrong.json()["state"]) == (200, "reopened")
        assert wrong.json()["steps"][-1]["text"] == "Vẫn thiếu, gọi [số]"
        assert wrong.json()["holder"] == COMMUNE
        # It is no longer the office's to answer.
        refused = await act(clerk, case, **DONE)
        assert (refused.status_code, refused.json()["type"]) == (
            403,
            "urn:langnghe:problem:not-your-turn",
        )
        assert (await act(officer, case, kind="answered", text="Đã thay ghế")).status_code == 201
        confirmed = (await own(citizen, secret, kind="confirmed")).json()
        assert (confirmed["state"], confirmed["allowed"]) == ("confirmed", [])
        again = await own(citizen, secret, kind="reopened", text="x")
        assert (again.status_code, again.json()["errors"][0]["field"]) == (422, "kind")
    trail = await audit.entries(here.database, None, 100)
    steps = [entry for entry in trail if entry.action == "case.step"]
    written = [(entry.actor.name, entry.details) for entry in steps]
    assert written == [
        ("officer", {"kind": "answered"}),
        ("clerk", {"kind": "answered"}),
        ("clerk", {"kind": "taken"}),
    ]
    assert {entry.about for entry in steps} == {case}


async def test_a_step_that_breaks_a_rule_is_refused_by_its_field_and_leaves_nothing(
    here: World,
) -> None:
    case, secret = await opened(here)
    other, _ = await opened(here, OTHER_UNIT)
    async with here.browser() as client:
        await sign_in(client, "clerk")
        for target, body, status, field in (
            (case, {"kind": "answered"}, 422, "text"),
            (case, {"kind": "answered", "text": "  "}, 422, "text"),
            (case, {"kind": "answered", "text": "x" * 2001}, 422, "text"),
            (case, {"kind": "taken", "text": "x"}, 422, "text"),
            (case, {"kind": "confirmed"}, 422, "kind"),
            (case, {"kind": "reopened", "text": "x"}, 422, "kind"),
            (case, {"kind": "closed"}, 422, "kind"),
            (case, {}, 422, "kind"),
            (case, DONE | {"at": "2026-01-01T00:00:00Z"}, 422, "at"),
            (case, DONE | {"agency": PROVINCE}, 422, "agency"),
            (case, [DONE, DONE], 422, "request"),
            (other, DONE, 404, None),
            (str(uuid4()), DONE, 404, None),
        ):
            got = await client.post(f"/v1/cases/{target}/steps", json=body)
            assert got.status_code == status, (body, got.text)
            errors = [error["field"] for error in got.json().get("errors") or []]
            assert errors == ([field] if field else []), (body, got.text)
        form = await client.post(f"/desk/cases/{case}", data={"kind": "confirmed"})
        assert form.status_code == 422
        assert "Chưa ghi nhận" in form.text
        foreign = {"origin": "https://elsewhere.example"}
        sent = await client.post(f"/v1/cases/{case}/steps", json=DONE, headers=foreign)
        assert sent.status_code == 403
        for body, field in (
            ({"kind": "confirmed"}, "kind"),
            ({"kind": "answered", "text": "x"}, "kind"),
            ({"kind": "confirmed", "at": "2026-01-01T00:00:00Z"}, "at"),
        ):
            got = await own(client, secret, **body)
            assert (got.status_code, got.json()["errors"][0]["field"]) == (422, field)
        assert (await own(client, "x" * 43)).status_code == 404
        assert (await client.get("/v1/case")).status_code == 401
    assert await here.database[STEPS].count_documents({}) == 0
    trail = await audit.entries(here.database, None, 100)
    assert not [entry for entry in trail if entry.action == "case.step"]


async def test_of_two_answers_at_a_time_one_is_taken(here: World) -> None:
    case, _ = await opened(here)
    async with here.browser() as clerk, here.browser() as officer:
        await sign_in(clerk, "clerk")
        await sign_in(officer, "officer")
        answers = await asyncio.gather(
            *(act(client, case, **DONE) for client in (clerk, officer, clerk, officer))
        )
    # Who was late to an answer of somebody above finds the case with them.
    codes = [one.status_code for one in answers]
    assert codes.count(201) == 1
    assert set(codes) <= {201, 403, 422}
    assert await here.database[STEPS].count_documents({}) == 1


async def test_who_does_not_answer_loses_the_case_and_what_is_late_stands_first(
    here: World,
) -> None:
    days = deadlines()[-1].answer_days
    late, secret = await opened(here)
    await days_pass(here.database, days + 1)
    await opened(here)
    async with here.browser() as clerk, here.browser() as officer:
        await sign_in(clerk, "clerk")
        await sign_in(officer, "officer")
        assert await listed(clerk, OFFICE) == [(UNIT, COMMUNE, True), (UNIT, OFFICE, False)]
        about = (await clerk.get(f"/v1/cases/{late}")).json()
        assert about["answer"]["appeal"] is None
        appeal = {"response": about["response"], "reason": "Nhầm nơi"}
        assert (await clerk.post("/v1/appeals", json=appeal)).status_code == 201
        assert "kiến nghị xem lại, chờ kết luận" in (await clerk.get(f"/desk/cases/{late}")).text
        assert (await clerk.get("/desk/cases")).text.count("QUÁ HẠN") == 1
        assert (await act(clerk, late, **DONE)).status_code == 403
        assert "cơ quan khác" in (await clerk.get(f"/desk/cases/{late}")).text
        assert (await officer.get(f"/v1/cases/{late}")).json()["allowed"] == ["taken", "answered"]
        assert (await act(officer, late, **DONE)).status_code == 201
        # Answered, it is no longer late.
        assert await listed(clerk, OFFICE) == [(UNIT, OFFICE, False), (UNIT, COMMUNE, False)]
        await days_pass(here.database, deadlines()[-1].confirm_days + 1)
        seen = (await own(clerk, secret)).json()
        assert (seen["state"], seen["allowed"]) == (CaseState.EXPIRED, [])
        got = await own(clerk, secret, kind="confirmed")
        assert (got.status_code, got.json()["errors"][0]["field"]) == (422, "kind")
        assert "hết hạn" in (await officer.get(f"/desk/cases/{late}")).text
    document = await here.database[CASES].find_one({"_id": UUID(late)})
    assert document is not None
    assert document["last"]["kind"] == StepKind.ANSWERED, "that it expired, nothing writes"


async def test_only_who_holds_a_case_sees_the_contact_and_each_look_is_in_the_trail(
    here: World,
) -> None:
    case, secret = await opened(here)
    path = f"/v1/cases/{case}/contact"
    for who, status in (("outsider", 404), ("supervisor", 403), ("country", 403)):
        async with here.browser() as client:
            await sign_in(client, who)
            assert (await client.post(path)).status_code == status, who
    async with here.browser() as clerk:
        await sign_in(clerk, "clerk")
        page = (await clerk.get(f"/desk/cases/{case}")).text
        assert "+84912345678" not in page
        assert "số điện thoại" in page
        assert (await clerk.post(path)).json() == {"value": "+84912345678"}
        shown = await clerk.post(f"/desk/cases/{case}/contact")
        assert "+84912345678" in shown.text
        trail = await audit.entries(here.database, None, 100)
        looks = [entry for entry in trail if entry.action == "contact.look"]
        assert [(e.actor.name, e.details) for e in looks] == [
            ("clerk", {"why": "to answer the case", "case": case})
        ] * 2
        seen = [e for e in trail if (e.action, e.about) == ("case.look", case)]
        assert len(seen) == 2, "and each look at what was written"

        await act(clerk, case, **DONE)
        await own(clerk, secret, kind="confirmed")
        assert (await clerk.post(path)).status_code == 422, "nobody is to be called any more"
    async with here.browser() as officer:
        reopened, other = await opened(here)
        await sign_in(officer, "officer")
        erased = await officer.delete(
            "/v1/case/contact", headers={"authorization": f"Bearer {other}"}
        )
        assert erased.status_code == 204
        assert (await own(officer, other)).json()["contact"] is None
        one = (await officer.get(f"/v1/cases/{reopened}")).json()
        assert (one["contact"], one["may_look"], one["state"]) == (None, False, "open")
        assert (await officer.post(f"/v1/cases/{reopened}/contact")).status_code == 404
        assert (await act(officer, reopened, **DONE)).status_code == 201, "the case stays"
        again = await officer.delete(
            "/v1/case/contact", headers={"authorization": f"Bearer {other}"}
        )
        assert again.status_code == 404


async def test_contact_data_that_expired_is_gone_from_its_case(here: World) -> None:
    case, secret = await opened(here)
    past = system_clock() - timedelta(seconds=1)
    await here.database[CONTACTS].update_many({}, {"$set": {"expires_at": past}})
    async with here.browser() as client:
        await sign_in(client, "clerk")
        assert (await client.get(f"/v1/cases/{case}")).json()["contact"] is None
        assert (await client.post(f"/v1/cases/{case}/contact")).status_code == 404
        assert (await own(client, secret)).json()["contact"] is None


async def test_there_is_no_route_for_many_cases_and_none_that_takes_a_time(here: World) -> None:
    """Every write names one case, in its path or by its secret, and has no time in it."""
    writes = {
        (method, path)
        for method, path in routes_of(here.app)
        if re.search(r"\bcases?\b", path) and method != "GET"
    }
    assert writes == {
        ("POST", "/v1/cases/{case}/steps"),
        ("POST", "/v1/cases/{case}/contact"),
        ("POST", "/desk/cases/{case}"),
        ("POST", "/desk/cases/{case}/contact"),
        ("POST", "/v1/case"),
        ("DELETE", "/v1/case/contact"),
    }
    document = here.app.openapi()
    taken: list[dict[str, Any]] = []
    for method, path in writes:
        content = document["paths"].get(path, {}).get(method.lower(), {}).get("requestBody", {})
        for media in content.get("content", {}).values():
            name = media["schema"]["$ref"].rpartition("/")[2]
            taken.append(document["components"]["schemas"][name])
    assert len(taken) == 2
    for schema in taken:
        assert (schema["type"], set(schema["properties"])) == ("object", {"kind", "text"})
        assert schema["additionalProperties"] is False


async def test_cases_that_wait_are_measured_by_whether_they_are_late_and_by_age(
    here: World,
) -> None:
    await opened(here)
    await days_pass(here.database, 5)
    await opened(here)
    await days_pass(here.database, 8)
    case, _ = await opened(here)
    await opened(here)
    async with here.browser() as client:
        await sign_in(client, "clerk")
        await act(client, case, **DONE)
    registry = Cached(here.database, REGISTRY, Registry.of_documents)
    await registry.refresh()
    cabinet = Cabinet(registry, Reader(here.database, registry, system_clock), system_clock)
    await Waiting(here.database, cabinet).measure()
    found = {
        labels: metrics.CASES_WAITING.labels(*labels)._value.get()
        for labels in (("in_time", "week"), ("late", "week"), ("late", "month"), ("late", "older"))
    }
    assert found == {
        ("in_time", "week"): 1,
        ("late", "week"): 0,
        ("late", "month"): 2,
        ("late", "older"): 0,
    }

    async def workloads() -> set[tuple[str, int, int]]:
        kept = here.database[WORKLOADS].find({})
        return {(one["agency"], one["waiting"], one["late"]) async for one in kept}

    assert await workloads() == {(OFFICE, 1, 0), (COMMUNE, 1, 1), (PROVINCE, 1, 1)}
    await days_pass(here.database, 8)
    await Waiting(here.database, cabinet).measure()
    assert await workloads() == {(COMMUNE, 1, 1), (PROVINCE, 2, 2)}, "the office's turn is over"
