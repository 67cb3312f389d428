"""From a record to a response, or to the reason why it is none."""

import re
from dataclasses import dataclass

from pydantic import ValidationError

from method.counted import Exclusion
from schemas.base import read
from schemas.feedback import FeedbackSubmitted, Violation

_TOLD = 20
"""So many broken rules are kept: a record of a megabyte can break a hundred thousand, which would
fit into no event."""

_NAME = re.compile(r"[a-z0-9_]{1,32}")


@dataclass(frozen=True)
class Rejection:
    """Why a record is set aside. Holds nothing of what the record says."""

    reason: Exclusion
    violations: tuple[Violation, ...]


def _without_input(violation: Violation) -> Violation:
    """The same without names that are none of ours: whoever wrote the record chose them."""
    parts = violation.field.split(".")
    known = [part for part in parts if _NAME.fullmatch(part)]
    return violation if known == parts else violation.model_copy(update={"field": f"{known[0]}.…"})


def broken_rules(error: ValidationError) -> tuple[Violation, ...]:
    """The rules that a record breaks, without anything that it says."""
    found = Violation.all_of(error)
    told = tuple(_without_input(violation) for violation in found[:_TOLD])
    if len(found) > _TOLD:
        more = Violation(field="body", rule=f"{len(found) - _TOLD} more rules are broken")
        return (*told, more)
    return told


def read_response(value: bytes | None) -> FeedbackSubmitted | Rejection:
    """The response that a record's value holds, or why it holds none."""
    if value is None:
        empty = Violation(field="body", rule="must not be empty")
        return Rejection(Exclusion.MALFORMED, (empty,))
    try:
        return read(FeedbackSubmitted, value)
    except ValidationError as error:
        return Rejection(Exclusion.MALFORMED, broken_rules(error))
