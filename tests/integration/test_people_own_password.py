"""Somebody changes their own password, over real HTTP."""

import asyncio
import logging

import httpx
import pytest

from services.gateway import audit
from services.gateway.people.accounts import Change
from services.gateway.people.sessions import SESSIONS
from services.runtime.database import Database
from tests.people import ACTOR, PASSWORD, REGISTRY, accounts_of, sign_in, world
from tests.servers import Servers

NEW = "một câu khác dài hơn"

REFUSED = [
    ({"again": NEW + "x"}, 422, "Hai lần nhập mật khẩu mới không giống nhau."),
    ({"new": PASSWORD, "again": PASSWORD}, 422, "phải khác mật khẩu hiện tại"),
    ({"new": "ngắn", "again": "ngắn"}, 422, "phải có từ 12 đến 256 ký tự"),
    ({"new": "x OFFICER 12345", "again": "x OFFICER 12345"}, 422, "không được chứa"),
    ({"old": "không phải câu này"}, 403, "Mật khẩu hiện tại không đúng."),
    ({"old": ""}, 403, "Mật khẩu hiện tại không đúng."),
]


async def change(client: httpx.AsyncClient, **other: str) -> httpx.Response:
    """Fill in the form."""
    form = {"name": "officer", "old": PASSWORD, "new": NEW, "again": NEW, **other}
    return await client.post("/me/password", data=form)


def changed(got: httpx.Response) -> bool:
    """Whether the form led to one's account, and not back or to the door."""
    return got.status_code == 303 and got.headers["location"].startswith("/me?")


async def test_who_knows_the_old_password_puts_a_new_one_in_its_place(
    servers: Servers, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with (
        world(servers, database) as gateway,
        gateway.browser() as here,
        gateway.browser() as elsewhere,
        gateway.browser() as somebody,
    ):
        await sign_in(here, "officer")
        await sign_in(elsewhere, "officer")
        await sign_in(somebody, "analyst")
        assert "/me/password?lang=vi" in (await here.get("/me")).text
        before = here.cookies["langnghe"]

        got = await change(here)
        assert (got.status_code, got.headers["location"]) == (303, "/me?lang=vi&password=changed")
        assert {"HttpOnly", "SameSite=strict"} <= set(got.headers["set-cookie"].split("; "))
        assert here.cookies["langnghe"] != before
        assert "Đã đổi mật khẩu." in (await here.get(got.headers["location"])).text
        assert "Đã đổi mật khẩu." not in (await here.get("/me")).text

        assert (await elsewhere.get("/v1/me")).status_code == 401
        stolen = {"cookie": f"langnghe={before}"}
        assert (await here.get("/v1/me", headers=stolen)).status_code == 401
        assert (await here.get("/v1/me")).json()["id"] == "officer"
        assert (await somebody.get("/v1/me")).json()["id"] == "analyst"
        assert (await sign_in(elsewhere, "officer")).status_code == 401
        assert (await sign_in(elsewhere, "officer", NEW)).status_code == 303
    told = [(e.actor.name, e.action, e.details) for e in await audit.entries(database, None, 3)]
    assert told[-1] == ("officer", "account.change", {"password": "changed"})
    for word in (PASSWORD, NEW):
        assert word not in caplog.text


async def test_a_refusal_says_why_and_changes_nothing(servers: Servers, database: Database) -> None:
    async with world(servers, database) as gateway, gateway.browser() as client:
        await sign_in(client, "officer")
        for other, status, why in REFUSED:
            got = await change(client, **other)
            assert got.status_code == status, why
            assert why in got.text
            assert 'role="alert"' in got.text
            for word in (NEW, PASSWORD, *other.values()):
                assert not word or f'"{word}"' not in got.text
        english = await client.post("/me/password?lang=en", data={"old": "x"})
        assert "must have 12 to 256 characters" in english.text
        assert (await client.get("/v1/me")).status_code == 200
        assert (await sign_in(client, "officer")).status_code == 303
    actions = [e.action for e in await audit.entries(database, None, 10)]
    assert actions.count("account.change_failed") == 2
    assert "account.change" not in actions


async def test_nobody_tries_passwords_at_a_browser_that_was_left_open(
    servers: Servers, database: Database
) -> None:
    async with (
        world(servers, database) as gateway,
        gateway.browser() as client,
        gateway.browser() as other,
    ):
        await sign_in(client, "officer")
        answers = [(await change(client, old=f"guess {n}")).status_code for n in range(11)]
        assert answers == [403] * 10 + [429]
        got = await change(client)
        assert (got.status_code, got.headers["retry-after"]) == (429, "900")
        assert (await sign_in(other, "officer")).status_code == 429, "the same ten attempts"
        await sign_in(other, "analyst")
        assert (await change(other)).status_code == 303


async def test_two_changes_at_once_are_one(servers: Servers, database: Database) -> None:
    async with (
        world(servers, database) as gateway,
        gateway.browser() as one,
        gateway.browser() as two,
    ):
        await sign_in(one, "officer")
        await sign_in(two, "officer")
        texts = [f"{NEW} {n}" for n in range(2)]
        got = await asyncio.gather(
            *(
                change(client, new=text, again=text)
                for client, text in zip((one, two), texts, strict=True)
            )
        )
        # The other is refused, or was signed out before it was asked.
        [winner] = [text for text, answer in zip(texts, got, strict=True) if changed(answer)]
        assert await database[SESSIONS].count_documents({"account": "officer"}) == 1
        assert (await sign_in(one, "officer", winner)).status_code == 303


async def test_an_account_of_the_provider_has_no_password_to_change(
    servers: Servers, database: Database
) -> None:
    async with world(servers, database) as gateway, gateway.browser() as client:
        await sign_in(client, "officer")
        identity = {"issuer": "https://id.example", "subject": "1"}
        await database["gateway.accounts"].update_one(
            {"_id": "officer"}, {"$set": {"identity": identity}, "$unset": {"hash": ""}}
        )
        assert "/me/password" not in (await client.get("/me")).text
        page = await client.get("/me/password")
        assert page.status_code == 200
        assert "hãy đổi mật khẩu ở đó" in page.text
        assert "<form" not in page.text
        assert (await change(client)).status_code == 409


async def test_an_account_that_is_disabled_meanwhile_is_not_changed(
    servers: Servers, database: Database
) -> None:
    async with world(servers, database) as gateway, gateway.browser() as client:
        await sign_in(client, "officer")
        accounts = accounts_of(database)
        disable = accounts.change("officer", Change(disabled=True), REGISTRY, ACTOR)
        got, _ = await asyncio.gather(change(client), disable)
        assert (await client.get("/v1/me")).status_code == 401
        await accounts.change("officer", Change(disabled=False), REGISTRY, ACTOR)
        valid, other = (NEW, PASSWORD) if changed(got) else (PASSWORD, NEW)
        assert (await sign_in(client, "officer", other)).status_code == 401
        assert (await sign_in(client, "officer", valid)).status_code == 303
