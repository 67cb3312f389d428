"""Who may appeal a rating, and who may decide. Pure.

An office appeals one rating that it holds mistaken. Somebody else decides, whose agency stands
above the office. Whatever comes of it, the answer stays counted: an appeal flags it, and changes no
figure.
"""

from datetime import date
from enum import StrEnum
from typing import NamedTuple

from method.holding import home
from schemas.registry import Registry
from schemas.scope import Scope


class Verdict(StrEnum):
    """What came of an appeal."""

    UPHELD = "upheld"
    REJECTED = "rejected"


class Party(NamedTuple):
    """Somebody who files or decides: the account, and its agency."""

    account: str
    agency: Scope


def filing_refused(by: Party, unit: Scope, registry: Registry, day: date) -> str | None:
    """Why somebody may not appeal a rating of an office; None when they may.

    Only the office itself may, so that all those above it are left to decide.
    """
    office = home(unit, registry, day)
    if by.agency != office or not registry.knows(by.agency):
        return f"only {office} itself appeals a rating of its own"
    return None


def decision_refused(filed: Party, by: Party, registry: Registry, day: date) -> str | None:
    """Why somebody may not decide an appeal; None when they may."""
    if by.account == filed.account:
        return "who filed an appeal does not decide it"
    office = home(filed.agency, registry, day)
    if by.agency == filed.agency or by.agency not in registry.above(office, day):
        return f"an appeal of {filed.agency} is decided by an agency above it"
    return None
