"""Serves the pages and what they are made of."""

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.templating import Jinja2Templates
from starlette.responses import Response

from schemas.instrument import OVERALL, instruments
from services.gateway.people.guard import PUBLIC
from services.gateway.problems import ProblemError
from services.gateway.published.reading import Reader

_HERE = Path(__file__).resolve().parent
STATIC = _HERE / "static"
_TEMPLATES = Jinja2Templates(directory=_HERE / "templates")

_KIOSK = instruments()["kiosk", 1]


def router(reader: Reader) -> APIRouter:
    """The routes of the pages."""
    routes = APIRouter(include_in_schema=False, dependencies=[PUBLIC])

    @routes.get("/")
    async def dashboard(request: Request) -> Response:
        return _TEMPLATES.TemplateResponse(request, "dashboard.html")

    @routes.get("/kiosk/{unit}")
    async def kiosk(request: Request, unit: str) -> Response:
        name = reader.name(f"unit:{unit}")
        if name is None:
            raise ProblemError(404, "unknown-unit", f"{unit} is not in the registry.")
        return _TEMPLATES.TemplateResponse(
            request,
            "kiosk.html",
            {"unit": unit, "name": name, "question": _KIOSK.items[OVERALL], "kiosk": _KIOSK},
        )

    return routes
