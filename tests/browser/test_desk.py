"""An officer answers an alert, in a browser, on a stack where an office really fell."""

import re
from datetime import UTC, datetime, timedelta

from playwright.async_api import Page, expect

from method.period import local_day
from schemas.collections import ALERTS
from services.gateway.people.access import Role
from tests.browser.test_pages import answer
from tests.builders import UNIT
from tests.people import PASSWORD, add_account
from tests.servers import eventually
from tests.stack import Running


async def fallen(stack: Running) -> None:
    """Bring an alert about, and wait until it fires."""
    await answer(stack, UNIT, 1, 200)

    async def fell() -> bool:
        query = {"scope": f"unit:{UNIT}", "state": "firing"}
        return await stack.database[ALERTS].count_documents(query) == 1

    await eventually(fell, "the alert fires")


async def test_an_officer_acknowledges_plans_and_reports(page: Page, stack: Running) -> None:
    await add_account(stack.database, "truong.phong", Role.OFFICER, "commune:00004")
    await fallen(stack)
    await page.goto(f"{stack.addresses.gateway}/desk")
    await page.get_by_label("Tên đăng nhập").fill("truong.phong")
    await page.get_by_label("Mật khẩu").fill(PASSWORD)
    await page.get_by_role("button", name="Đăng nhập").click()
    await page.get_by_role("link", name="Cảnh báo của cơ quan").click()

    listed = page.get_by_role("article", name=f"Đơn vị {UNIT}")
    await expect(listed).to_contain_text("Mức hài lòng dưới mục tiêu")
    await listed.get_by_role("link", name=f"Đơn vị {UNIT}").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(f"Đơn vị {UNIT}")
    chart = page.get_by_role("img", name="Tỷ lệ hài lòng theo ngày")
    await expect(chart.locator("circle")).to_have_count(1)
    await page.get_by_text("Xem dưới dạng bảng").click()
    today = local_day(datetime.now(UTC))
    row = page.get_by_role("row", name=f"{today:%d/%m/%Y}")
    await expect(row.get_by_role("cell").nth(2)).to_have_text(re.compile(r"^[0-9]+$"))
    await expect(
        page.get_by_role("row", name="Nhìn chung, Ông/Bà hài lòng thế nào?")
    ).to_contain_text("n = ")

    case = page.get_by_role("article", name="Cảnh báo")
    await expect(case).to_contain_text("Đang báo động, chưa phản hồi")
    await expect(case).to_contain_text("Mục tiêu80,0 %")
    await expect(case.get_by_text("Kết quả: đã thay đổi những gì")).to_have_count(0)
    await case.get_by_role("button", name="Đã tiếp nhận").click()
    await expect(case).to_contain_text("Đang báo động, đã tiếp nhận")

    await case.get_by_text("Kế hoạch khắc phục").first.click()
    form = case.locator("form", has=page.locator("input[value=plan]"))
    await form.get_by_label("Kế hoạch khắc phục").fill("Mở thêm một quầy")
    due = local_day(datetime.now(UTC)) + timedelta(days=5)
    await form.get_by_label("Hoàn thành trước hết ngày").fill(due.isoformat())
    await form.get_by_role("button", name="Gửi").click()
    await expect(case).to_contain_text("đã có kế hoạch")
    await expect(case).to_contain_text(f"Hạn của kế hoạch{due:%d/%m/%Y}")
    history = page.get_by_role("region", name="Diễn biến").get_by_role("listitem")
    await expect(history).to_contain_text(["Báo động", "Đã tiếp nhận", "Mở thêm một quầy"])

    await case.get_by_text("Kết quả: đã thay đổi những gì").first.click()
    form = case.locator("form", has=page.locator("input[value=result]"))
    await form.get_by_label("Kết quả: đã thay đổi những gì").fill("Đã mở quầy thứ ba")
    await form.get_by_role("button", name="Gửi").click()
    await expect(case).to_contain_text("Đang báo động, đã báo cáo kết quả")
    await page.get_by_role("link", name="English").click()
    case = page.get_by_role("article", name="The alert")
    await expect(case).to_contain_text("Firing, result reported")
    await expect(case).to_contain_text("Target80.0 %")
    history = page.get_by_role("region", name="What happened").get_by_role("listitem")
    await expect(history.last).to_contain_text("Đã mở quầy thứ ba")
