"""Errors as RFC 9457 problem details that name the field and the rule, in both languages."""

import logging
from collections.abc import Mapping, Sequence

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from schemas.feedback import Violation
from services.runtime.database import DatabaseError

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

_TITLES: Mapping[int, tuple[str, str]] = {
    400: ("Nội dung gửi lên không đọc được", "The request body cannot be read"),
    401: ("Chưa xác thực được người gửi", "The sender is not known"),
    403: ("Không có quyền thực hiện", "Not allowed"),
    404: ("Không tìm thấy", "Not found"),
    405: ("Phương thức không được hỗ trợ", "The method is not supported"),
    408: ("Gửi quá chậm", "The request took too long"),
    413: ("Nội dung gửi lên quá lớn", "The request body is too large"),
    415: ("Định dạng nội dung không được hỗ trợ", "The media type is not supported"),
    422: ("Nội dung không hợp lệ", "The content breaks a rule"),
    429: ("Gửi quá nhiều, vui lòng thử lại sau", "Too many requests"),
    500: ("Lỗi hệ thống", "Internal error"),
    503: ("Tạm thời không phục vụ được", "Temporarily unavailable"),
}


class Problem(BaseModel):
    """RFC 9457 problem details; `title_vi` and `errors` are extension members."""

    type: str = Field(description="What kind of problem; stable, for programs")
    title: str
    title_vi: str
    status: int
    detail: str
    errors: list[Violation] = Field(
        default_factory=list, description="Every broken rule, by field; never repeats the input"
    )


class ProblemError(Exception):
    """Ends a request with a problem."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        errors: Sequence[Violation] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Describe the problem.

        Args:
            status: HTTP status.
            kind: last part of the problem's type.
            detail: one sentence on this case.
            errors: broken rules by field.
            headers: extra response headers.
        """
        super().__init__(detail)
        vi, en = _TITLES[status]
        self.problem = Problem(
            type=f"urn:langnghe:problem:{kind}",
            title=en,
            title_vi=vi,
            status=status,
            detail=detail,
            errors=list(errors),
        )
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The HTTP answer."""
        return JSONResponse(
            self.problem.model_dump(mode="json"),
            status_code=self.problem.status,
            media_type=MEDIA_TYPE,
            headers=self.headers,
        )


def _from_http(request: Request, error: HTTPException) -> ProblemError:
    status = error.status_code if error.status_code in _TITLES else 500
    kind = {404: "not-found", 405: "method-not-allowed"}.get(status, "http")
    headers = {"Allow": _allowed(request)} if status == 405 else error.headers
    return ProblemError(status, kind, str(error.detail), headers=headers)


def _allowed(request: Request) -> str:
    """The methods of a path: Starlette names those of the first of its routes only."""
    app: FastAPI = request.app
    methods: set[str] = set()
    for route in iter_route_contexts(app.routes):
        if route.path_regex is not None and route.path_regex.match(request.url.path):
            methods |= route.methods or {"GET", "HEAD"}  # a mount has files
    return ", ".join(sorted(methods))


def _from_validation(error: RequestValidationError) -> ProblemError:
    errors = [
        Violation(field=".".join(map(str, detail["loc"][1:])) or "request", rule=detail["msg"])
        for detail in error.errors()
    ]
    return ProblemError(422, "invalid-request", "The request breaks a rule.", errors)


def unavailable(kind: str, detail: str, retry_after_seconds: int) -> ProblemError:
    """503, and when to come back."""
    return ProblemError(503, kind, detail, headers={"Retry-After": str(retry_after_seconds)})


def install(app: FastAPI, retry_after_seconds: int) -> None:
    """Answer every error of an application with a problem."""
    database_away = unavailable(
        "database-unavailable", "The database does not answer; try again.", retry_after_seconds
    )

    async def on_problem(request: Request, error: Exception) -> Response:
        if isinstance(error, ProblemError):
            return error.response()
        if isinstance(error, RequestValidationError):
            return _from_validation(error).response()
        if isinstance(error, HTTPException):
            return _from_http(request, error).response()
        if isinstance(error, DatabaseError):
            log.warning("the database does not answer: %r", error)
            return database_away.response()
        return ProblemError(500, "internal", "The error is in the log.").response()

    for kind in (
        ProblemError,
        RequestValidationError,
        HTTPException,
        DatabaseError,
        Exception,
    ):
        app.add_exception_handler(kind, on_problem)


def documented(*statuses: int) -> dict[int | str, dict[str, object]]:
    """The problems that a route can answer with, for OpenAPI (see `openapi.install`)."""
    return {
        status: {
            "description": _TITLES[status][1],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }
