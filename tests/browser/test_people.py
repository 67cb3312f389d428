"""Signing in and out in a browser, with nothing but the keyboard."""

from playwright.async_api import Page, expect

from services.gateway import audit
from services.gateway.people.access import Role
from tests.builders import UNIT
from tests.people import PASSWORD, add_account
from tests.stack import Running


async def test_signing_in_and_out_with_the_keyboard(page: Page, stack: Running) -> None:
    await add_account(stack.database, "lan.nguyen", Role.OFFICER, f"unit:{UNIT}")
    gateway = stack.addresses.gateway

    await page.goto(f"{gateway}/me")
    await expect(page).to_have_url(f"{gateway}/sign-in")
    await expect(page.locator("html")).to_have_attribute("lang", "vi")
    await expect(page.get_by_label("Tên đăng nhập")).to_be_focused()
    await page.keyboard.type("lan.nguyen")
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Mật khẩu")).to_be_focused()
    await page.keyboard.insert_text(PASSWORD)
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("heading", name="Tài khoản của tôi")).to_be_visible()
    await expect(page.locator("dl")).to_contain_text("Trần An (lan.nguyen)")
    await expect(page.locator("dl")).to_contain_text("Cán bộ cơ quan")
    await expect(page.locator("dl")).to_contain_text(f"Đơn vị {UNIT}")
    (cookie,) = await page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert await page.evaluate("document.cookie") == ""

    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="English")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(page.locator("dl")).to_contain_text("Read comments (masked)")

    for _ in range(3):
        await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Sign out")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert await page.context.cookies() == []
    await page.goto(f"{gateway}/me")
    await expect(page.get_by_role("button", name="Đăng nhập")).to_be_visible()
    (newest,) = await audit.entries(stack.database, None, 1)
    assert (newest.action, newest.about) == ("account.sign_in", "lan.nguyen")


async def test_changing_ones_password(page: Page, stack: Running) -> None:
    await add_account(stack.database, "thu.vu", Role.OFFICER, f"unit:{UNIT}")
    new = "một câu mới đủ dài"
    await page.goto(f"{stack.addresses.gateway}/me")
    await page.get_by_label("Tên đăng nhập").fill("thu.vu")
    await page.get_by_label("Mật khẩu").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name="Đổi mật khẩu").click()

    await page.get_by_label("Mật khẩu hiện tại").fill("không nhớ rõ lắm")
    await page.get_by_label("Mật khẩu mới", exact=True).fill(new)
    await page.get_by_label("Nhập lại mật khẩu mới").fill(new)
    await page.get_by_role("button", name="Đổi mật khẩu").click()
    await expect(page.get_by_role("alert")).to_have_text("Mật khẩu hiện tại không đúng.")
    await expect(page.get_by_label("Mật khẩu hiện tại")).to_be_focused()

    await page.keyboard.insert_text(PASSWORD)
    await page.get_by_label("Mật khẩu mới", exact=True).fill(new)
    await page.get_by_label("Nhập lại mật khẩu mới").fill(new)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_have_text("Đã đổi mật khẩu.")
    await page.get_by_role("button", name="Đăng xuất").click()
    await page.get_by_label("Tên đăng nhập").fill("thu.vu")
    await page.get_by_label("Mật khẩu").fill(new)
    await page.keyboard.press("Enter")
    await expect(page.locator("dl")).to_contain_text("thu.vu")
