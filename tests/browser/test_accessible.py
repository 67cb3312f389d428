"""No page breaks a rule of axe (WCAG 2 A and AA, and good practice), in either language."""

from urllib.parse import quote

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from schemas.collections import ALERTS
from services.gateway.people.access import Role
from services.ingest.suspicions import Suspicions
from services.notify.alerts.documents import to_document
from tests.browser.test_cases import ask_to_be_called
from tests.browser.test_desk import fallen
from tests.browser.test_pages import kiosk
from tests.builders import NOW, UNIT, small_registry
from tests.integration.test_desk import RULE
from tests.integration.test_desk_effect import at, done, here
from tests.integration.test_suspicions import stuffed
from tests.people import PASSWORD, World, add_account
from tests.stack import Running

__all__ = ["here"]


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


async def test_pages_of_cases(page: Page, stack: Running) -> None:
    link = await ask_to_be_called(page, stack, "Chờ lâu quá")
    await in_both_languages(page, "a request that was sent")
    await page.goto(link)
    await expect(page.locator("#facts")).to_contain_text("Phải trả lời trước")
    await in_both_languages(page, "a citizen's own case")
    await add_account(stack.database, "hoa.pham", Role.OFFICER, f"unit:{UNIT}")
    await page.goto(f"{stack.addresses.gateway}/sign-in")
    await page.get_by_label("Tên đăng nhập").fill("hoa.pham")
    await page.get_by_label("Mật khẩu").fill(PASSWORD)
    await page.get_by_role("button", name="Đăng nhập").click()
    await page.get_by_role("link", name="Hồ sơ cần trả lời người dân").click()
    await in_both_languages(page, "cases")
    await page.get_by_text("Tiếng Việt", exact=True).click()
    await page.get_by_role("link", name=f"Đơn vị {UNIT}").first.click()
    await in_both_languages(page, "case")
    await page.get_by_role("link", name="Appeals against ratings").click()
    await page.get_by_label("Why it is held for mistaken").fill("Nhầm nơi")
    await page.get_by_role("button", name="Send").click()
    await page.get_by_text("Tiếng Việt", exact=True).click()
    await page.locator("summary").click()
    await in_both_languages(page, "appeals")


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
    await page.goto(f"{gateway}/me/password")
    await in_both_languages(page, "own password")
    await page.goto(f"{gateway}/desk")
    await in_both_languages(page, "desk")
    await page.goto(f"{gateway}/desk")
    await page.get_by_role("article").first.get_by_role("link").click()
    await expect(page.locator("svg.by-day circle")).to_have_count(1)
    for summary in await page.locator("summary").all():
        await summary.click()
    await in_both_languages(page, "one alert")


async def test_whether_a_plan_worked(page: Page, here: World) -> None:
    alert = done(at(30))
    await here.database[ALERTS].insert_one(to_document(alert, RULE))
    await page.goto(f"{here.url}/sign-in")
    await page.get_by_label("Tên đăng nhập").fill("officer")
    await page.get_by_label("Mật khẩu").fill(PASSWORD)
    await page.get_by_role("button", name="Đăng nhập").click()
    await page.goto(f"{here.url}/desk/alerts/{quote(alert.id)}")
    effect = page.get_by_role("region", name="Biện pháp có hiệu quả không?")
    await expect(effect).to_contain_text("Đã tốt hơn lúc đang báo động")
    await in_both_languages(page, "an alert whose plan is done")


async def test_pages_for_analysts(page: Page, stack: Running) -> None:
    gateway = stack.addresses.gateway
    await stack.load(small_registry())
    await stuffed(stack.database, NOW)
    await Suspicions(stack.database, lambda: NOW).run()
    await add_account(stack.database, "chi.vo", Role.ANALYST, "province:01")
    await page.goto(f"{gateway}/sign-in")
    await page.get_by_label("Tên đăng nhập").fill("chi.vo")
    await page.get_by_label("Mật khẩu").fill(PASSWORD)
    await page.get_by_role("button", name="Đăng nhập").click()
    await page.get_by_role("link", name="Dấu hiệu bất thường").click()
    await page.get_by_label("Vì sao").fill("Camera: một người bấm liên tục")
    await page.get_by_role("button", name="Xác nhận").click()
    await expect(page.locator("article li").last).to_contain_text("Xác nhận: Camera")
    await in_both_languages(page, "suspicions")
    await page.goto(f"{gateway}/commendations")
    await page.get_by_role("navigation").get_by_role("link").last.click()
    await in_both_languages(page, "draft of commendations")
