"""Signing in with a password, sessions and their ends, and what other sites may not do."""

from datetime import timedelta
from typing import Any, Literal

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from pydantic import SecretStr

from services.gateway import audit
from services.gateway.people.access import Role
from services.gateway.people.accounts import ACCOUNTS, Change
from services.gateway.people.passwords import Passwords
from services.gateway.people.sessions import SESSIONS, Sessions, fingerprint
from services.gateway.people.signin import SignIn
from services.gateway.people.throttle import BY_ADDRESS, BY_NAME, Throttle
from services.runtime.clock import system_clock
from services.runtime.database import Database, Document, Session
from tests.builders import UNIT
from tests.people import (
    ACTOR,
    PASSWORD,
    QUICK,
    REGISTRY,
    accounts_of,
    add_account,
    sign_in,
    world,
)
from tests.servers import Servers

HOUR = timedelta(hours=1)


async def _actions(database: Database) -> list[tuple[str, str]]:
    """Newest first: what was done about whom."""
    return [(e.action, e.about) for e in await audit.entries(database, None, 100)]


async def _hash(database: Database, key: str) -> str:
    document = await database[ACCOUNTS].find_one({"_id": key})
    assert document is not None
    return str(document["hash"])


async def test_signing_in_and_out(servers: Servers, database: Database) -> None:
    async with world(servers, database) as gateway, gateway.browser() as client:
        page = await client.get("/sign-in")
        assert '<html lang="vi">' in page.text
        assert "Đăng nhập" in page.text
        assert "oidc" not in page.text
        assert "Sign in" in (await client.get("/sign-in?lang=en")).text

        got = await sign_in(client, " Officer ")
        assert (got.status_code, got.headers["location"]) == (303, "/me?lang=vi")
        cookie = got.headers["set-cookie"]
        assert cookie.startswith("langnghe=")
        assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
        assert "Secure" not in cookie

        token = client.cookies["langnghe"]
        (stored,) = await database[SESSIONS].find().to_list(None)
        assert stored["_id"] == fingerprint(token)
        assert token not in str(stored)
        assert (await client.get("/v1/me")).json()["id"] == "officer"
        assert (await _actions(database))[0] == ("account.sign_in", "officer")

        got = await client.post("/sign-out?lang=en")
        assert (got.status_code, got.headers["location"]) == (303, "/sign-in?lang=en")
        assert "langnghe" not in client.cookies
        kept = {"cookie": f"langnghe={token}"}
        assert (await client.get("/v1/me", headers=kept)).status_code == 401
        assert await database[SESSIONS].count_documents({}) == 0
        assert (await audit.verify(database, None))[1] == []


async def test_by_https_the_cookie_is_bound_to_host_and_https(
    servers: Servers, database: Database
) -> None:
    async with world(servers, database) as gateway, gateway.browser() as client:
        client.headers["x-forwarded-proto"] = "https"
        got = await sign_in(client, "officer")
        cookie = got.headers["set-cookie"]
        assert cookie.startswith("__Host-langnghe=")
        assert {"HttpOnly", "SameSite=strict", "Path=/", "Secure"} <= set(cookie.split("; "))
        assert "domain" not in cookie.lower()
        value = cookie.split(";")[0].partition("=")[2]
        sent = {"cookie": f"__Host-langnghe={value}"}
        assert (await client.get("/v1/me", headers=sent)).status_code == 200
        # Without the prefix it could have been set by a neighbour.
        sent = {"cookie": f"langnghe={value}"}
        assert (await client.get("/v1/me", headers=sent)).status_code == 401


async def test_unknown_names_and_wrong_passwords_are_answered_alike(
    servers: Servers, database: Database
) -> None:
    async with world(servers, database) as gateway, gateway.browser() as client:
        await accounts_of(database).change("analyst", Change(disabled=True), REGISTRY, ACTOR)
        answers = [
            await sign_in(client, "officer", "a wrong password"),
            await sign_in(client, "nobody-here", "a wrong password"),
            await sign_in(client, "analyst"),
            await sign_in(client, "", ""),
        ]
        assert {answer.status_code for answer in answers} == {401}
        assert len({answer.text for answer in answers}) == 1
        assert 'role="alert"' in answers[0].text
        assert client.cookies.get("langnghe") is None
        assert (await _actions(database))[:4] == [
            ("account.sign_in_failed", "unknown"),
            ("account.sign_in_failed", "analyst"),
            ("account.sign_in_failed", "unknown"),
            ("account.sign_in_failed", "officer"),
        ]
        got = await client.post("/sign-in", content=b"x" * 10_000)
        assert got.status_code == 413


class Counting(PasswordHasher):
    """The real one, which counts how often it was asked to compare."""

    compared = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
        self.compared += 1
        return super().verify(hash, password)


async def test_an_unknown_name_costs_as_much_work_as_a_wrong_password(
    database: Database,
) -> None:
    hasher = Counting(time_cost=1, memory_cost=64, parallelism=1)
    passwords = Passwords(hasher)
    await add_account(database, "an.tran", Role.OPERATOR, "country")
    sessions = Sessions(database, system_clock, HOUR, HOUR)
    accounts = accounts_of(database)
    door = SignIn(database, accounts, passwords, sessions, system_clock)
    for name in ("an.tran", "no.such"):
        before = hasher.compared
        assert await door.by_password(name, "a wrong password") is None
        assert hasher.compared == before + 1


async def test_hashes_are_argon2id_and_renewed_when_the_parameters_change(
    servers: Servers, database: Database
) -> None:
    async with world(servers, database) as gateway, gateway.browser() as client:
        old = await _hash(database, "officer")
        assert extract_parameters(old).memory_cost == QUICK.memory_cost
        assert (await sign_in(client, "officer")).status_code == 303
        new = await _hash(database, "officer")
        parameters = extract_parameters(new)
        assert parameters.type is Type.ID
        assert (parameters.memory_cost, parameters.time_cost) >= (64 * 1024, 3)
        assert (await sign_in(client, "officer")).status_code == 303
        assert await _hash(database, "officer") == new


async def test_the_same_letters_are_the_same_password() -> None:
    passwords = Passwords(QUICK)
    composed, decomposed = (
        "ti\u1ebfng Vi\u1ec7t d\u00e0i",
        "tie\u0302\u0301ng Vie\u0323\u0302t da\u0300i",
    )
    assert composed != decomposed
    assert await passwords.verify(await passwords.hash(composed), decomposed)
    assert not await passwords.verify(await passwords.hash(composed), decomposed + " ")
    assert not await passwords.verify("not a hash", composed)


async def test_attempts_are_limited_by_name(servers: Servers, database: Database) -> None:
    async with world(servers, database) as gateway, gateway.browser() as client:
        for _ in range(BY_NAME.amount - 1):
            assert (await sign_in(client, "officer", "wrong")).status_code == 401
        assert (await sign_in(client, "officer")).status_code == 303
        # That one was right: what came before is forgotten.
        for _ in range(BY_NAME.amount):
            assert (await sign_in(client, "officer", "wrong")).status_code == 401
        failed = len(await _actions(database))
        got = await sign_in(client, "officer")
        assert (got.status_code, got.headers["retry-after"]) == (429, "900")
        assert "15 phút" in got.text
        assert len(await _actions(database)) == failed
        assert (await sign_in(client, "analyst")).status_code == 303


async def test_attempts_are_limited_by_address() -> None:
    throttle = Throttle()
    admitted = [await throttle.admits_address("192.0.2.1") for _ in range(BY_ADDRESS.amount + 1)]
    assert admitted == [True] * BY_ADDRESS.amount + [False]
    assert await throttle.admits_address("192.0.2.2")


OTHERS = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none"},
    {"origin": "https://elsewhere.example"},
    {"origin": "null"},
    {"origin": ""},
]


async def test_other_sites_cannot_write_with_somebodys_cookie(
    servers: Servers, database: Database
) -> None:
    writes: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/sign-out", {}),
        ("POST", "/sign-in", {"data": {"name": "officer", "password": PASSWORD}}),
        ("PATCH", "/v1/accounts/officer", {"json": {"disabled": True}}),
        ("POST", "/v1/accounts", {"json": {}}),
    ]
    async with world(servers, database) as gateway, gateway.browser() as client:
        await sign_in(client, "administrator")
        for headers in OTHERS:
            for method, path, body in writes:
                got = await client.request(method, path, headers=headers, **body)
                kind = "urn:langnghe:problem:cross-origin"
                assert (got.status_code, got.json()["type"]) == (403, kind), (path, headers)
            mine = await client.get("/v1/me", headers=headers)
            assert mine.json()["id"] == "administrator"
        path, disable = "/v1/accounts/officer", {"disabled": True}
        del client.headers["origin"]
        assert (await client.patch(path, json=disable)).status_code == 403
        client.headers["sec-fetch-site"] = "same-origin"
        assert (await client.patch(path, json=disable)).status_code == 200


ENDINGS = [
    Change(disabled=True),
    Change(role=Role.ANALYST),
    Change(scope=f"unit:{UNIT}"),
    Change(password=SecretStr("another long sentence")),
]


@pytest.mark.parametrize("change", ENDINGS, ids=lambda change: next(iter(change.model_fields_set)))
async def test_a_change_of_an_account_ends_its_sessions_and_no_others(
    servers: Servers, database: Database, change: Change
) -> None:
    async with (
        world(servers, database) as gateway,
        gateway.browser() as officer,
        gateway.browser() as administrator,
    ):
        await sign_in(officer, "officer")
        await sign_in(administrator, "administrator")
        assert (await officer.get("/v1/me")).status_code == 200
        body = {
            name: value.get_secret_value() if isinstance(value, SecretStr) else value
            for name, value in change
            if value is not None
        }
        got = await administrator.patch("/v1/accounts/officer", json=body)
        assert got.status_code == 200
        assert (await officer.get("/v1/me")).status_code == 401
        assert (await administrator.get("/v1/me")).status_code == 200
        again = (await sign_in(officer, "officer")).status_code
        assert again == (401 if change.disabled or change.password else 303)
        if change.password:
            new = change.password.get_secret_value()
            assert (await sign_in(officer, "officer", new)).status_code == 303


async def test_a_disabled_account_is_nobody_even_with_a_session(
    servers: Servers, database: Database
) -> None:
    async with world(servers, database) as gateway, gateway.browser() as client:
        await sign_in(client, "officer")
        # Past the command and the route that would end the session.
        await database[ACCOUNTS].update_one({"_id": "officer"}, {"$set": {"disabled": True}})
        assert (await client.get("/v1/me")).status_code == 401


async def test_signing_in_while_the_password_changes_leaves_no_session_of_the_old_one(
    database: Database,
) -> None:
    await add_account(database, "an.tran", Role.OPERATOR, "country")
    accounts = accounts_of(database)
    sessions = Sessions(database, system_clock, HOUR, HOUR)

    class Slow(Passwords):
        """The password is right; before that is said, it changes."""

        async def verify(self, stored: str | None, password: str) -> bool:
            right = await super().verify(stored, password)
            await accounts.change(
                "an.tran", Change(password=SecretStr("another long sentence")), REGISTRY, ACTOR
            )
            return right

    door = SignIn(database, accounts, Slow(QUICK), sessions, system_clock)
    assert await door.by_password("an.tran", PASSWORD) is None
    assert await database[SESSIONS].count_documents({}) == 0


async def test_a_session_ends_by_age_and_by_idleness(database: Database) -> None:
    start = system_clock().replace(microsecond=0)
    now = start
    sessions = Sessions(database, lambda: now, timedelta(hours=3), HOUR)

    async def begin(session: Session) -> str:
        return await sessions.begin(session, "an.tran")

    token = await database.transaction(begin)

    async def stored() -> Document:
        document = await database[SESSIONS].find_one({})
        assert document is not None
        return document

    async def known_at(minutes: int) -> bool:
        nonlocal now
        now = start + timedelta(minutes=minutes)
        return await sessions.account(token) == "an.tran"

    assert await known_at(59)
    assert await known_at(118)
    assert (await stored())["ends_at"] == start + timedelta(minutes=178)
    assert await known_at(177)
    # It was used a moment ago, but three hours are over.
    assert (await stored())["ends_at"] == start + timedelta(hours=3)
    assert not await known_at(180)

    token = await database.transaction(begin)
    assert await known_at(239)
    assert not await known_at(299)
    assert await sessions.account("no such token") is None

    keys = await database[SESSIONS].index_information()
    assert keys["ends_at_1"]["expireAfterSeconds"] == 0
