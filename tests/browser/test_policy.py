"""The pages keep to their content security policy, and the browser holds them to it."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.test_pages import answer, kiosk
from tests.builders import UNIT
from tests.servers import eventually
from tests.stack import Running

_LISTEN = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.effectiveDirective} ${event.blockedURI}`);
});
"""


@pytest_asyncio.fixture
async def watched(browser: Browser) -> AsyncIterator[Page]:
    """A page that keeps the policy violations that the browser reports."""
    context = await browser.new_context()
    page = await context.new_page()
    await page.add_init_script(_LISTEN)
    yield page
    await context.close()


async def violations(page: Page) -> list[str]:
    found: list[str] = await page.evaluate("window.violations")
    return found


async def test_pages_break_no_rule_of_the_policy(watched: Page, stack: Running) -> None:
    await answer(stack, UNIT, 5, 10)

    async def counted() -> bool:
        url = f"{stack.addresses.gateway}/v1/indices/unit:{UNIT}"
        async with stack.session.get(url) as got:
            return bool((await got.json())["windows"]["24h"]["current"]["n"])

    await eventually(counted, "the answers are counted")
    await watched.goto(f"{stack.addresses.gateway}/#unit:{UNIT}")
    await expect(watched.locator("#connection")).to_have_text("Đang cập nhật trực tiếp")
    await expect(watched.locator("#detail svg polyline")).to_be_attached()
    assert await violations(watched) == []
    await kiosk(watched, stack)
    await watched.locator(".level-4").click()
    await expect(watched.get_by_text("Cảm ơn Ông/Bà!")).to_be_visible()
    assert await violations(watched) == []


async def test_the_browser_runs_nothing_that_was_slipped_in(watched: Page, stack: Running) -> None:
    await watched.goto(stack.addresses.gateway)
    await watched.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.slipped = true";
          const image = new Image();
          image.src = "https://elsewhere.invalid/?stolen";
          document.body.append(script, image);
          document.body.insertAdjacentHTML("beforeend", "<p style='color: red'>");
        }"""
    )

    async def reported() -> bool:
        kinds = {violation.split()[0] for violation in await violations(watched)}
        return kinds == {"script-src-elem", "img-src", "style-src-attr"}

    await eventually(reported, "all three are reported")
    assert await watched.evaluate("window.slipped") is None
