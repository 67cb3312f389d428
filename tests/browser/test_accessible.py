"""No page breaks a rule of axe (WCAG 2 A and AA, and good practice), in either language."""

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from services.gateway.people.access import Role
from tests.browser.test_desk import fallen
from tests.browser.test_pages import kiosk
from tests.builders import UNIT
from tests.people import PASSWORD, add_account
from tests.stack import Running


async def check(page: Page, what: str) -> None:
    """Let axe look at a page as it stands."""
    found = await Axe().run(page)
    problems = [
        f"{violation['id']}: {node['html']}"
        for violation in found.response["violations"]
        for node in violation["nodes"]
    ]
    assert problems == [], what


async def in_both_languages(page: Page, what: str) -> None:
    """Let axe look, and again after the page's own switch of language."""
    await check(page, what)
    await page.get_by_text("English", exact=True).click()
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await check(page, f"{what}, in English")


async def test_pages_for_everybody(page: Page, stack: Running) -> None:
    gateway = stack.addresses.gateway
    await fallen(stack)
    await page.goto(f"{gateway}/#unit:{UNIT}")
    await expect(page.locator("#detail svg polyline")).to_be_attached()
    await in_both_languages(page, "dashboard")
    await page.goto(f"{gateway}/commendations")
    await in_both_languages(page, "commendations")
    await page.goto(f"{gateway}/kiosk/{UNIT}")
    await in_both_languages(page, "kiosk before it is enrolled")
    await kiosk(page, stack)
    await in_both_languages(page, "kiosk")
    await page.goto(f"{gateway}/rate/{UNIT}")
    await in_both_languages(page, "open answer")
    await page.goto(f"{gateway}/rate/{UNIT}/result")
    await page.locator("summary").click()
    await in_both_languages(page, "slip")


async def test_pages_for_people(page: Page, stack: Running) -> None:
    gateway = stack.addresses.gateway
    await fallen(stack)
    await add_account(stack.database, "mai.le", Role.OFFICER, "commune:00004")
    await page.goto(f"{gateway}/sign-in")
    await in_both_languages(page, "sign-in")
    await page.goto(f"{gateway}/sign-in")
    await page.get_by_label("Tên đăng nhập").fill("mai.le")
    await page.get_by_label("Mật khẩu").fill(PASSWORD)
    await page.get_by_role("button", name="Đăng nhập").click()
    await in_both_languages(page, "me")
    await page.goto(f"{gateway}/desk")
    await in_both_languages(page, "desk")
    await page.goto(f"{gateway}/desk")
    await page.get_by_role("article").first.get_by_role("link").click()
    await expect(page.locator("svg.by-day circle")).to_have_count(1)
    for summary in await page.locator("summary").all():
        await summary.click()
    await in_both_languages(page, "one alert")
