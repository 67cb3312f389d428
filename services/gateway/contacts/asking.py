"""What a citizen sends who wants to be called back, and the text that is agreed to."""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import (
    UUID7,
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

Kind = Literal["phone", "email"]


class ConsentText(BaseModel):
    """What is agreed to, as it has to be shown before the box that is not ticked."""

    version: str
    vi: str
    en: str


CONSENT: Final = ConsentText(
    version="contact-1",
    vi=(
        "Tôi đồng ý để cơ quan có trách nhiệm dùng số điện thoại hoặc địa chỉ thư điện tử này, "
        "chỉ để liên hệ với tôi về ý kiến tôi vừa gửi. Dữ liệu được mã hóa, tự động xóa khi hết "
        "hạn đã thông báo, và tôi có thể yêu cầu xóa bất cứ lúc nào."
    ),
    en=(
        "I agree that the responsible agency uses this telephone number or e-mail address, only "
        "to contact me about the opinion I have just given. The data is encrypted, is erased by "
        "itself on the date I am told, and I can have it erased at any time."
    ),
)
"""The text in force. A changed text is a new version."""

# Behind the 0, mobile numbers have nine digits and fixed lines ten.
_PHONE: Final = re.compile(r"(?:(?:\+|00)?84(?:0)?|0)([35789][0-9]{8}|2[0-9]{9})")
_EMAIL: Final = re.compile(
    r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}"
)


def phone_number(text: str) -> str:
    """A Vietnamese telephone number as +84….

    Raises:
        ValueError: when it is none.
    """
    match = _PHONE.fullmatch(re.sub(r"[\s.()-]", "", text))
    if match is None:
        msg = (
            "must be a Vietnamese telephone number: 0 or +84, then 9 digits (mobile) or 10 (fixed)"
        )
        raise ValueError(msg)
    return f"+84{match[1]}"


def email_address(text: str) -> str:
    """An e-mail address, as it is.

    Raises:
        ValueError: when it is none.
    """
    if _EMAIL.fullmatch(text) is None:
        raise ValueError("must be an e-mail address: name@host.domain")
    return text


def _given(given: bool) -> bool:  # pydantic calls it
    if not given:
        raise ValueError("must be true: contact data is taken by explicit consent only")
    return given


class Consent(BaseModel):
    """The box that somebody ticked."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)

    text_version: Annotated[
        Literal["contact-1"], Field(description="Version of the text that was shown")
    ]
    given: Annotated[bool, AfterValidator(_given), Field(description="Literally true")]


class ContactRequest(BaseModel):
    """Contact data, for one response, by consent."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)

    response: Annotated[UUID7, Field(description="Id of the response it is about")]
    kind: Kind
    value: Annotated[
        str,
        Field(max_length=254, description="A Vietnamese telephone number, or an e-mail address"),
    ]
    consent: Consent

    @field_validator("value")
    @classmethod
    def _well_formed(cls, value: str, info: ValidationInfo) -> str:
        match info.data.get("kind"):
            case "phone":
                return phone_number(value)
            case "email":
                return email_address(value)
        return value  # the kind is wrong, which is said already


EXAMPLE: Final[dict[str, Any]] = {
    "response": "019aa000-0000-7000-8000-000000000001",
    "kind": "phone",
    "value": "0912 345 678",
    "consent": {"text_version": CONSENT.version, "given": True},
}
