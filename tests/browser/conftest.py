"""A real Chromium on pages of a real stack."""

import base64
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

from tests.builders import small_registry
from tests.stack import Running, below_target, running_stack
from tests.tools import tool

TOKEN_KEY = "a key of tokens for the browser, 32 or more"
CONTACT_KEY = base64.b64encode(bytes(32)).decode()
RULES = below_target(for_="0s", keep_firing_for="1h")
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
NOWHERE = "unit:000.00.99.H99"
_EXPECTED = (
    *("ERR_INTERNET_DISCONNECTED", "403 (Forbidden)", "422 (Unprocessable"),
    *("503 (Service Unavailable)", quote(NOWHERE)),
)
"""What tests bring about: no network, a code that does not enrol, a number that is none, a gateway
without its database, an office that nobody knows."""


@pytest_asyncio.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    path = tool(("chromium", "chromium-browser"), "the pages are", "chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session")
async def stack(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    assert browser.is_connected()
    folder = tmp_path_factory.mktemp("stack")
    settings = {"LANGNGHE_TOKEN_KEY": TOKEN_KEY, "LANGNGHE_CONTACT_KEY": CONTACT_KEY}
    async with running_stack(folder / "data", RULES, settings) as running:
        await running.load(small_registry())
        yield running


@pytest_asyncio.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page that must not complain: an error on its console fails the test."""
    context = await browser.new_context(
        viewport={"width": 1280, "height": 900}, timezone_id="Europe/Paris"
    )
    page = await context.new_page()
    errors: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        said = f"{message.text} {message.location['url']}"
        if message.type == "error" and not any(text in said for text in _EXPECTED):
            errors.append(said)

    page.on("console", on_console)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    await context.close()
    assert errors == []
