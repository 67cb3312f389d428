"""`/metrics`, `/health/live` and `/health/ready`, the same for every service.

Live means that this process makes progress of its own; a server that is away does not make it
unlive, because killing it would not help. Ready means that it can do its work now.
"""

from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Check = Callable[[], str | None]
"""Returns what is wrong, or None when all is well."""


class Health:
    """The checks of one process."""

    def __init__(self, service: str) -> None:
        """Start without checks: live and ready."""
        self._service = service
        self._live: dict[str, Check] = {}
        self._ready: dict[str, Check] = {}

    def live_while(self, name: str, check: Check) -> None:
        """Add a check of this process's own progress."""
        self._live[name] = check

    def ready_while(self, name: str, check: Check) -> None:
        """Add a check of what the work needs."""
        self._ready[name] = check

    def _answer(self, checks: dict[str, Check]) -> JSONResponse:
        results = {name: check() for name, check in checks.items()}
        well = not any(results.values())
        return JSONResponse(
            {
                "service": self._service,
                "status": "ok" if well else "failing",
                "checks": {name: problem or "ok" for name, problem in results.items()},
            },
            status_code=200 if well else 503,
        )

    def routes(self) -> list[Route]:
        """The three routes, for any ASGI application."""

        async def live(_: Request) -> Response:
            return self._answer(self._live)

        async def ready(_: Request) -> Response:
            return self._answer(self._live | self._ready)

        async def metrics(_: Request) -> Response:
            return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

        return [
            Route("/health/live", live),
            Route("/health/ready", ready),
            Route("/metrics", metrics),
        ]
