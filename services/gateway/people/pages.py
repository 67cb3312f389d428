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
from services.gateway.people.passwords import MAX_LENGTH, MIN_LENGTH

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
        "change_password": "Đổi mật khẩu",
        "old_password": "Mật khẩu hiện tại",
        "new_password": "Mật khẩu mới",
        "new_password_again": "Nhập lại mật khẩu mới",
        "password_rules": f"Từ {MIN_LENGTH} đến {MAX_LENGTH} ký tự, không chứa tên đăng nhập hoặc "
        "họ tên. Các phiên đăng nhập khác sẽ kết thúc.",
        "password_changed": "Đã đổi mật khẩu.",
        "no_password": "Tài khoản này đăng nhập bằng tài khoản của cơ quan; hãy đổi mật khẩu ở đó.",
        "wrong_password": "Mật khẩu hiện tại không đúng.",
        "not_again": "Hai lần nhập mật khẩu mới không giống nhau.",
        "not_new": "Mật khẩu mới phải khác mật khẩu hiện tại.",
        "password_length": f"Mật khẩu mới phải có từ {MIN_LENGTH} đến {MAX_LENGTH} ký tự.",
        "password_names": "Mật khẩu mới không được chứa tên đăng nhập hoặc họ tên.",
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
        "change_password": "Change password",
        "old_password": "Current password",
        "new_password": "New password",
        "new_password_again": "New password again",
        "password_rules": f"{MIN_LENGTH} to {MAX_LENGTH} characters, without the user name or the "
        "name. Every other session ends.",
        "password_changed": "The password is changed.",
        "no_password": "This account signs in with your agency's; change the password there.",
        "wrong_password": "The current password is wrong.",
        "not_again": "The new password was not typed the same twice.",
        "not_new": "The new password must differ from the current one.",
        "password_length": f"The new password must have {MIN_LENGTH} to {MAX_LENGTH} characters.",
        "password_names": "The new password must not contain the user name or the name.",
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
