"""The OpenAPI document: what FastAPI derives, and the bodies that routes read by themselves."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from schemas.feedback import Response
from services.gateway.contacts.asking import ContactRequest
from services.gateway.problems import Problem

_REFERENCE = "#/components/schemas/{model}"


def install(app: FastAPI) -> None:
    """Serve the whole document at /openapi.json; routes refer to these models by name."""

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
