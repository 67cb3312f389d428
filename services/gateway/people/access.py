"""Who may do what: roles, permissions, and how far down the registry a right reaches. Pure.

Deny by default: a role may do what `ALLOWED` says and nothing else, and a scope is within another
only if the registry puts it there today.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import StringConstraints

from schemas.registry import Registry
from schemas.scope import COUNTRY, Scope
from services.gateway.published.views import Name

AgencyScope = Annotated[
    Scope,
    StringConstraints(pattern=r"^(country|(unit|commune|province|ministry):[0-9A-Za-z._-]+)$"),
]
"""What a person can be put over: an agency of the registry, or the country."""


class Role(StrEnum):
    """What somebody is here for. An account has one."""

    OFFICER = "officer"
    ANALYST = "analyst"
    SUPERVISOR = "supervisor"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


class Permission(StrEnum):
    """What a route can ask for."""

    OWN = "own"
    COMMENTS = "comments"
    ALERTS_READ = "alerts.read"
    ALERTS_WRITE = "alerts.write"
    SUSPICIONS_READ = "suspicions.read"
    SUSPICIONS_WRITE = "suspicions.write"
    CASES_READ = "cases.read"
    CASES_WRITE = "cases.write"
    APPEALS_READ = "appeals.read"
    APPEALS_WRITE = "appeals.write"
    AUDIT = "audit"
    ACCOUNTS_READ = "accounts.read"
    ACCOUNTS_WRITE = "accounts.write"


ALLOWED: Final[Mapping[Role, frozenset[Permission]]] = MappingProxyType(
    {
        Role.OFFICER: frozenset(
            {
                Permission.OWN,
                Permission.COMMENTS,
                Permission.ALERTS_READ,
                Permission.ALERTS_WRITE,
                Permission.SUSPICIONS_READ,
                Permission.CASES_READ,
                Permission.CASES_WRITE,
                Permission.APPEALS_READ,
                Permission.APPEALS_WRITE,
            }
        ),
        Role.ANALYST: frozenset(
            {
                Permission.OWN,
                Permission.COMMENTS,
                Permission.ALERTS_READ,
                Permission.SUSPICIONS_READ,
                Permission.SUSPICIONS_WRITE,
                Permission.CASES_READ,
                Permission.APPEALS_READ,
            }
        ),
        Role.SUPERVISOR: frozenset(
            {
                Permission.OWN,
                Permission.COMMENTS,
                Permission.ALERTS_READ,
                Permission.SUSPICIONS_READ,
                Permission.CASES_READ,
                Permission.APPEALS_READ,
                Permission.AUDIT,
                Permission.ACCOUNTS_READ,
            }
        ),
        Role.OPERATOR: frozenset({Permission.OWN}),
        Role.ADMINISTRATOR: frozenset(
            {
                Permission.OWN,
                Permission.AUDIT,
                Permission.ACCOUNTS_READ,
                Permission.ACCOUNTS_WRITE,
            }
        ),
    }
)

SCOPED: Final = frozenset({Role.OFFICER, Role.ANALYST})
"""Roles whose rights hold for a part of the registry; those of the others hold everywhere."""

ROLE_NAMES: Final[Mapping[Role, Name]] = MappingProxyType(
    {
        Role.OFFICER: Name(vi="Cán bộ cơ quan", en="Agency officer"),
        Role.ANALYST: Name(vi="Chuyên viên phân tích", en="Analyst"),
        Role.SUPERVISOR: Name(vi="Giám sát viên", en="Supervisor"),
        Role.OPERATOR: Name(vi="Người vận hành", en="Operator"),
        Role.ADMINISTRATOR: Name(vi="Quản trị viên", en="Administrator"),
    }
)

PERMISSION_NAMES: Final[Mapping[Permission, Name]] = MappingProxyType(
    {
        Permission.OWN: Name(
            vi="Xem tài khoản của chính mình, đổi mật khẩu",
            en="See the account one signed in with, change its password",
        ),
        Permission.COMMENTS: Name(
            vi="Đọc ý kiến góp ý (đã che thông tin cá nhân)", en="Read comments (masked)"
        ),
        Permission.ALERTS_READ: Name(
            vi="Xem cảnh báo với đầy đủ số liệu", en="See alerts with all their figures"
        ),
        Permission.ALERTS_WRITE: Name(vi="Phản hồi cảnh báo", en="Answer alerts"),
        Permission.SUSPICIONS_READ: Name(
            vi="Xem dấu hiệu bất thường (cơ quan: sau khi đã được xem xét)",
            en="See suspicions (of oneself: once they were looked at)",
        ),
        Permission.SUSPICIONS_WRITE: Name(
            vi="Xem xét dấu hiệu bất thường và ghi kết luận",
            en="Look at suspicions and say what came of it",
        ),
        Permission.CASES_READ: Name(
            vi="Xem hồ sơ của người dân muốn được gọi lại",
            en="See cases of citizens who want to be called back",
        ),
        Permission.CASES_WRITE: Name(
            vi="Xem thông tin liên hệ và trả lời người dân",
            en="See contact data and answer citizens",
        ),
        Permission.APPEALS_READ: Name(
            vi="Xem kiến nghị xem lại đánh giá", en="See appeals against ratings"
        ),
        Permission.APPEALS_WRITE: Name(
            vi="Kiến nghị xem lại đánh giá của cơ quan mình; kết luận kiến nghị của cấp dưới",
            en="Appeal a rating of one's own office; decide appeals of those below",
        ),
        Permission.AUDIT: Name(vi="Đọc nhật ký kiểm tra", en="Read the audit trail"),
        Permission.ACCOUNTS_READ: Name(vi="Xem danh sách tài khoản", en="See all accounts"),
        Permission.ACCOUNTS_WRITE: Name(
            vi="Thêm, sửa và khóa tài khoản", en="Add, change and disable accounts"
        ),
    }
)


def covers(own: Scope, wanted: Scope, registry: Registry, day: date) -> bool:
    """Whether a right over `own` holds for `wanted`: the same, or below it on that day.

    A scope that is not in force on the day gives no right and is in nobody's right, except that
    the country's covers whatever the registry has ever known.
    """
    if own == COUNTRY:
        return wanted == COUNTRY or registry.knows(wanted)
    if registry.on(own, day) is None or registry.on(wanted, day) is None:
        return False
    return own in (wanted, *registry.above(wanted, day))


def scope_rule(role: Role, scope: Scope, registry: Registry, day: date) -> str | None:
    """The rule that a role's scope breaks, if it breaks one."""
    if role not in SCOPED:
        return None if scope == COUNTRY else f"of the role {role} must be {COUNTRY}"
    if scope == COUNTRY:
        return f"of the role {role} must be an agency" if role is Role.OFFICER else None
    if registry.on(scope, day) is None:
        return f"{scope} is not in force in the registry"
    return None
