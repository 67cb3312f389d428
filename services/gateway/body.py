"""Reads request bodies under limits, and only then as what they should be."""

import asyncio
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from schemas.feedback import Violation
from services.gateway.problems import ProblemError

_JSON = "application/json"

Model = TypeVar("Model", bound=BaseModel)


def documented_body(schema: dict[str, Any], example: object) -> dict[str, Any]:
    """The OpenAPI `requestBody` of a route that reads its body by itself."""
    content = {_JSON: {"schema": schema, "example": example}}
    return {"requestBody": {"required": True, "content": content}}


async def json_body(request: Request, limit: int, seconds: float) -> bytes:
    """The body of a JSON request.

    Raises:
        ProblemError: 415 for another media type or any content encoding (a compressed body could
            unpack to anything), 413 beyond `limit` bytes, counted as they arrive, 408 when it has
            not arrived within `seconds`.
    """
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type != _JSON:
        raise ProblemError(415, "media-type", f"Content-Type must be {_JSON}.")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise ProblemError(415, "content-encoding", "Content-Encoding is not supported.")
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise ProblemError(413, "too-large", f"The body must be at most {limit} bytes.")
    except TimeoutError:
        raise ProblemError(408, "too-slow", f"The body must arrive in {seconds:g} s.") from None
    return bytes(body)


def parsed(model: type[Model], body: bytes, what: str) -> Model:
    """A body as a model.

    Args:
        model: what it should be.
        body: as it came.
        what: its name, for the problem: `response`.

    Raises:
        ProblemError: 400 when it is not JSON, 422 with every rule that it breaks.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        errors = Violation.all_of(error)
        if error.errors()[0]["type"] == "json_invalid":
            raise ProblemError(400, "not-json", errors[0].rule, errors) from None
        detail = f"The {what} breaks a rule."
        raise ProblemError(422, f"invalid-{what}", detail, errors) from None
