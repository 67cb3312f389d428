"""The OpenAPI document: what FastAPI derives, and the bodies that routes read by themselves."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from schemas.feedback import Response
from services.gateway.contacts.asking import ContactRequest
from services.gateway.problems import Problem

_REFERENCE = "#/components/schemas/{model}"


def install(app: FastAPI) -> None:
    """Make the document whole; routes refer to Problem and Response by name."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            _, extra = models_json_schema(
                [
                    (Problem, "serialization"),
                    (Response, "validation"),
                    (ContactRequest, "validation"),
                ],
                ref_template=_REFERENCE,
            )
            schema["components"]["schemas"] |= extra["$defs"]
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's own way to extend it


def route(app: FastAPI) -> Route:
    """`/openapi.json` of an application, to be served by another."""

    async def document(_: Request) -> JSONResponse:
        return JSONResponse(app.openapi())

    return Route("/openapi.json", document)
