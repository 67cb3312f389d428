"""Reads request bodies under limits, before anything is parsed."""

import asyncio

from fastapi import Request

from services.gateway.problems import ProblemError

_JSON = "application/json"


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
