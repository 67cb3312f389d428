"""The pages for people: plain forms that work without a script, in Vietnamese and English."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from fastapi import Request
from fastapi.templating import Jinja2Templates
from starlette.responses import Response

from method.period import LOCAL_ZONE
from schemas.instrument import item_texts

Language = Literal["vi", "en"]

_GATEWAY = Path(__file__).resolve().parents[1]
_TEMPLATES = Jinja2Templates(
    directory=[
        _GATEWAY / part / "templates"
        for part in ("people", "desk", "commendations", "suspicions", "cases", "appeals")
    ]
)


def _local(moment: datetime) -> str:
    return moment.astimezone(LOCAL_ZONE).strftime("%H:%M %d/%m/%Y")


def _moment(text: str) -> str:
    return _local(datetime.fromisoformat(text))


def _number(value: float, language: Language) -> str:
    text = f"{value:.1f}"
    return text.replace(".", ",") if language == "vi" else text


def _points(value: float, language: Language) -> str:
    """With its sign, the minus a real one: `+3.5`, `−0.2`."""
    return ("−" if value < 0 else "+") + _number(abs(value), language)


def _question(item: str, language: Language) -> str:
    """A question in words, by its code; the code of one that is gone."""
    text = item_texts().get(item)
    return item if text is None else text.vi if language == "vi" else text.en


_TEMPLATES.env.filters |= {
    "local": _local,
    "moment": _moment,
    "number": _number,
    "points": _points,
    "question": _question,
}

_WORDS: Final[Mapping[Language, Mapping[str, str]]] = {
    "vi": {
        "other": "English",
        "sign_in": "Đăng nhập",
        "id": "Tên đăng nhập",
        "password": "Mật khẩu",
        "with_provider": "Đăng nhập bằng tài khoản của cơ quan",
        "wrong": "Tên đăng nhập hoặc mật khẩu không đúng.",
        "too_many": "Đã thử quá nhiều lần. Vui lòng đợi 15 phút rồi thử lại.",
        "not_linked": "Danh tính này chưa được gắn với tài khoản nào. "
        "Vui lòng liên hệ quản trị viên.",
        "not_proven": "Không xác nhận được việc đăng nhập. Vui lòng thử lại.",
        "provider_away": "Hệ thống đăng nhập của cơ quan không trả lời. Vui lòng thử lại sau.",
        "me": "Tài khoản của tôi",
        "name": "Họ tên",
        "role": "Vai trò",
        "scope": "Phạm vi",
        "may": "Được phép",
        "sign_out": "Đăng xuất",
        "home": "Chỉ số hài lòng",
        "desk": "Cảnh báo của cơ quan",
        "suspicions": "Dấu hiệu bất thường",
        "cases": "Hồ sơ cần trả lời người dân",
        "appeals": "Kiến nghị xem lại đánh giá",
    },
    "en": {
        "other": "Tiếng Việt",
        "sign_in": "Sign in",
        "id": "User name",
        "password": "Password",
        "with_provider": "Sign in with your agency's account",
        "wrong": "The user name or the password is wrong.",
        "too_many": "Too many attempts. Please wait 15 minutes and try again.",
        "not_linked": "This identity is not linked to an account. Please ask an administrator.",
        "not_proven": "The sign-in could not be confirmed. Please try again.",
        "provider_away": "Your agency's sign-in does not answer. Please try again later.",
        "me": "My account",
        "name": "Name",
        "role": "Role",
        "scope": "Scope",
        "may": "May",
        "sign_out": "Sign out",
        "home": "Satisfaction indices",
        "desk": "Your agency's alerts",
        "suspicions": "Suspicions",
        "cases": "Cases: citizens to be answered",
        "appeals": "Appeals against ratings",
    },
}


def page(
    request: Request,
    template: str,
    language: Language,
    values: Mapping[str, Any],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A page in a language. `problem` among the values is a key of the words."""
    return _TEMPLATES.TemplateResponse(
        request,
        template,
        {
            "words": _WORDS[language],
            "language": language,
            "other": "en" if language == "vi" else "vi",
            **values,
        },
        status_code=status,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )
