"""How far a right reaches, and what roles and passwords must be like."""

from datetime import date

import pytest

from schemas.registry import EntryKind, Registry
from schemas.scope import COUNTRY
from services.gateway.people.access import (
    ALLOWED,
    PERMISSION_NAMES,
    ROLE_NAMES,
    Permission,
    Role,
    covers,
    scope_rule,
)
from services.gateway.people.passwords import RULES, broken_rule
from tests.builders import UNIT, entry, small_registry

REFORM = date(2026, 7, 1)
BEFORE, AFTER = date(2026, 6, 30), date(2026, 7, 1)
MOVED = "000.00.30.H26"

REGISTRY = Registry(
    [
        *small_registry(),
        entry(EntryKind.PROVINCE, "02"),
        entry(EntryKind.UNIT, MOVED, "province:01", valid_to=REFORM),
        entry(EntryKind.UNIT, MOVED, "province:02", valid_from=REFORM),
    ]
)


@pytest.mark.parametrize(
    ("own", "wanted", "before", "after"),
    [
        (f"unit:{UNIT}", f"unit:{UNIT}", True, True),
        ("commune:00004", f"unit:{UNIT}", True, True),
        ("province:01", f"unit:{UNIT}", True, True),
        ("province:01", "commune:00004", True, True),
        (COUNTRY, f"unit:{UNIT}", True, True),
        (COUNTRY, COUNTRY, True, True),
        (f"unit:{UNIT}", "commune:00004", False, False),
        ("commune:00004", "province:01", False, False),
        ("province:01", COUNTRY, False, False),
        ("ministry:G09", f"unit:{UNIT}", False, False),
        ("province:01", "province:02", False, False),
        # By the tree of the day.
        ("province:01", f"unit:{MOVED}", True, False),
        ("province:02", f"unit:{MOVED}", False, True),
        (f"unit:{MOVED}", f"unit:{MOVED}", True, True),
        # Who is no longer in force, or never was.
        ("unit:000.00.21.H26", "unit:000.00.21.H26", False, False),
        ("province:01", "unit:000.00.21.H26", False, False),
        (COUNTRY, "unit:000.00.21.H26", True, True),
        (COUNTRY, "unit:000.99.99.H26", False, False),
        ("province:99", "province:99", False, False),
        ("", "", False, False),
    ],
)
def test_a_right_reaches_down_the_tree_and_nowhere_else(
    own: str, wanted: str, before: bool, after: bool
) -> None:
    assert covers(own, wanted, REGISTRY, BEFORE) is before
    assert covers(own, wanted, REGISTRY, AFTER) is after


def test_roles_are_what_they_are_said_to_be() -> None:
    writing = {permission for permission in Permission if permission.value.endswith(".write")}
    reading = set(Permission) - writing
    assert set(ALLOWED) == set(Role)
    assert ALLOWED[Role.SUPERVISOR] == reading
    assert {role: writing & ALLOWED[role] for role in Role if writing & ALLOWED[role]} == {
        Role.ADMINISTRATOR: {Permission.ACCOUNTS_WRITE},
        Role.ANALYST: {Permission.SUSPICIONS_WRITE},
        Role.OFFICER: {
            Permission.ALERTS_WRITE,
            Permission.CASES_WRITE,
            Permission.APPEALS_WRITE,
        },
    }
    assert {role for role in Role if Permission.COMMENTS in ALLOWED[role]} == {
        Role.OFFICER,
        Role.ANALYST,
        Role.SUPERVISOR,
    }
    assert set(ROLE_NAMES) == set(Role)
    assert set(PERMISSION_NAMES) == set(Permission)


@pytest.mark.parametrize(
    ("role", "scope", "rule"),
    [
        (Role.OFFICER, f"unit:{UNIT}", None),
        (Role.ANALYST, "province:01", None),
        (Role.ANALYST, COUNTRY, None),
        (Role.SUPERVISOR, COUNTRY, None),
        (Role.OFFICER, COUNTRY, "must be an agency"),
        (Role.OFFICER, "unit:000.99.99.H26", "not in force"),
        (Role.ANALYST, "unit:000.00.21.H26", "not in force"),
        (Role.SUPERVISOR, "province:01", "must be country"),
        (Role.ADMINISTRATOR, f"unit:{UNIT}", "must be country"),
    ],
)
def test_a_role_has_a_scope_of_its_kind(role: Role, scope: str, rule: str | None) -> None:
    broken = scope_rule(role, scope, REGISTRY, AFTER)
    assert (broken is None) == (rule is None)
    assert (rule or "") in (broken or "")


@pytest.mark.parametrize(
    ("password", "rule"),
    [
        ("một câu dài dễ nhớ", None),
        ("x" * 12, None),
        ("x" * 11, "12 to 256"),
        ("x" * 257, "12 to 256"),
        ("", "12 to 256"),
        ("my-LAN.nguyen-2026", "name"),
        ("2026 nguyễn thị LAN 2026", "name"),
    ],
)
def test_a_password_is_long_and_not_the_name(password: str, rule: str | None) -> None:
    broken = broken_rule(password, "lan.nguyen", "Nguyễn Thị Lan")
    assert (broken is None) == (rule is None)
    assert (rule or "") in (RULES[broken] if broken else "")
