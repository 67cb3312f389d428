"""From a record to a response, or to the reason why it is none."""

from dataclasses import dataclass

from pydantic import ValidationError

from method.counted import Exclusion
from schemas.base import read
from schemas.feedback import FeedbackSubmitted, Violation


@dataclass(frozen=True)
class Rejection:
    """Why a record is set aside. Holds nothing of what the record says."""

    reason: Exclusion
    violations: tuple[Violation, ...]


def read_response(value: bytes | None) -> FeedbackSubmitted | Rejection:
    """The response that a record's value holds, or why it holds none."""
    if value is None:
        empty = Violation(field="body", rule="must not be empty")
        return Rejection(Exclusion.MALFORMED, (empty,))
    try:
        return read(FeedbackSubmitted, value)
    except ValidationError as error:
        return Rejection(Exclusion.MALFORMED, tuple(Violation.all_of(error)))
