"""What a citizen and an onlooker see and do."""

import asyncio
from datetime import UTC, datetime, timedelta

from playwright.async_api import Page, Route, expect

from schemas.collections import RESPONSES
from schemas.device import DeviceKind
from schemas.registry import EntryKind
from services.gateway.devices.store import invite
from services.runtime.database import Document
from tests.browser.conftest import NOWHERE
from tests.builders import OTHER_UNIT, UNIT, entry, response, small_registry
from tests.devices import TESTER
from tests.servers import eventually
from tests.stack import Running


async def answer(stack: Running, unit: str, level: int, count: int) -> None:
    now = datetime.now(UTC).isoformat()
    body = [response(unit=unit, occurred_at=now, answers={"overall": level}) for _ in range(count)]
    assert await stack.hand_in(*body) == 202


async def kiosk(page: Page, stack: Running, query: str = "") -> str:
    """Open the kiosk page of UNIT and enrol this browser as a person does; its device id."""
    code = await invite(
        stack.database,
        kind=DeviceKind.KIOSK,
        scope=f"unit:{UNIT}",
        name="browser",
        valid_for=timedelta(hours=1),
        actor=TESTER,
        now=datetime.now(UTC),
    )
    await page.goto(f"{stack.addresses.gateway}/kiosk/{UNIT}{query}")
    await page.get_by_label("Mã ghép nối").fill(code)
    await page.get_by_role("button", name="Ghép nối").click()
    await expect(page.locator("#ask")).to_be_visible()
    device = await page.locator("body").get_attribute("data-device")
    assert device is not None
    return device


async def stored(stack: Running, device: str) -> list[Document]:
    found = stack.database[RESPONSES].find({"device": device}).sort("occurred_at", 1)
    return await found.to_list(None)


async def test_one_touch_is_one_answer(page: Page, stack: Running) -> None:
    device = await kiosk(page, stack, "?stage=receipt")
    await expect(page.locator("html")).to_have_attribute("lang", "vi")
    await expect(page.get_by_role("heading")).to_contain_text("hài lòng thế nào")
    await expect(page.locator(".face")).to_have_count(5)
    await page.get_by_role("button", name="Hài lòng", exact=True).click()
    await expect(page.get_by_text("Cảm ơn Ông/Bà!")).to_be_visible()
    await expect(page.locator("#ask")).to_be_hidden()
    await expect(page.get_by_role("heading")).to_be_visible(timeout=8000)

    async def there() -> bool:
        return len(await stored(stack, device)) == 1

    await eventually(there, "the answer is stored")
    (document,) = await stored(stack, device)
    assert document["answers"] == {"overall": 4}
    assert (document["unit"], document["stage"], document["language"]) == (UNIT, "receipt", "vi")
    assert document["_id"].version == 7


async def test_the_kiosk_speaks_english_and_returns_to_vietnamese(
    page: Page, stack: Running
) -> None:
    device = await kiosk(page, stack)
    await page.get_by_role("button", name="English").click()
    await expect(page.get_by_role("heading")).to_contain_text("How satisfied are you")
    await page.keyboard.press("1")
    await expect(page.get_by_text("Thank you!")).to_be_visible()
    await expect(page.locator("html")).to_have_attribute("lang", "vi", timeout=8000)

    async def there() -> bool:
        found = await stored(stack, device)
        return [(d["answers"]["overall"], d["language"]) for d in found] == [(1, "en")]

    await eventually(there, "the English answer is stored")


async def test_answers_given_without_network_are_kept_and_sent_later(
    page: Page, stack: Running
) -> None:
    device = await kiosk(page, stack)
    await page.context.set_offline(True)
    await page.locator(".level-5").click()
    await expect(page.get_by_text("Cảm ơn Ông/Bà!")).to_be_visible()
    await expect(page.locator("#queued output")).to_have_text("1")
    await page.context.set_offline(False)
    await expect(page.locator("#queued")).to_be_hidden(timeout=15_000)

    async def once() -> bool:
        return len(await stored(stack, device)) == 1

    await eventually(once, "the kept answer is stored once")


async def test_a_kiosk_remembers_who_it_is_and_its_key_cannot_be_read(
    page: Page, stack: Running
) -> None:
    device = await kiosk(page, stack)
    await page.reload()
    await expect(page.locator("#ask")).to_be_visible()
    await page.locator(".level-3").click()

    async def there() -> bool:
        return [d["sequence"] for d in await stored(stack, device)] == [1]

    await eventually(there, "the answer is stored with its number")
    exported = await page.evaluate(
        """async () => {
          const { self } = await import("/static/device.js");
          const { key } = await self();
          return crypto.subtle.exportKey("pkcs8", key).then(() => "read", (error) => error.name);
        }"""
    )
    assert exported == "InvalidAccessError"
    await page.goto(f"{stack.addresses.gateway}/kiosk/{OTHER_UNIT}")
    await expect(page.get_by_label("Mã ghép nối")).to_be_visible()


async def test_a_wrong_code_is_told(page: Page, stack: Running) -> None:
    await page.goto(f"{stack.addresses.gateway}/kiosk/{UNIT}")
    await page.get_by_label("Mã ghép nối").fill("0000-0000-0000-0000")
    await page.get_by_role("button", name="Ghép nối").click()
    await expect(page.get_by_role("alert")).to_contain_text("mã sai, đã dùng hoặc hết hạn")
    await expect(page.locator("#ask")).to_be_hidden()


async def test_the_kiosk_fits_a_telephone(page: Page, stack: Running) -> None:
    await page.set_viewport_size({"width": 360, "height": 740})
    await kiosk(page, stack)
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= 360
    for face in await page.locator(".face").all():
        box = await face.bounding_box()
        assert box is not None
        assert box["height"] >= 44, "large enough for a finger"


async def test_the_dashboard_moves_without_a_reload(page: Page, stack: Running) -> None:
    await answer(stack, UNIT, 5, 20)

    async def counted() -> int:
        url = f"{stack.addresses.gateway}/v1/indices/unit:{UNIT}"
        async with stack.session.get(url) as got:
            view = await got.json()
        return int(view["windows"]["24h"]["current"]["n"] or 0)

    async def quiet() -> bool:
        """Whether all is counted, that of the tests before this one as well."""
        seen = await counted()
        await asyncio.sleep(1.5)
        return 20 <= seen == await counted()

    await eventually(quiet, "twenty answers are counted, and no more come")
    await page.goto(stack.addresses.gateway)
    await expect(page.locator("#connection")).to_have_text("Đang cập nhật trực tiếp")
    row = page.locator(f'tr[data-scope="unit:{UNIT}"]')
    await expect(row).to_contain_text(f"Đơn vị {UNIT}")
    await expect(row.locator("svg[role=img]")).to_be_visible()
    await page.evaluate("window.untouched = true")
    before = int((await row.locator("td.number").nth(1).inner_text()).replace(".", ""))
    await answer(stack, UNIT, 5, 7)
    await expect(row.locator("td.number").nth(1)).to_have_text(str(before + 7), timeout=15_000)
    # An office that had no answers appears by itself. While its answers are few, neither they nor
    # those of the only office beside it are shown: one would tell the other.
    await answer(stack, OTHER_UNIT, 1, 3)
    other = page.locator(f'tr[data-scope="unit:{OTHER_UNIT}"]')
    for place in (other, row):
        await expect(place).to_contain_text("Không công bố để bảo vệ người trả lời", timeout=15_000)
    await page.get_by_role("button", name="English").click()
    for place in (other, row):
        await expect(place).to_contain_text("Withheld to protect those who answered")
    await page.get_by_role("button", name="Tiếng Việt").click()
    await answer(stack, OTHER_UNIT, 1, 40)
    await expect(row.locator("td.number").nth(1)).to_have_text(str(before + 7), timeout=15_000)
    await expect(other).to_contain_text("0,0 %", timeout=15_000)
    alert = page.locator("#alerts li.firing", has_text=f"Đơn vị {OTHER_UNIT}")
    await expect(alert).to_contain_text("dưới mục tiêu 80,0 %", timeout=15_000)
    assert await page.evaluate("window.untouched") is True, "the page was not reloaded"


async def test_the_dashboard_shows_detail_and_speaks_english(page: Page, stack: Running) -> None:
    await answer(stack, UNIT, 4, 12)
    await page.goto(f"{stack.addresses.gateway}/#unit:{UNIT}")
    detail = page.locator("#detail")
    await expect(detail.get_by_role("heading", name=f"Đơn vị {UNIT}")).to_be_visible()
    await expect(detail.locator("svg polyline")).to_be_attached()
    await page.get_by_role("button", name="English").click()
    await expect(page.get_by_role("heading", name="Current alerts")).to_be_visible()
    await expect(detail.get_by_text("Distribution of answers")).to_be_visible()
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await page.get_by_role("button", name="7 days").click()
    await expect(page.get_by_role("button", name="7 days")).to_have_attribute(
        "aria-pressed", "true"
    )
    await detail.get_by_role("button", name="Close").click()
    await expect(detail).to_be_hidden()


async def test_a_detail_that_is_closed_while_it_is_read_stays_closed(
    page: Page, stack: Running
) -> None:
    await answer(stack, UNIT, 4, 12)
    await page.goto(f"{stack.addresses.gateway}/#unit:{UNIT}")
    detail = page.locator("#detail")
    await expect(page.locator(f'tr[data-scope="unit:{UNIT}"]')).to_be_visible(timeout=15_000)
    await page.reload()
    await expect(detail).to_be_visible()
    await expect(page.locator("#connection")).to_have_text("Đang cập nhật trực tiếp")
    asked, closed = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        asked.set()
        await closed.wait()
        await route.continue_()

    await page.route(f"**/v1/indices/unit%3A{UNIT}*", late)
    await answer(stack, UNIT, 4, 1)
    async with asyncio.timeout(15):
        await asked.wait()
    # It follows other changes from then on, and reads all anew.
    async with page.expect_response("**/v1/indices?parent=province*"):
        await detail.get_by_role("button", name="Đóng").click()
    await expect(detail).to_be_hidden()
    async with page.expect_response(f"**/v1/indices/unit%3A{UNIT}*") as late_answer:
        closed.set()
    await (await late_answer.value).finished()
    await asyncio.sleep(0.5)
    await expect(detail).to_be_hidden()


async def test_of_a_large_country_offices_are_shown_when_somebody_asks(
    page: Page, stack: Running
) -> None:
    offices = [f"000.{n:02d}.31.H97" for n in range(61)]
    entries = [entry(EntryKind.UNIT, office, "province:97") for office in offices]
    await stack.load([*small_registry(), entry(EntryKind.PROVINCE, "97"), *entries])
    now = datetime.now(UTC).isoformat()
    for _ in range(12):
        each = [response(unit=unit, occurred_at=now, answers={"overall": 4}) for unit in offices]
        assert await stack.hand_in(*each) == 202
    await answer(stack, UNIT, 4, 12)

    async def seen() -> bool:
        url = f"{stack.addresses.gateway}/v1/indices?parent=province:97&kind=unit"
        async with stack.session.get(url) as got:
            return all(view["version"] for view in (await got.json())["indices"])

    await eventually(seen, "all offices have an index", within=30)
    await page.goto(stack.addresses.gateway)
    group = page.locator('tr[data-scope="province:97"]')
    opens = group.get_by_role("button", name="Các đơn vị: Đơn vị 97")
    await expect(opens).to_have_attribute("aria-expanded", "false")
    few = page.locator(f'tr[data-scope="unit:{UNIT}"]')
    await expect(few, "what is few is shown unasked").to_be_visible()
    rows = page.locator("tr.office", has_text=".H97")
    await expect(rows).to_have_count(0)
    await opens.focus()
    await page.keyboard.press("Enter")
    await expect(rows).to_have_count(61)
    await expect(opens).to_have_attribute("aria-expanded", "true")
    await expect(opens, "who came by keyboard goes on from here").to_be_focused()
    moved = page.locator(f'tr[data-scope="unit:{offices[7]}"]')
    await expect(moved.locator("td.number").nth(1)).to_have_text("12")
    await moved.get_by_role("button").focus()
    await answer(stack, offices[7], 4, 3)
    await expect(moved.locator("td.number").nth(1)).to_have_text("15", timeout=15_000)
    await expect(moved.get_by_role("button"), "its row has moved since").to_be_focused()
    await opens.click()
    await expect(rows).to_have_count(0)
    await expect(few).to_be_visible()


async def test_a_page_that_cannot_read_tries_until_it_can(page: Page, stack: Running) -> None:
    await answer(stack, UNIT, 4, 12)
    refused = 0

    async def away(route: Route) -> None:
        nonlocal refused
        refused += 1
        await (route.fulfill(status=503) if refused <= 2 else route.continue_())

    await page.route("**/v1/indices/country*", away)
    await page.goto(stack.addresses.gateway)
    connection = page.locator("#connection")
    await expect(connection).to_have_text("Mất kết nối, đang thử lại…")
    await page.get_by_role("button", name="English").click()
    await expect(page.get_by_role("heading", name="Current alerts")).to_be_visible()
    await expect(page.locator(f'tr[data-scope="unit:{UNIT}"]')).to_be_visible(timeout=20_000)
    await expect(connection).to_have_text("Live")
    assert refused > 2


async def test_a_link_to_nowhere_shows_the_rest(page: Page, stack: Running) -> None:
    await answer(stack, UNIT, 4, 12)
    await page.goto(f"{stack.addresses.gateway}/#{NOWHERE}")
    await expect(page.locator(f'tr[data-scope="unit:{UNIT}"]')).to_be_visible(timeout=15_000)
    await expect(page.locator("#detail")).to_be_hidden()
    await page.goto(f"{stack.addresses.gateway}/#unit:{UNIT}")
    await expect(page.locator("#detail")).to_be_visible()
