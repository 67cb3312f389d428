"""Answers of one kiosk to a gateway, until the index shows them and the agency is told."""

import csv
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import aiohttp
from uuid_utils.compat import uuid7

from client.kiosk import EnrolmentError, Kiosk
from method.period import LOCAL_ZONE
from schemas.instrument import OVERALL
from simulator.agency import Agency
from tests.image.containers import ROOT, RehearsalError
from tests.servers import eventually

UNIT: Final = "000.00.01.H49"
"""Of the demo."""

_LEVELS: Final = (1,) * 30 + (5,) * 10
_INDEX: Final = 25.0
"""Percent."""
_PATIENCE_SECONDS: Final = 60.0

Tell = Callable[[str], None]


def registry_row(agency: Agency) -> str:
    """The office as a file of the registry, its webhook leading to our receiver."""
    with (ROOT / "deploy" / "demo" / "units.csv").open(encoding="utf-8", newline="") as file:
        unit = next(row for row in csv.DictReader(file) if row["code"] == UNIT)
    unit["webhook"] = f"{agency.webhook_url}/unit:{UNIT}"
    return f"{','.join(unit)}\n{','.join(unit.values())}\n"


def _answer(level: int) -> dict[str, Any]:
    return {
        "id": str(uuid7()),
        "unit": UNIT,
        "channel": "kiosk",
        "stage": "result",
        "occurred_at": datetime.now(LOCAL_ZONE).isoformat(),
        "instrument": "kiosk",
        "instrument_version": 1,
        "answers": {OVERALL: level},
        "language": "vi",
    }


async def _until(condition: Callable[[], Awaitable[bool]], what: str, tell: Tell) -> None:
    try:
        await eventually(condition, what, within=_PATIENCE_SECONDS)
    except AssertionError as error:
        raise RehearsalError(str(error)) from None
    tell(what)


async def feed(
    gateway: str, invite: Callable[[], Awaitable[str]], agency: Agency, folder: Path, tell: Tell
) -> None:
    """Enrol a kiosk, hand its signed answers in, and watch them become an index and an alert.

    Args:
        gateway: base URL.
        invite: gives a one-time code; called once the gateway knows the registry.
        agency: that is to be told.
        folder: for the kiosk.
        tell: gets a line for whatever came about.

    Raises:
        RehearsalError: when something does not come about.
    """
    async with aiohttp.ClientSession() as session:
        kiosk = Kiosk(folder, gateway, session)

        async def index() -> dict[str, Any]:
            async with session.get(f"{gateway}/v1/indices/unit:{UNIT}") as answer:
                body: dict[str, Any] = await answer.json(content_type=None)
                return body if answer.status == 200 else {}

        async def known() -> bool:
            return bool(await index())

        async def acknowledged() -> bool:
            return await kiosk.send() == 0

        async def visible() -> bool:
            figure = (await index())["windows"]["24h"]["current"]
            return (figure["n"], figure["index"]) == (len(_LEVELS), _INDEX)

        async def told() -> bool:
            return any(delivery.channel == "webhook" for delivery in agency.deliveries)

        await _until(known, "the gateway knows the registry", tell)
        try:
            await kiosk.enrol((await invite()).strip())
        except EnrolmentError as error:
            msg = f"the gateway does not enrol a kiosk: {error}"
            raise RehearsalError(msg) from None
        for level in _LEVELS:
            kiosk.keep(_answer(level))
        await _until(acknowledged, f"{len(_LEVELS)} signed answers are acknowledged", tell)
        if (folder / "refused").exists():
            msg = "the gateway refuses well-formed answers"
            raise RehearsalError(msg)
        await _until(visible, f"the index is {_INDEX} % of {len(_LEVELS)} answers", tell)
        await _until(told, "the agency was told by a signed webhook", tell)
    if agency.refused:
        msg = f"{agency.refused} webhooks had a wrong signature"
        raise RehearsalError(msg)
