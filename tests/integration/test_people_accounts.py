"""Accounts: what an administrator and an operator's command do with them."""

import asyncio
import os
import select
import sys
from asyncio.subprocess import PIPE
from itertools import cycle
from pathlib import Path
from typing import Any

from services.gateway import audit
from services.gateway.people.accounts import ACCOUNTS
from services.gateway.people.passwords import Passwords
from services.gateway.people.sessions import SESSIONS
from services.runtime.database import Database
from tests.builders import UNIT, load_small_registry
from tests.integration.test_commands import langnghe
from tests.people import PASSWORD, sign_in, world
from tests.servers import Servers

NEW = {
    "id": "lan.nguyen",
    "name": "Nguyễn Thị Lan",
    "role": "officer",
    "scope": f"unit:{UNIT}",
    "password": PASSWORD,
}

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"id": "Lan Nguyen"}, "id"),
    ({"id": "l"}, "id"),
    ({"name": " "}, "name"),
    ({"role": "king"}, "role"),
    ({"scope": "unit:000.99.99.H26"}, "scope"),
    ({"scope": "country"}, "scope"),
    ({"scope": "field:ho-tich"}, "scope"),
    ({"role": "supervisor"}, "scope"),
    ({"password": "too short"}, "password"),
    ({"password": "LAN.nguyen and more"}, "password"),
    ({"password": None}, "request"),
    ({"subject": "both"}, "request"),
    ({"password": None, "subject": "no-provider"}, "subject"),
    ({"hash": "$argon2id$"}, "hash"),
    ({"id": "officer"}, "id"),
]


async def test_an_administrator_adds_and_changes(servers: Servers, database: Database) -> None:
    async with world(servers, database) as gateway, gateway.browser() as client:
        await sign_in(client, "administrator")
        before = await database[ACCOUNTS].count_documents({})
        for change, field in REFUSED:
            got = await client.post("/v1/accounts", json={**NEW, **change})
            problem = got.json()
            assert got.status_code == 422, change
            assert [e["field"] for e in problem["errors"]] == [field], (change, problem)
            assert PASSWORD not in got.text
        assert await database[ACCOUNTS].count_documents({}) == before
        too_large = {**NEW, "password": "x" * 9000}
        assert (await client.post("/v1/accounts", json=too_large)).status_code == 413

        got = await client.post("/v1/accounts", json=NEW)
        assert got.status_code == 201
        assert got.json() == {
            "id": "lan.nguyen",
            "name": "Nguyễn Thị Lan",
            "role": "officer",
            "scope": f"unit:{UNIT}",
            "disabled": False,
            "identity": None,
        }
        stored = await database[ACCOUNTS].find_one({"_id": "lan.nguyen"})
        assert stored is not None
        assert await Passwords().verify(stored["hash"], PASSWORD)

        url = "/v1/accounts/lan.nguyen"
        for change, field in [
            ({}, "request"),
            ({"role": "supervisor"}, "scope"),
            ({"scope": "unit:000.99.99.H26"}, "scope"),
            ({"password": "lan.nguyen lan.nguyen"}, "password"),
            ({"id": "other"}, "id"),
        ]:
            got = await client.patch(url, json=change)
            assert (got.status_code, got.json()["errors"][0]["field"]) == (422, field)
        got = await client.patch(url, json={"role": "supervisor", "scope": "country"})
        assert (got.status_code, got.json()["role"]) == (200, "supervisor")
        got = await client.patch(url, json={"name": "Lan", "password": "another long sentence"})
        assert got.status_code == 200

        listed = (await client.get("/v1/accounts")).json()["accounts"]
        assert "lan.nguyen" in [account["id"] for account in listed]
        assert "argon2" not in str(listed)

        entries = await audit.entries(database, None, 4)
        assert [(e.actor.name, e.action, e.about, e.details) for e in entries] == [
            ("administrator", "accounts.look", "all", {"number": "7"}),
            (
                *("administrator", "account.change", "lan.nguyen"),
                {"name": "changed", "password": "changed"},
            ),
            (
                *("administrator", "account.change", "lan.nguyen"),
                {"role": "supervisor", "scope": "country"},
            ),
            (
                *("administrator", "account.add", "lan.nguyen"),
                {"role": "officer", "scope": f"unit:{UNIT}"},
            ),
        ]


async def test_a_write_that_breaks_a_rule_leaves_no_trace(
    servers: Servers, database: Database
) -> None:
    async with world(servers, database) as gateway, gateway.browser() as client:
        await sign_in(client, "administrator")
        sessions = await database[SESSIONS].count_documents({})
        before = await database[ACCOUNTS].find().sort("_id", 1).to_list(None)
        entries = await audit.entries(database, None, 100)
        await client.patch("/v1/accounts/administrator", json={"scope": f"unit:{UNIT}"})
        await client.post("/v1/accounts", json={**NEW, "id": "officer"})
        assert await database[ACCOUNTS].find().sort("_id", 1).to_list(None) == before
        assert await database[SESSIONS].count_documents({}) == sessions
        assert await audit.entries(database, None, 100) == entries


def _file(folder: Path, password: str) -> Path:
    file = folder / password.replace(" ", "-")
    file.write_text(f"{password}\nnot this line\n", encoding="utf-8")
    return file


async def _at_a_terminal(typed: list[str], *arguments: str, **environment: str) -> int:
    """Run a command whose standard input is a terminal, and type a line each time it asks."""
    ours, its = os.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "langnghe", *arguments),
        env={**os.environ, **environment},
        stdin=its,
        stdout=its,
        stderr=PIPE,
        start_new_session=True,
    )
    assert process.stderr is not None
    for question, line in zip(cycle((b"Password: ", b"confirmation: ")), typed):
        await process.stderr.readuntil(question)
        os.write(ours, f"{line}\n".encode())
    said = await process.stderr.read()
    code = await process.wait()
    # Nothing that was typed is shown.
    shown = os.read(ours, 10_000) if select.select([ours], [], [], 0)[0] else b""
    os.close(its)
    os.close(ours)
    assert not any(line.encode() in said + shown for line in typed)
    return code


async def test_a_password_is_asked_for_twice_and_not_shown(
    servers: Servers, database: Database
) -> None:
    await load_small_registry(database)
    where = servers.environment()
    person = ("accounts", "add", "an.tran", "--name", "An", "--role", "operator")
    typed = [PASSWORD, "something else", "12 letters or more", "12 letters or more"]
    assert await _at_a_terminal(typed, *person, **where) == 0
    document = await database[ACCOUNTS].find_one({"_id": "an.tran"})
    assert document is not None
    assert await Passwords().verify(document["hash"], "12 letters or more")


async def test_the_commands(servers: Servers, database: Database, tmp_path: Path) -> None:
    secret, bad = _file(tmp_path, PASSWORD), _file(tmp_path, "lan.nguyen 2026")
    await load_small_registry(database)
    where = servers.environment()
    office = ("--scope", f"unit:{UNIT}")
    person = ("accounts", "add", "lan.nguyen", "--name", "Lan", "--password-file", str(secret))

    said = await langnghe(*person, "--role", "officer", **where)
    assert (said.code, said.notes.strip()) == (2, "scope: of the role officer must be an agency")
    said = await langnghe(*person, "--role", "king", **where)
    assert said.code == 2
    said = await langnghe(*person, "--role", "officer", *office, **where)
    assert (said.code, said.out) == (0, "")
    said = await langnghe(*person, "--role", "officer", *office, **where)
    assert (said.code, said.notes.strip()) == (2, "id: has an account already")

    linked = ("accounts", "add", "an.tran", "--name", "An", "--role", "operator", "--oidc", "s1")
    said = await langnghe(*linked, **where)
    assert said.code == 2
    assert "LANGNGHE_OIDC_ISSUER" in said.notes
    provider = {"LANGNGHE_OIDC_ISSUER": "https://sso.example", "LANGNGHE_OIDC_CLIENT_ID": "x"}
    said = await langnghe(*linked, **where, **provider)
    assert said.code == 0
    said = await langnghe(*linked, **where, LANGNGHE_OIDC_ISSUER="https://sso.example")
    assert said.code == 2
    assert "oidc_issuer and oidc_client_id: needs both or neither" in said.notes
    said = await langnghe(*("x" if part == "an.tran" else part for part in linked), **where)
    assert said.code == 2
    assert said.notes.startswith("id: ")

    said = await langnghe("accounts", "role", "lan.nguyen", "analyst", *office, **where)
    assert said.code == 0
    said = await langnghe("accounts", "password", "nobody", "--password-file", secret, **where)
    assert (said.code, said.notes.strip()) == (2, "ID: there is no account nobody")
    said = await langnghe("accounts", "password", "lan.nguyen", "--password-file", bad, **where)
    assert (said.code, said.notes.strip()) == (2, "password: must not contain the account's name")
    said = await langnghe("accounts", "disable", "lan.nguyen", **where)
    assert said.code == 0
    said = await langnghe("accounts", "list", **where)
    assert said.out.splitlines() == [
        "an.tran  operator  country  enabled  oidc:s1  An",
        f"lan.nguyen  analyst  unit:{UNIT}  disabled  password  Lan",
    ]
    said = await langnghe("accounts", "disable", "lan.nguyen", "--undo", **where)
    assert said.code == 0

    newest = await audit.entries(database, None, 100)
    assert [(e.action, e.about, e.details) for e in newest] == [
        ("account.change", "lan.nguyen", {"disabled": "false"}),
        ("account.change", "lan.nguyen", {"disabled": "true"}),
        ("account.change", "lan.nguyen", {"role": "analyst", "scope": f"unit:{UNIT}"}),
        ("account.add", "an.tran", {"role": "operator", "scope": "country"}),
        ("account.add", "lan.nguyen", {"role": "officer", "scope": f"unit:{UNIT}"}),
    ]
    assert {(e.actor.kind, e.actor.role) for e in newest} == {("command", "command")}
    document = await database[ACCOUNTS].find_one({"_id": "lan.nguyen"})
    assert document is not None
    assert await Passwords().verify(document["hash"], PASSWORD)
