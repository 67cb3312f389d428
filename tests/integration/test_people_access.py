"""Every route of the gateway × everybody, and what is done only within one's own scope."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from uuid_utils.compat import uuid7

from schemas.collections import RESPONSES
from services.gateway import audit
from services.gateway.audit import Entry
from services.gateway.people import guard
from services.gateway.people.access import ALLOWED, Permission
from services.gateway.people.guard import Open, UndeclaredRouteError
from services.runtime.clock import system_clock
from services.runtime.database import Database
from tests.builders import OTHER_UNIT, UNIT, response
from tests.people import IN_SCOPE, PASSWORD, SCOPES, World, sign_in, world
from tests.servers import Servers

WHO = ("nobody", "officer", "analyst", "supervisor", "operator", "administrator", "outsider")


class Case(NamedTuple):
    """What everybody is answered, in the order of WHO; how the route is asked."""

    answers: tuple[int, ...]
    path: str
    body: Mapping[str, Any] = MappingProxyType({})


def everybody(status: int, path: str, **body: Any) -> Case:
    return Case((status,) * len(WHO), path, body)


def expected(who: str) -> dict[tuple[str, str], Case]:
    """The whole table, with requests that one of WHO can send. Sign-out comes last."""
    now = system_clock().isoformat()
    answer = response(
        occurred_at=now,
        device="web",
        channel="web",
        instrument="open",
        answers={"open_overall": 5},
    )
    contact = "/v1/contacts/019aa000-0000-7000-8000-000000000001"
    case = "cases/019aa000-0000-7000-8000-000000000001"
    step = {"kind": "taken"}
    appeal = {"response": "019aa000-0000-7000-8000-000000000001", "reason": "Nhầm nơi"}
    decision = {"verdict": "upheld", "words": "Đúng là nhầm nơi"}
    enrolment = {"code": "0" * 16, "public_key": "A" * 43}
    reply = {"id": response()["id"], "alert": "no-such-alert", "kind": "acknowledged"}
    look = {"suspicion": "no-such-suspicion", "outcome": "harmless", "why": "Đã xem"}
    person = {"id": f"new-{who}", "name": "Mới", "role": "operator", "password": PASSWORD}
    return {
        ("GET", "/"): everybody(200, "/"),
        ("GET", "/kiosk/{unit}"): everybody(200, f"/kiosk/{UNIT}"),
        ("GET", "/rate/{unit}"): everybody(200, f"/rate/{UNIT}"),
        ("GET", "/rate/{unit}/{stage}"): everybody(200, f"/rate/{UNIT}/result"),
        ("GET", "/v1/indices"): everybody(200, "/v1/indices"),
        ("GET", "/v1/indices/{scope}"): everybody(200, f"/v1/indices/{IN_SCOPE}"),
        ("GET", "/v1/alerts"): everybody(200, "/v1/alerts"),
        ("GET", "/v1/commendations"): everybody(200, "/v1/commendations"),
        ("GET", "/commendations"): everybody(200, "/commendations"),
        ("GET", "/commendations/{quarter}"): everybody(200, "/commendations/2026-Q1"),
        ("GET", "/v1/commendations/drafts"): Case(
            (401, 200, 200, 200, 200, 200, 200), "/v1/commendations/drafts"
        ),
        # No quarter is a draft for ever: this one is known by where it is asked for.
        ("GET", "/desk/commendations/{quarter}"): Case(
            (303, 404, 404, 404, 404, 404, 404), "/desk/commendations/2026-Q1"
        ),
        ("GET", "/v1/live"): everybody(200, "/v1/live"),
        ("POST", "/v1/feedback"): everybody(202, "/v1/feedback", json=answer),
        # What these take is checked by what it is, whoever is signed in: see test_devices.py.
        ("POST", "/v1/feedback/batch"): everybody(401, "/v1/feedback/batch", json=[answer]),
        ("POST", "/v1/heartbeats"): everybody(401, "/v1/heartbeats", json={}),
        ("POST", "/v1/devices"): everybody(403, "/v1/devices", json=enrolment),
        ("GET", "/v1/contact-consent"): everybody(200, "/v1/contact-consent"),
        ("POST", "/v1/contacts"): everybody(503, "/v1/contacts", json={}),
        ("DELETE", "/v1/contacts/{contact}"): everybody(401, contact),
        ("*", "/static"): everybody(200, "/static/people.css"),
        ("GET", "/sign-in"): everybody(200, "/sign-in"),
        ("POST", "/sign-in"): everybody(401, "/sign-in", data={"name": f"x{who}", "password": "x"}),
        ("GET", "/sign-in/oidc"): everybody(503, "/sign-in/oidc"),
        ("GET", "/sign-in/oidc/back"): everybody(403, "/sign-in/oidc/back"),
        ("GET", "/v1/me"): Case((401, 200, 200, 200, 200, 200, 200), "/v1/me"),
        ("GET", "/me"): Case((303, 200, 200, 200, 200, 200, 200), "/me"),
        ("GET", "/me/password"): Case((303, 200, 200, 200, 200, 200, 200), "/me/password"),
        # The empty password is too short: whoever may, gets that far.
        ("POST", "/me/password"): Case((303, 422, 422, 422, 422, 422, 422), "/me/password"),
        ("GET", "/v1/comments"): Case(
            (401, 200, 200, 200, 403, 403, 403), f"/v1/comments?scope={IN_SCOPE}"
        ),
        ("GET", "/v1/audit"): Case((401, 403, 403, 200, 403, 200, 403), "/v1/audit"),
        ("GET", "/v1/accounts"): Case((401, 403, 403, 200, 403, 200, 403), "/v1/accounts"),
        ("POST", "/v1/accounts"): Case(
            (401, 403, 403, 403, 403, 201, 403), "/v1/accounts", {"json": person}
        ),
        ("PATCH", "/v1/accounts/{id}"): Case(
            (401, 403, 403, 403, 403, 404, 403),
            "/v1/accounts/no-such-account",
            {"json": {"disabled": True}},
        ),
        ("GET", "/v1/desk"): Case(
            (401, 200, 200, 200, 403, 403, 403), f"/v1/desk?scope={IN_SCOPE}"
        ),
        ("GET", "/v1/desk/alerts/{id:path}"): Case(
            (401, 404, 404, 404, 403, 403, 404), "/v1/desk/alerts/no/such"
        ),
        ("GET", "/desk/alerts/{id:path}"): Case(
            (303, 404, 404, 404, 403, 403, 404), "/desk/alerts/no/such"
        ),
        ("POST", "/v1/replies"): Case(
            (401, 404, 403, 403, 403, 403, 404), "/v1/replies", {"json": reply}
        ),
        ("GET", "/desk"): Case((303, 200, 200, 200, 403, 403, 200), "/desk"),
        ("POST", "/desk"): Case((401, 404, 403, 403, 403, 403, 404), "/desk", {"data": reply}),
        ("GET", "/v1/suspicions"): Case(
            (401, 200, 200, 200, 403, 403, 403), f"/v1/suspicions?scope={IN_SCOPE}"
        ),
        ("POST", "/v1/suspicions"): Case(
            (401, 403, 404, 403, 403, 403, 403), "/v1/suspicions", {"json": look}
        ),
        ("GET", "/desk/suspicions"): Case((303, 200, 200, 200, 403, 403, 200), "/desk/suspicions"),
        ("POST", "/desk/suspicions"): Case(
            (401, 403, 404, 403, 403, 403, 403), "/desk/suspicions", {"data": look}
        ),
        # Of no case: who may deal with one is asked in test_cases.py.
        ("GET", "/v1/cases"): Case(
            (401, 200, 200, 200, 403, 403, 403), f"/v1/cases?scope={IN_SCOPE}"
        ),
        ("GET", "/v1/cases/{case}"): Case((401, 404, 404, 404, 403, 403, 404), f"/v1/{case}"),
        ("POST", "/v1/cases/{case}/steps"): Case(
            (401, 404, 403, 403, 403, 403, 404), f"/v1/{case}/steps", {"json": step}
        ),
        ("POST", "/v1/cases/{case}/contact"): Case(
            (401, 404, 403, 403, 403, 403, 404), f"/v1/{case}/contact"
        ),
        ("GET", "/desk/cases"): Case((303, 200, 200, 200, 403, 403, 200), "/desk/cases"),
        ("GET", "/desk/cases/{case}"): Case((303, 404, 404, 404, 403, 403, 404), f"/desk/{case}"),
        ("POST", "/desk/cases/{case}"): Case(
            (401, 404, 403, 403, 403, 403, 404), f"/desk/{case}", {"data": step}
        ),
        ("POST", "/desk/cases/{case}/contact"): Case(
            (401, 404, 403, 403, 403, 403, 404), f"/desk/{case}/contact"
        ),
        ("GET", "/v1/appeals"): Case(
            (401, 200, 200, 200, 403, 403, 403), f"/v1/appeals?scope={IN_SCOPE}"
        ),
        ("POST", "/v1/appeals"): Case(
            (401, 404, 403, 403, 403, 403, 404), "/v1/appeals", {"json": appeal}
        ),
        ("POST", "/v1/appeals/{response}/decision"): Case(
            (401, 404, 403, 403, 403, 403, 404),
            f"/v1/appeals/{appeal['response']}/decision",
            {"json": decision},
        ),
        ("GET", "/desk/appeals"): Case((303, 200, 200, 200, 403, 403, 200), "/desk/appeals"),
        ("POST", "/desk/appeals"): Case(
            (401, 404, 403, 403, 403, 403, 404), "/desk/appeals", {"data": appeal}
        ),
        ("POST", "/desk/appeals/{response}"): Case(
            (401, 404, 403, 403, 403, 403, 404),
            f"/desk/appeals/{appeal['response']}",
            {"data": decision},
        ),
        # Whoever has the secret may: see test_cases.py.
        ("GET", "/case"): everybody(200, "/case"),
        ("GET", "/v1/case"): everybody(401, "/v1/case"),
        ("POST", "/v1/case"): everybody(401, "/v1/case", json=step),
        ("DELETE", "/v1/case/contact"): everybody(401, "/v1/case/contact"),
        ("POST", "/sign-out"): everybody(303, "/sign-out"),
    }


async def _status(client: httpx.AsyncClient, method: str, case: Case) -> int:
    """Of an answer whose body may never end."""
    verb = "GET" if method == "*" else method
    async with client.stream(verb, case.path, **case.body) as got:
        return got.status_code


async def test_every_route_and_everybody(servers: Servers, database: Database) -> None:
    wrong: list[str] = []
    async with world(
        servers, database, oidc_issuer="http://127.0.0.1:9", oidc_client_id="langnghe"
    ) as gateway:
        assert set(guard.routes_of(gateway.app)) == set(expected(""))
        for place, who in enumerate(WHO):
            async with gateway.browser() as client:
                if who != "nobody":
                    assert (await sign_in(client, who)).status_code == 303
                for (method, route), case in expected(who).items():
                    got = await _status(client, method, case)
                    if got != case.answers[place]:
                        wrong.append(f"{who} {method} {route}: {got}, not {case.answers[place]}")
        asked = {
            declared.name for access in guard.routes_of(gateway.app).values() for declared in access
        }
    assert wrong == []
    assert asked == {"public", "intake", *Permission}
    assert set().union(*ALLOWED.values()) == set(Permission)


def test_a_route_that_says_not_who_may_use_it_stops_the_gateway() -> None:
    routes = APIRouter(prefix="/v1")

    @routes.get("/secrets")
    async def secrets() -> None: ...

    @routes.get("/twice", dependencies=[guard.PUBLIC, guard.INTAKE])
    async def twice() -> None: ...

    app = FastAPI(docs_url=None, redoc_url=None)
    app.include_router(routes)
    with pytest.raises(UndeclaredRouteError) as told:
        guard.check(app, ["/openapi.json", "/gone"])
    assert "who may use /gone, GET /v1/secrets, GET /v1/twice?" in str(told.value)
    with pytest.raises(UndeclaredRouteError, match=r"GET /openapi\.json"):
        guard.check(FastAPI(docs_url=None, redoc_url=None), [])
    assert all(isinstance(marker.dependency, Open) for marker in (guard.PUBLIC, guard.INTAKE))


async def _store(database: Database, unit: str, minutes: int, **changes: Any) -> UUID:
    """A response as ingest keeps it, some minutes old."""
    key = uuid7()
    fields = response(unit=unit, **changes)
    occurred_at = system_clock() - timedelta(minutes=minutes)
    await database[RESPONSES].insert_one({**fields, "_id": key, "occurred_at": occurred_at})
    return key


async def _page(client: httpx.AsyncClient, **query: Any) -> tuple[list[str], str | None]:
    got = await client.get("/v1/comments", params=query)
    assert got.status_code == 200, got.text
    assert got.headers["cache-control"] == "no-store"
    found = got.json()
    return [comment["comment"] for comment in found["comments"]], found["next"]


async def _trail(database: Database, action: str) -> list[Entry]:
    return [e for e in await audit.entries(database, None, 1000) if e.action == action]


@pytest.fixture
def anyone(servers: Servers, database: Database) -> Any:
    """Opens a world, and browsers in it that are signed in."""

    async def opened(stack: AsyncExitStack, *names: str) -> list[httpx.AsyncClient]:
        gateway: World = await stack.enter_async_context(world(servers, database))
        clients: list[httpx.AsyncClient] = []
        for name in names:
            client = await stack.enter_async_context(gateway.browser())
            assert (await sign_in(client, name)).status_code == 303
            clients.append(client)
        return clients

    return opened


async def test_comments_are_read_by_page_within_the_scope_and_looks_are_noted(
    anyone: Any, database: Database
) -> None:
    for number in range(5):
        await _store(database, UNIT, number, comment=f"ý kiến {number}")
    await _store(database, UNIT, 1)
    await _store(database, UNIT, 60 * 24 * 10, comment="mười ngày trước")
    await _store(database, OTHER_UNIT, 2, comment="nơi khác")
    async with AsyncExitStack() as stack:
        officer, supervisor, outsider = await anyone(stack, "officer", "supervisor", "outsider")
        first, after = await _page(officer, scope="commune:00004", days=3, limit=3)
        assert first == ["ý kiến 0", "ý kiến 1", "ý kiến 2"]
        second, end = await _page(officer, scope="commune:00004", days=3, limit=3, after=after)
        assert (second, end) == (["ý kiến 3", "ý kiến 4"], None)
        entries = await _trail(database, "comments.look")
        assert [(e.actor.name, e.about, e.details) for e in entries] == [
            ("officer", "commune:00004", {"number": "2"}),
            ("officer", "commune:00004", {"number": "3"}),
        ]
        everything, _ = await _page(supervisor, scope="country")
        assert len(everything) == 7
        assert await _page(outsider, scope=f"unit:{OTHER_UNIT}") == (["nơi khác"], None)

        for client, scope, status in [
            (officer, "province:01", 403),
            (officer, "country", 403),
            (officer, "unit:000.00.21.H26", 403),
            (supervisor, "unit:000.99.99.H26", 404),
            (supervisor, "field:ho-tich", 422),
        ]:
            got = await client.get("/v1/comments", params={"scope": scope})
            assert got.status_code == status, scope
            assert got.json()["title_vi"]
        got = await supervisor.get("/v1/comments", params={"scope": "country", "after": "1.x"})
        assert (got.status_code, got.json()["errors"][0]["field"]) == (422, "after")
        # Whoever was turned away has not looked.
        assert len(await _trail(database, "comments.look")) == 4


async def test_comments_of_the_same_moment_are_each_on_one_page(
    anyone: Any, database: Database
) -> None:
    moment = system_clock()
    await database[RESPONSES].insert_many(
        [{**response(comment=f"{n}"), "_id": uuid7(), "occurred_at": moment} for n in range(5)]
    )
    async with AsyncExitStack() as stack:
        (analyst,) = await anyone(stack, "analyst")
        seen: list[str] = []
        after: str | None = None
        for _ in range(5):
            query = {"scope": "province:01", "limit": 1, **({"after": after} if after else {})}
            found, after = await _page(analyst, **query)
            seen += found
        assert (sorted(seen), after) == (["0", "1", "2", "3", "4"], None)


async def test_the_trail_is_read_by_page(anyone: Any, database: Database) -> None:
    async with AsyncExitStack() as stack:
        (supervisor,) = await anyone(stack, "supervisor")
        numbers: list[int] = []
        before: int | None = None
        for _ in range(20):
            query = {"limit": 3, **({"before": before} if before else {})}
            got = (await supervisor.get("/v1/audit", params=query)).json()
            numbers += [entry["number"] for entry in got["entries"]]
            before = got["next"]
            if before is None:
                break
        # Six accounts and one sign-in came before the first look.
        assert numbers == [7, 6, 5, 4, 3, 2, 1]
        looks = await _trail(database, "audit.look")
        assert {(e.actor.name, e.actor.role) for e in looks} == {("supervisor", "supervisor")}
        assert len(looks) == 3


async def test_me_says_who_and_what(anyone: Any) -> None:
    async with AsyncExitStack() as stack:
        (officer,) = await anyone(stack, "officer")
        assert (await officer.get("/v1/me")).json() == {
            "id": "officer",
            "name": "Trần An",
            "role": "officer",
            "scope": SCOPES["officer"][1],
            "scope_name": {"vi": "Đơn vị 00004", "en": "Unit 00004"},
            "permissions": [
                "own",
                "comments",
                "alerts.read",
                "alerts.write",
                "suspicions.read",
                "cases.read",
                "cases.write",
                "appeals.read",
                "appeals.write",
            ],
        }
        page = await officer.get("/me")
        assert "Cán bộ cơ quan" in page.text
        assert "Agency officer" in (await officer.get("/me?lang=en")).text
        assert "script" not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
