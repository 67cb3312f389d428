"""What people write about themselves is hidden; what they write about the service is not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.masking import mask


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("gọi tôi 0912345678 nhé", "gọi tôi [số] nhé"),
        ("0912 345 678", "[số]"),
        ("091.234.5678", "[số]"),
        ("+84 912 345 678.", "[số]."),
        ("+84912345678", "[số]"),
        ("024 3825 1234", "[số]"),
        ("CCCD 001098012345", "CCCD [số]"),
        ("001 098 012 345", "[số]"),
        ("CMND 012345678", "CMND [số]"),
        ("STK 19034567890123 Techcombank", "STK [số] Techcombank"),
        ("thư nguyen.van-a+1@mail.gov.vn đây", "thư [mail] đây"),
    ],
)
def test_personal_data_is_masked(text: str, masked: str) -> None:
    assert mask(text) == masked
    assert mask(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "Chờ 45 phút ngày 22/11/2026, quầy số 3",
        "Ngày 22-11-2026 tôi đến 2 lần",
        "Phí 1.500.000 đồng là quá cao",
        "Thủ tục 1.011442 hướng dẫn không rõ",
        "Cán bộ rất nhiệt tình",
    ],
)
def test_what_matters_stays(text: str) -> None:
    assert mask(text) == text


PIECES = (
    *("0", "09", "0912", "345", "678", "84", "+84", "1900", "000", "1.", "H49", "C", "o"),
    *("stk ", "số ", "tài khoản ", "cccd ", "vcb", " đ", "đồng", "không ", "chín ", "một "),
    *("@", "a", "b.vn", "(at)", " chấm ", "com", " ", ".", "-", ",", "(", ")", "\n"),
    *("[số]", "[mail]"),
)


@settings(max_examples=2000, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(PIECES) | st.characters(), max_size=40).map("".join))
def test_masking_twice_is_harmless_and_never_makes_a_text_longer(text: str) -> None:
    """Else masked text could be refused for its length where it is read again."""
    masked = mask(text)
    assert mask(masked) == masked
    assert len(masked) <= len(text)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "piece", ["x", "a.", "a@", "a@b.", "0 ", "+84", "1.", "-", "()", "một ", "stk ", "a chấm "]
)
def test_its_cost_grows_with_the_text_and_not_with_its_square(piece: str) -> None:
    """At the square, a text as long as this would take many minutes."""
    assert mask(piece * 200_000)
