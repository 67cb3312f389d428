"""The items of a batch, each as a response or as the rules that it breaks."""

import json
from typing import Annotated, Any, Final, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError

from schemas.feedback import Response, Violation
from services.gateway.problems import ProblemError

BATCH_LIMIT: Final = 500

_BATCH: Final = TypeAdapter(Annotated[list[Response], Field(min_length=1, max_length=BATCH_LIMIT)])


class Read(NamedTuple):
    """One item of a batch: its id, as far as it could be read, and what else it says."""

    identity: str | None
    said: Response | list[Violation]


def read_batch(body: bytes) -> list[Read]:
    """The items of a batch: all at once, and one by one only if one of them breaks a rule.

    Raises:
        ProblemError: 400 when the body is not JSON, 422 when it is no array or has too many items.
    """
    try:
        return [Read(str(response.id), response) for response in _BATCH.validate_json(body)]
    except ValidationError:
        return [_read(item) for item in _parse_batch(body)]


def _read(item: object) -> Read:
    named = item.get("id") if isinstance(item, dict) else None
    identity = named[:64] if isinstance(named, str) else None
    try:
        return Read(identity, Response.model_validate_json(json.dumps(item)))
    except ValidationError as error:
        return Read(identity, Violation.all_of(error))


def _parse_batch(body: bytes) -> list[Any]:
    try:
        items = json.loads(body)
    except (ValueError, RecursionError) as error:
        errors = [Violation(field="body", rule=f"must be JSON: {type(error).__name__}")]
        raise ProblemError(400, "not-json", "The body is not JSON.", errors) from None
    if not isinstance(items, list) or not 1 <= len(items) <= BATCH_LIMIT:
        rule = f"must be an array of 1 to {BATCH_LIMIT} responses"
        errors = [Violation(field="body", rule=rule)]
        raise ProblemError(422, "invalid-batch", f"The body {rule}.", errors)
    return items
