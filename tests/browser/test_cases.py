"""A citizen asks to be called back, from their own phone, until agencies have satisfied them."""

from playwright.async_api import Browser, Page, Request, expect

from schemas.collections import RESPONSES
from services.gateway.cases.store import CASES
from services.gateway.people.access import Role
from tests.builders import UNIT
from tests.people import PASSWORD, add_account
from tests.servers import eventually
from tests.stack import Running


async def ask_to_be_called(page: Page, stack: Running, comment: str) -> str:
    """Answer, leave a number; the address of the case that this opens."""
    await page.goto(f"{stack.addresses.gateway}/rate/{UNIT}")
    await page.get_by_role("radio", name="Không hài lòng", exact=True).check()
    await page.get_by_label("Ông/Bà muốn nói thêm").fill(comment)
    await page.get_by_role("button", name="Gửi", exact=True).click()
    await expect(page.get_by_text("Cảm ơn Ông/Bà!")).to_be_visible()
    await page.get_by_label("Số điện thoại hoặc thư điện tử").fill("0912 345 67")
    consent = page.get_by_role("checkbox", name="Tôi đồng ý")
    await expect(consent).not_to_be_checked()
    await page.get_by_role("button", name="Gửi yêu cầu gọi lại").click()
    await expect(page.get_by_text("Đã gửi yêu cầu.")).to_be_hidden()  # the box is not ticked
    await consent.check()
    await page.get_by_role("button", name="Gửi yêu cầu gọi lại").click()
    await expect(page.get_by_role("alert")).to_contain_text("chưa đúng")
    await page.get_by_label("Số điện thoại hoặc thư điện tử").fill("0912 345 678")
    await page.get_by_role("button", name="Gửi yêu cầu gọi lại").click()
    await expect(page.get_by_text("Đã gửi yêu cầu.")).to_be_visible()
    link = await page.locator("#case-link").get_attribute("href")
    assert link is not None

    async def arrived() -> bool:
        about = await stack.database[RESPONSES].find_one({"comment": comment}, {"_id": 1})
        query = {"response": about["_id"], "unit": UNIT} if about else {"response": None}
        return await stack.database[CASES].count_documents(query) == 1

    await eventually(arrived, "the case comes to its office")
    return stack.addresses.gateway + link


async def signed_in(page: Page, stack: Running, name: str, scope: str) -> None:
    """An officer of an agency, at its cases."""
    await add_account(stack.database, name, Role.OFFICER, scope)
    await page.goto(f"{stack.addresses.gateway}/desk/cases")
    await page.get_by_label("Tên đăng nhập").fill(name)
    await page.get_by_label("Mật khẩu").fill(PASSWORD)
    await page.get_by_role("button", name="Đăng nhập").click()
    await page.get_by_role("link", name="Hồ sơ cần trả lời người dân").click()


async def open_case(page: Page, comment: str) -> None:
    """Look through an officer's cases for the one about a comment: other tests have theirs."""
    case = page.get_by_role("link", name=f"Đơn vị {UNIT}")
    for number in range(await case.count()):
        await case.nth(number).click()
        await expect(page.get_by_role("link", name="Tất cả hồ sơ")).to_be_visible()
        if await page.get_by_text(comment).count():
            return
        await page.get_by_role("link", name="Tất cả hồ sơ").click()
    msg = f"no case about {comment!r}"
    raise AssertionError(msg)


async def test_a_citizen_is_answered_reopens_and_confirms(
    page: Page, browser: Browser, stack: Running
) -> None:
    asked: list[Request] = []

    def on_request(sent: Request) -> None:
        asked.append(sent)

    page.on("request", on_request)
    link = await ask_to_be_called(page, stack, "Không có ghế ngồi chờ")
    await page.goto(link)
    await expect(page.get_by_text("Đã gửi, chờ cơ quan trả lời")).to_be_visible()
    await expect(page.locator("#facts")).to_contain_text(
        f"Cơ quan phải trả lời Đơn vị {UNIT}", use_inner_text=True
    )

    office = await (await browser.new_context()).new_page()
    await signed_in(office, stack, "thu.ky", f"unit:{UNIT}")
    case = office.get_by_role("article")
    await open_case(office, "Không có ghế ngồi chờ")
    await expect(case).to_contain_text("Không có ghế ngồi chờ")
    await expect(case).not_to_contain_text("912345678")
    await office.get_by_role("button", name="Xem thông tin liên hệ").click()
    await expect(case).to_contain_text("+84912345678")
    await office.get_by_role("button", name="Tiếp nhận").click()
    await expect(case).to_contain_text("đã tiếp nhận")
    await case.get_by_role("textbox").fill("Đã kê thêm hai ghế")
    await case.get_by_role("button", name="Gửi").click()
    await expect(case).to_contain_text("chờ người dân xác nhận")

    await page.reload()
    await expect(page.locator("#steps")).to_contain_text("Đã kê thêm hai ghế")
    await page.get_by_label("Chưa hài lòng?").fill("Vẫn không đủ chỗ")
    await page.get_by_role("button", name="Mở lại").click()
    await expect(page.get_by_text("Đã mở lại, chuyển lên cấp trên")).to_be_visible()
    await expect(page.locator("#facts")).to_contain_text(
        "Cơ quan phải trả lời Đơn vị 00004", use_inner_text=True
    )

    await office.reload()
    await expect(case).to_contain_text("Hồ sơ đang ở cơ quan khác")
    await expect(case.get_by_role("textbox")).to_have_count(0)
    above = await (await browser.new_context()).new_page()
    await signed_in(above, stack, "cap.tren", "commune:00004")
    await open_case(above, "Không có ghế ngồi chờ")
    await above.get_by_role("textbox").fill("Đã chuyển sang phòng rộng hơn")
    await above.get_by_role("button", name="Gửi").click()

    await page.reload()
    await expect(page.locator("#steps")).to_contain_text("Đã chuyển sang phòng rộng hơn")
    await page.get_by_role("button", name="Xác nhận").click()
    await expect(page.get_by_text("Ông/Bà đã xác nhận: yêu cầu đã đóng")).to_be_visible()
    await expect(page.get_by_role("button", name="Xác nhận")).to_be_hidden()
    await page.get_by_role("button", name="Xóa thông tin liên hệ").click()
    await expect(page.locator("#facts")).to_contain_text(
        "Thông tin liên hệ đã xóa", use_inner_text=True
    )
    await page.get_by_role("button", name="English").click()
    await expect(page.get_by_text("Confirmed by you: closed")).to_be_visible()
    secret = link.partition("#")[2]
    assert all(secret not in sent.url and secret not in (sent.post_data or "") for sent in asked)
    assert all(secret not in line for line in stack.log)
    for other in (office, above):
        await other.context.close()


async def test_a_link_that_opens_nothing_says_so(browser: Browser, stack: Running) -> None:
    page = await browser.new_page()
    await page.goto(f"{stack.addresses.gateway}/case")
    await expect(page.get_by_role("alert")).to_contain_text("không đầy đủ")
    await page.goto("about:blank")
    await page.goto(f"{stack.addresses.gateway}/case#nothing")
    await expect(page.get_by_role("alert")).to_contain_text("Không có yêu cầu nào")
    await page.close()


async def test_an_office_appeals_a_rating_and_the_commune_decides(
    page: Page, browser: Browser, stack: Running
) -> None:
    await ask_to_be_called(page, stack, "Nhân viên bên thuế cáu gắt")
    await signed_in(page, stack, "to.truong", f"unit:{UNIT}")
    await open_case(page, "Nhân viên bên thuế cáu gắt")
    await page.get_by_role("link", name="Kiến nghị xem lại đánh giá").click()
    await page.get_by_label("Lý do cho là nhầm").fill("Người dân nói về cơ quan thuế")
    await page.get_by_role("button", name="Gửi").click()
    mine = page.get_by_role("article").filter(has_text="Nhân viên bên thuế cáu gắt")
    await expect(mine).to_contain_text("chờ kết luận")
    await expect(mine.get_by_role("button")).to_have_count(0)

    above = await (await browser.new_context()).new_page()
    await signed_in(above, stack, "chu.tich", "commune:00004")
    await above.goto(f"{stack.addresses.gateway}/desk/appeals")
    filed = above.get_by_role("article").filter(has_text="Nhân viên bên thuế cáu gắt")
    await filed.get_by_label("Lý do kết luận").fill("Đúng là nhầm nơi")
    await filed.get_by_role("button", name="Chấp nhận").click()
    await expect(filed).to_contain_text("được chấp nhận")
    await above.context.close()

    await page.reload()
    await expect(mine).to_contain_text("Đúng là nhầm nơi")
