"""Every answer of the gateway tells browsers what not to do."""

import re
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest_asyncio
from fastapi import FastAPI
from starlette.routing import BaseRoute, Mount, Route

from services.gateway.headers import SecureHeaders
from services.gateway.main import build
from services.gateway.pages.routes import STATIC
from services.gateway.settings import GatewaySettings
from services.runtime.database import Database
from tests.builders import UNIT, load_small_registry, response
from tests.servers import DATABASE, Servers, eventually
from tests.serving import serving

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
PARAMETERS = {
    "unit": UNIT,
    "stage": "result",
    "scope": f"unit:{UNIT}",
    "quarter": "2026-Q1",
    "id": "nobody",
    "contact": "019aa000-0000-7000-8000-000000000001",
}


class Site:
    """The public site in this process, and its application to look into."""

    def __init__(self, app: FastAPI, url: str, session: aiohttp.ClientSession) -> None:
        self.app = app
        self.url = url
        self.session = session


@pytest_asyncio.fixture
async def site(servers: Servers, database: Database) -> AsyncIterator[Site]:
    await load_small_registry(database)
    settings = GatewaySettings(
        KAFKA_URL=servers.kafka_url, MONGO_URL=servers.mongo_url, database=DATABASE
    )
    public = build(settings).public
    assert isinstance(public, SecureHeaders)
    assert isinstance(public.app, FastAPI)

    @public.app.get("/fails")
    async def fails() -> None:
        raise RuntimeError("on purpose")

    async with serving(public) as url, aiohttp.ClientSession() as session:
        site = Site(public.app, url, session)

        async def known() -> bool:
            async with session.get(f"{url}/kiosk/{UNIT}") as answer:
                return answer.status == 200

        await eventually(known, "the gateway knows the registry")
        yield site


def check(answer: aiohttp.ClientResponse, what: str) -> None:
    policy = answer.headers["Content-Security-Policy"]
    assert dict(part.split(" ", 1) for part in policy.split("; ")) == POLICY, what
    assert answer.headers["X-Content-Type-Options"] == "nosniff", what
    assert answer.headers["Referrer-Policy"] == "same-origin", what
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin", what
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin", what
    assert "camera=()" in answer.headers["Permissions-Policy"], what
    assert "Strict-Transport-Security" not in answer.headers, what
    if "json" in answer.content_type:
        assert answer.headers["Cache-Control"] == "no-store", what


def _flat(routes: list[BaseRoute]) -> Iterator[tuple[str, str]]:
    """Method and path of every route."""
    for route in routes:
        if isinstance(route, Route):
            for method in route.methods or ():
                yield method, route.path
        elif isinstance(route, Mount):
            for file in sorted(STATIC.iterdir()):
                yield "GET", f"{route.path}/{file.name}"
        elif included := getattr(route, "original_router", None):
            yield from _flat(included.routes)  # FastAPI keeps an included router as one entry
        else:
            msg = f"a kind of route that this test does not know: {route!r}"
            raise AssertionError(msg)


async def test_every_route_has_them(site: Site) -> None:
    asked: set[str] = set()
    for method, pattern in _flat(site.app.routes):
        path = re.sub(r"\{(\w+)[^}]*\}", lambda match: PARAMETERS[match[1]], pattern)
        async with site.session.request(method, site.url + path, json=response()) as answer:
            check(answer, f"{method} {path}: {answer.status}")
            asked.add(pattern)
    assert {
        "/",
        "/kiosk/{unit}",
        "/rate/{unit}/{stage}",
        "/v1/feedback",
        "/v1/live",
        "/static/dashboard.js",
    } <= asked


async def test_errors_have_them(site: Site) -> None:
    for method, path, status in (
        ("GET", "/nowhere", 404),
        ("GET", "/static/nothing.js", 404),
        ("DELETE", "/v1/feedback", 405),
        ("GET", "/v1/indices/nonsense", 422),
        ("GET", "/fails", 500),
    ):
        async with site.session.request(method, site.url + path) as answer:
            assert answer.status == status
            check(answer, f"{method} {path}")


async def test_behind_a_proxy_with_tls_browsers_are_told_to_stay_with_tls(site: Site) -> None:
    forwarded = {"X-Forwarded-Proto": "https"}
    async with site.session.get(site.url, headers=forwarded) as answer:
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=63072000")
