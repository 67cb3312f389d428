"""A kiosk's page shows that it is there; the dashboard shows where one is not."""

from playwright.async_api import Page, expect

from schemas.collections import ALERTS
from services.notify.storage import KIOSKS
from services.runtime.database import Document
from tests.browser.test_pages import kiosk
from tests.builders import UNIT
from tests.integration.test_kiosk_alerts import put, silent_alert
from tests.servers import eventually
from tests.stack import Running


async def test_a_kiosk_is_heard_each_minute_while_nobody_answers(
    page: Page, stack: Running
) -> None:
    await page.clock.install()
    device = await kiosk(page, stack)
    seen: list[Document] = []

    async def heard_again() -> bool:
        known = await stack.database[KIOSKS].find_one({"_id": device})
        if known is None or (seen and known["seen_at"] <= seen[-1]["seen_at"]):
            return False
        seen.append(known)
        return True

    await eventually(heard_again, "the kiosk is heard when it is enrolled")
    assert seen[0]["queued"] == 0
    await page.clock.fast_forward("01:01")
    await eventually(heard_again, "a minute later it is heard again")


async def test_the_dashboard_tells_of_silent_kiosks_and_does_not_blame_the_office(
    page: Page, stack: Running
) -> None:
    event = silent_alert()
    await put(stack.database, event)
    try:
        await page.goto(stack.addresses.gateway)
        told = page.locator("#alerts li.firing", has_text="Kiosk mất tín hiệu")
        await expect(told).to_contain_text(f"Đơn vị {UNIT}")
        await expect(told).to_contain_text("Kiosk mất tín hiệu: 2/3, từ")
        others = await stack.database[ALERTS].count_documents(
            {"scope": event.scope, "state": "firing", "_id": {"$ne": event.alert}}
        )
        marked = page.locator(f'tr.alarmed[data-scope="unit:{UNIT}"]')
        await expect(marked).to_have_count(min(1, others))
        await page.get_by_role("button", name="English").click()
        await expect(
            page.locator("#alerts li.firing", has_text="Silent kiosks: 2/3, from")
        ).to_contain_text(f"Unit {UNIT}")
    finally:
        await stack.database[ALERTS].delete_one({"_id": event.alert})
