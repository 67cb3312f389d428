"""What scoring reads of a record of feedback.accepted.v1: no more than it counts.

With pydantic, reading every field costs more than all the counting; ingest has checked them.
"""

from datetime import datetime
from typing import Annotated, Final

from msgspec import DecodeError, Meta, Struct
from msgspec.json import Decoder

Moment = Annotated[datetime, Meta(tz=True)]
Level = Annotated[int, Meta(ge=1, le=5)]


class Source(Struct, frozen=True, gc=False):
    """Where the response stood in feedback.submitted.v1."""

    offset: int


class Answer(Struct, frozen=True, gc=False):
    """Of `schemas.feedback.FeedbackAccepted`, the fields of the same names."""

    unit: str
    occurred_at: Moment
    received_at: Moment
    answers: Annotated[dict[str, Level], Meta(min_length=1)]
    above: list[str]
    source: Source
    field: str | None = None


_decoder: Final = Decoder(Answer)


class UnreadableError(Exception):
    """A value is not JSON or breaks a rule. The text names field and rule and holds no input."""


def read(value: bytes | None) -> Answer:
    """Read a record's value; all other fields are ignored.

    Raises:
        UnreadableError: when it cannot be.
    """
    try:
        return _decoder.decode(value or b"")
    except (DecodeError, UnicodeDecodeError) as error:
        why = str(error) if isinstance(error, DecodeError) else "it is not UTF-8"
        raise UnreadableError(why) from None
