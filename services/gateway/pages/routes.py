"""Serves the pages and what they are made of."""

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.templating import Jinja2Templates
from starlette.responses import Response

from schemas.feedback import COMMENT_LIMIT, Stage
from schemas.instrument import OVERALL, Instrument, Trust, instruments
from services.gateway.contacts.asking import CONSENT
from services.gateway.people.guard import PUBLIC
from services.gateway.problems import ProblemError
from services.gateway.published.reading import Reader
from services.gateway.published.views import Name

_HERE = Path(__file__).resolve().parent
STATIC = _HERE / "static"
_TEMPLATES = Jinja2Templates(directory=_HERE / "templates")

_KIOSK = instruments()["kiosk", 1]
_SERVICE = instruments()["service", 1]
_OPEN = instruments()["open", 1]


def router(reader: Reader, *, takes_contacts: bool) -> APIRouter:
    """The routes of the pages; one asks for contact data, if that is taken."""
    routes = APIRouter(include_in_schema=False, dependencies=[PUBLIC])

    @routes.get("/")
    async def dashboard(request: Request) -> Response:
        return _TEMPLATES.TemplateResponse(request, "dashboard.html")

    def name_of(unit: str) -> Name:
        if (name := reader.name(f"unit:{unit}")) is None:
            raise ProblemError(404, "unknown-unit", f"{unit} is not in the registry.")
        return name

    @routes.get("/kiosk/{unit}")
    async def kiosk(request: Request, unit: str) -> Response:
        name = name_of(unit)
        return _TEMPLATES.TemplateResponse(
            request,
            "kiosk.html",
            {"unit": unit, "name": name, "question": _KIOSK.items[OVERALL], "kiosk": _KIOSK},
        )

    def rate(request: Request, unit: str, stage: Stage, instrument: Instrument) -> Response:
        context = {
            "unit": unit,
            "name": name_of(unit),
            "stage": stage.value,
            "instrument": instrument,
            "with_token": instrument.trust is Trust.VERIFIED,
            "comment_limit": COMMENT_LIMIT,
            "consent": CONSENT if takes_contacts else None,
        }
        return _TEMPLATES.TemplateResponse(request, "rate.html", context)

    @routes.get("/rate/{unit}")
    async def as_anybody(request: Request, unit: str) -> Response:
        return rate(request, unit, Stage.RESULT, _OPEN)

    @routes.get("/rate/{unit}/{stage}")
    async def with_token(request: Request, unit: str, stage: Stage) -> Response:
        return rate(request, unit, stage, _SERVICE)

    @routes.get("/case")
    async def case(request: Request) -> Response:
        name = Name(vi="Yêu cầu gọi lại", en="Request to be called back")
        return _TEMPLATES.TemplateResponse(request, "own_case.html", {"name": name})

    return routes
