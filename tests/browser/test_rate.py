"""Citizens on their own phones: with the token of a slip, and as anybody."""

from datetime import UTC, datetime, timedelta

from playwright.async_api import Page, Request, expect

from method.period import local_day
from schemas.collections import RESPONSES
from schemas.feedback import Stage
from services.gateway.intake.tokens import digest, issue, seal
from services.runtime.database import Document
from tests.browser.conftest import TOKEN_KEY
from tests.builders import UNIT
from tests.servers import eventually
from tests.stack import Running


async def stored(stack: Running, query: Document) -> Document:
    """The one response that answers to a query, once it is stored."""

    async def there() -> bool:
        return await stack.database[RESPONSES].count_documents(query) == 1

    await eventually(there, "the answer is stored")
    found = await stack.database[RESPONSES].find_one(query)
    assert found is not None
    return found


async def test_a_slip_is_one_answer_and_its_code_is_in_no_address(
    page: Page, stack: Running
) -> None:
    token = issue(UNIT, Stage.RECEIPT, local_day(datetime.now(UTC)) + timedelta(days=1))
    printed = seal(token, TOKEN_KEY.encode())
    asked: list[Request] = []

    def on_request(sent: Request) -> None:
        asked.append(sent)

    page.on("request", on_request)
    await page.goto(f"{stack.addresses.gateway}/rate/{UNIT}/receipt#{printed}")
    await page.get_by_role("radio", name="Hài lòng", exact=True).check()
    await page.get_by_text("Đánh giá từng mặt").click()
    access = page.get_by_role("group", name="Tiếp cận dịch vụ")
    await access.get_by_role("radio", name="Rất không hài lòng").check()
    await page.get_by_label("Ông/Bà muốn nói thêm").fill("Chờ lâu, gọi 0912345678 không được")
    await page.get_by_role("button", name="Gửi").click()
    await expect(page.get_by_text("Cảm ơn Ông/Bà!")).to_be_visible()
    document = await stored(stack, {"channel": "qr"})
    assert document["answers"] == {"overall": 4, "access": 1}
    assert (document["unit"], document["stage"], document["device"]) == (UNIT, "receipt", "web")
    assert document["comment"] == "Chờ lâu, gọi [số] không được"
    assert all(printed not in f"{sent.url} {sent.headers}" for sent in asked)
    assert printed not in str(document)
    assert all(printed not in line and digest(token) not in line for line in stack.log)


async def test_anybody_answers_another_question(page: Page, stack: Running) -> None:
    await page.goto(f"{stack.addresses.gateway}/rate/{UNIT}")
    await page.get_by_role("button", name="English").click()
    await expect(page.get_by_role("heading")).to_contain_text("with this office")
    await page.get_by_role("button", name="Send").click()  # nothing is chosen: the form asks for it
    await expect(page.get_by_text("Thank you!")).to_be_hidden()
    await page.get_by_role("radio", name="Very dissatisfied").check()
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_text("Thank you!")).to_be_visible()
    document = await stored(stack, {"instrument": "open", "language": "en"})
    assert document["answers"] == {"open_overall": 1}
    assert (document["channel"], document["language"]) == ("web", "en")


async def test_a_code_that_is_not_good_is_said_and_nothing_is_lost_without_a_network(
    page: Page, stack: Running
) -> None:
    at = f"{stack.addresses.gateway}/rate/{UNIT}/result"
    await page.goto(at)
    await expect(page.get_by_role("alert")).to_contain_text("Mã trên phiếu không đúng")
    await expect(page.get_by_role("button", name="Gửi")).to_be_disabled()
    token = issue(UNIT, Stage.RESULT, local_day(datetime.now(UTC)) - timedelta(days=1))
    await page.goto("about:blank")
    await page.goto(f"{at}#{seal(token, TOKEN_KEY.encode())}")
    await page.get_by_role("radio", name="Rất hài lòng").first.check()
    await page.context.set_offline(True)
    await page.get_by_role("button", name="Gửi").click()
    await expect(page.get_by_role("alert")).to_contain_text("Chưa gửi được")
    await page.context.set_offline(False)
    await page.get_by_role("button", name="Gửi").click()
    await expect(page.get_by_role("alert")).to_contain_text("đã hết hạn")
    await expect(page.get_by_text("Cảm ơn Ông/Bà!")).to_be_hidden()
    await expect(page.get_by_role("radio", name="Rất hài lòng").first).to_be_checked()
