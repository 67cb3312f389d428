"""Signing in with a real OpenID provider, and everything that must not get anybody in."""

import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from deploy.local import ports
from services.gateway import audit
from services.gateway.people.access import Role
from services.gateway.people.accounts import ACCOUNTS, AccountError, Change, NewAccount
from services.gateway.people.oidc import ERRANDS
from services.gateway.people.sessions import SESSIONS
from services.gateway.settings import GatewaySettings
from services.runtime.database import Database
from tests.oidc_provider import CLIENT, SECRET, Algorithm, Provider, new_key, provider
from tests.people import ACTOR, REGISTRY, World, accounts_of, world
from tests.servers import Servers


@asynccontextmanager
async def linked(
    servers: Servers, database: Database, algorithm: Algorithm = "ES256"
) -> AsyncIterator[tuple[World, Provider]]:
    """A gateway with a provider, where one person has an account."""
    async with provider(algorithm) as running:
        new = NewAccount(id="lan.nguyen", name="Lan", role=Role.OPERATOR, subject=running.subject)
        await accounts_of(database, issuer=running.issuer).add(new, REGISTRY, ACTOR)
        settings: dict[str, Any] = {
            "oidc_issuer": running.issuer,
            "oidc_client_id": CLIENT,
            "oidc_client_secret": SECRET,
        }
        async with world(servers, database, **settings) as gateway:
            yield gateway, running


async def _who(client: httpx.AsyncClient) -> str | None:
    got = await client.get("/v1/me")
    return got.json()["id"] if got.status_code == 200 else None


async def _newest(database: Database) -> tuple[str, str, dict[str, str]]:
    (entry,) = await audit.entries(database, None, 1)
    return entry.action, entry.about, entry.details


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_there_and_back(servers: Servers, database: Database, algorithm: Algorithm) -> None:
    async with (
        linked(servers, database, algorithm) as (gateway, at),
        gateway.browser(follow_redirects=True) as client,
    ):
        assert "/sign-in/oidc?lang=en" in (await client.get("/sign-in?lang=en")).text
        got = await client.get("/sign-in/oidc?lang=en")
        assert (got.status_code, got.url.path) == (200, "/me")
        assert "My account" in got.text
        assert await _who(client) == "lan.nguyen"
        assert await _newest(database) == ("account.sign_in", "lan.nguyen", {"how": "oidc"})
        (asked,) = at.asked
        assert asked["code_challenge_method"] == "S256"
        assert asked["scope"] == "openid"
        assert asked["redirect_uri"] == f"{gateway.url}/sign-in/oidc/back"
        cookies = [header for step in got.history for header in step.headers.get_list("set-cookie")]
        assert len([c for c in cookies if c.startswith("langnghe=") and "SameSite=lax" in c]) == 1
        assert await database[ERRANDS].count_documents({}) == 0
        assert [cookie.name for cookie in client.cookies.jar] == ["langnghe"]


def _unsigned(claims: dict[str, Any]) -> str:
    """A token that is right in all but its signature, which is missing."""
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."


def _with_our_secret(claims: dict[str, Any]) -> str:
    """Signed with what not only the provider knows."""
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET * 2))


HOUR = 3600

TWISTS: dict[str, tuple[Callable[[Provider], dict[str, Any]], str]] = {
    "wrong nonce": (lambda _: {"twist": {"nonce": "another"}}, "nonce"),
    "no nonce": (lambda _: {"twist": {"nonce": None}}, "nonce"),
    "wrong audience": (lambda _: {"twist": {"aud": "another"}}, "'aud'"),
    "audiences without us": (lambda _: {"twist": {"aud": ["a", "b"], "azp": CLIENT}}, "'aud'"),
    "another party's": (lambda _: {"twist": {"aud": [CLIENT, "a"], "azp": "a"}}, "'azp'"),
    "wrong issuer": (lambda _: {"twist": {"iss": "https://elsewhere.example"}}, "'iss'"),
    "expired": (lambda _: {"twist": {"exp": int(time.time()) - HOUR}}, "Expired"),
    "without an end": (lambda _: {"twist": {"exp": None}}, "'exp'"),
    "not yet": (lambda _: {"twist": {"nbf": int(time.time()) + HOUR}}, "not yet valid"),
    "nobody": (lambda _: {"twist": {"sub": None}}, "'sub'"),
    "wrong signature": (lambda at: {"key": new_key(at.algorithm)}, "BadSignature"),
    "no signature": (lambda _: {"forge": _unsigned}, "Algorithm"),
    "signed with our secret": (lambda _: {"forge": _with_our_secret}, "Algorithm"),
    "no token at all": (lambda _: {"forge": lambda _: "hello"}, "DecodeError"),
    "refused there": (lambda _: {"error": "access_denied"}, "access_denied"),
}


async def test_what_is_not_proof_gets_nobody_in(
    servers: Servers, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    why: dict[str, str] = {}
    async with linked(servers, database) as (gateway, at):
        right = dict(vars(at))
        for name, (twist, _) in TWISTS.items():
            vars(at).update(right, **twist(at))
            caplog.clear()
            async with gateway.browser(follow_redirects=True) as client:
                got = await client.get("/sign-in/oidc")
                assert (got.status_code, got.url.path) == (403, "/sign-in/oidc/back"), name
                assert 'role="alert"' in got.text
                assert "Không xác nhận được" in got.text, name
                assert await _who(client) is None, name
                newest = ("account.sign_in_failed", "unknown", {"how": "oidc"})
                assert await _newest(database) == newest, name
            why[name] = caplog.text
        assert await database[SESSIONS].count_documents({}) == 0
        vars(at).update(right)
        async with gateway.browser(follow_redirects=True) as client:
            await client.get("/sign-in/oidc")
            assert await _who(client) == "lan.nguyen"
    # Each for its own reason.
    assert {name: said for name, said in why.items() if TWISTS[name][1] not in said} == {}


async def _to_the_way_back(client: httpx.AsyncClient) -> str:
    """Go to the provider and stop before coming back: the address that leads back."""
    sent = await client.get("/sign-in/oidc")
    assert sent.status_code == 302
    return str((await client.get(sent.headers["location"])).headers["location"])


async def test_a_way_back_leads_back_once_and_only_who_set_out(
    servers: Servers, database: Database
) -> None:
    async with linked(servers, database) as (gateway, _), gateway.browser() as client:
        back = await _to_the_way_back(client)
        kept = {"cookie": f"langnghe-errand={client.cookies['langnghe-errand']}"}

        async with gateway.browser() as other:
            # Somebody is made to follow another's way back.
            assert (await other.get(back)).status_code == 403
            mine = await _to_the_way_back(other)
            assert mine != back
            # ... while on an errand of their own.
            assert (await other.get(back)).status_code == 403
            assert await _who(other) is None

        assert (await client.get(back)).status_code == 303
        assert await _who(client) == "lan.nguyen"
        async with gateway.browser() as again:
            assert (await again.get(back, headers=kept)).status_code == 403
            assert await _who(again) is None

        async with gateway.browser() as late:
            back = await _to_the_way_back(late)
            assert (await late.get(back.partition("&state=")[0])).status_code == 403
            back = await _to_the_way_back(late)
            await database[ERRANDS].update_many({}, [{"$set": {"ends_at": "$$NOW"}}])
            assert (await late.get(back)).status_code == 403
            assert await _who(late) is None


async def test_only_who_is_linked_and_enabled_comes_in(
    servers: Servers, database: Database
) -> None:
    async with linked(servers, database) as (gateway, at):
        at.subject = "somebody-else"
        async with gateway.browser(follow_redirects=True) as client:
            got = await client.get("/sign-in/oidc")
            assert got.status_code == 403
            assert "chưa được gắn với tài khoản" in got.text
            newest = ("account.sign_in_failed", "unknown", {"how": "oidc"})
            assert await _newest(database) == newest
        at.subject = "7f3c-lan"
        await accounts_of(database).change("lan.nguyen", Change(disabled=True), REGISTRY, ACTOR)
        async with gateway.browser(follow_redirects=True) as client:
            assert (await client.get("/sign-in/oidc")).status_code == 403
            newest = ("account.sign_in_failed", "lan.nguyen", {"how": "oidc"})
            assert await _newest(database) == newest
            # No password opens an account that has none.
            got = await client.post("/sign-in", data={"name": "lan.nguyen", "password": ""})
            assert got.status_code == 401
        # The same subject at another provider is somebody else.
        await database[ACCOUNTS].update_one(
            {"_id": "lan.nguyen"},
            {"$set": {"disabled": False, "identity.issuer": "https://elsewhere.example"}},
        )
        async with gateway.browser(follow_redirects=True) as client:
            assert (await client.get("/sign-in/oidc")).status_code == 403


async def test_a_provider_that_says_it_is_another(servers: Servers, database: Database) -> None:
    async with linked(servers, database) as (gateway, at), gateway.browser() as client:
        at.published_issuer = "https://elsewhere.example"
        got = await client.get("/sign-in/oidc")
        assert (got.status_code, at.asked) == (403, [])


async def test_a_provider_that_is_away(servers: Servers, database: Database) -> None:
    away = f"http://127.0.0.1:{ports.choose()}"
    async with (
        world(servers, database, oidc_issuer=away, oidc_client_id=CLIENT) as gateway,
        gateway.browser() as client,
    ):
        got = await client.get("/sign-in/oidc?lang=en")
        assert got.status_code == 503
        assert "does not answer" in got.text


async def test_one_identity_has_one_account(database: Database) -> None:
    accounts = accounts_of(database, issuer="https://sso.example")
    for key in ("one", "two"):
        new = NewAccount(id=key, name="Lan", role=Role.OPERATOR, subject="s1")
        if key == "one":
            await accounts.add(new, REGISTRY, ACTOR)
            continue
        with pytest.raises(AccountError, match="subject: has an account already"):
            await accounts.add(new, REGISTRY, ACTOR)
    new = NewAccount(id="three", name="Lan", role=Role.OPERATOR, subject="s3")
    with pytest.raises(AccountError, match="subject: needs an OpenID provider"):
        await accounts_of(database).add(new, REGISTRY, ACTOR)


@pytest.mark.parametrize(
    "settings",
    [
        {"oidc_issuer": "https://sso.example"},
        {"oidc_client_id": CLIENT},
        {"oidc_issuer": "http://sso.example", "oidc_client_id": CLIENT},
    ],
)
def test_half_a_provider_stops_the_gateway(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="oidc_issuer"):
        GatewaySettings(**settings)
