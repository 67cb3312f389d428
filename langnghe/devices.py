"""`langnghe devices`: invite, list, look at and revoke kiosks and partner systems."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import TypeAdapter, ValidationError

from langnghe.audit import operator
from langnghe.console import MISUSED, print_outcome, results, stop
from langnghe.servers import DEFAULT_FOLDER, DataOption, settings_for, with_database
from method.period import LOCAL_ZONE, local_day
from schemas.collections import QUARANTINE, RESPONSES
from schemas.device import DeviceKind
from schemas.scope import COUNTRY, Scope, scope_kind
from services.gateway.devices.model import Device
from services.gateway.devices.store import UnknownDeviceError, invite, read_devices, revoke
from services.gateway.registry.store import read_registry
from services.notify.storage import KIOSKS
from services.runtime.database import Database
from services.runtime.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Kiosks and partner systems.")

Result = TypeVar("Result")


def _run(data: Path, work: Callable[[Database], Awaitable[Result]]) -> Result:
    return with_database(settings_for(data, Settings), "devices", work)


@app.command("invite")
def invitation(
    scope: Annotated[str, typer.Argument(help="unit:CODE of a kiosk; for a system also above")],
    name: Annotated[str, typer.Option(help="What people call it, such as 'Quầy 3'")],
    kind: Annotated[DeviceKind, typer.Option(help="What it is trusted with")] = DeviceKind.KIOSK,
    hours: Annotated[int, typer.Option(min=1, max=720, help="How long the code is good")] = 24,
    data: DataOption = DEFAULT_FOLDER,
) -> None:
    """Print a one-time code that enrols one device; type it on the device."""
    try:
        TypeAdapter(Scope).validate_python(scope)
    except ValidationError:
        stop("SCOPE: must be country, or a kind and a code, as unit:000.00.19.H26", MISUSED)
    if kind is DeviceKind.KIOSK and scope_kind(scope) != "unit":
        stop("SCOPE: a kiosk stands in one office, unit:CODE", MISUSED)

    async def work(database: Database) -> str | None:
        now = datetime.now(UTC)
        registry = await read_registry(database)
        if scope != COUNTRY and registry.on(scope, local_day(now)) is None:
            return None
        valid_for = timedelta(hours=hours)
        return await invite(
            database,
            kind=kind,
            scope=scope,
            name=name,
            valid_for=valid_for,
            actor=operator(),
            now=now,
        )

    code = _run(data, work)
    if code is None:
        stop(f"{scope} is not in the registry today", MISUSED)
    results.print(code, markup=False)


def _when(moment: datetime | None) -> str | None:
    return moment.astimezone(LOCAL_ZONE).strftime("%Y-%m-%d %H:%M") if moment else None


def _shown(device: Device) -> dict[str, Any]:
    return {
        "device": device.id,
        "kind": device.kind.value,
        "scope": device.scope,
        "name": device.name,
        "enrolled": _when(device.enrolled_at),
        "revoked": _when(device.revoked_at),
    }


@app.command("list")
def listing(
    scope: Annotated[str | None, typer.Option(help="Only those of one scope")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON")] = False,
    data: DataOption = DEFAULT_FOLDER,
) -> None:
    """All devices, or those of one scope, in local time."""
    devices = _run(data, lambda database: read_devices(database, scope))
    if as_json:
        shown = [_shown(device) for device in devices]
        results.print(json.dumps(shown, ensure_ascii=False, indent=2), markup=False)
        return
    for device in devices:
        state = f"revoked {_when(device.revoked_at)}" if device.revoked_at else "in use"
        line = f"{device.id}  {device.kind:<6}  {device.scope}  {device.name}  {state}"
        results.print(line, markup=False)


async def _story(database: Database, name: str) -> dict[str, Any] | None:
    """A device, what came from it and when, and what speaks of a copied key."""
    found = [device for device in await read_devices(database) if device.id == name]
    if not found:
        return None
    numbered = {"device": name, "sequence": {"$exists": True}}
    newest = await database[RESPONSES].find_one(numbered, sort=[("sequence", -1)])
    last = newest["sequence"] if newest else 0
    stored = await database[RESPONSES].count_documents(numbered)
    reused = {"device": name, "reason": "sequence_reused"}
    heard = await database[KIOSKS].find_one({"_id": name})
    return {
        **_shown(found[0]),
        "answers": stored,
        "last_number": last,
        "numbers_missing": last - stored,
        "numbers_used_again": await database[QUARANTINE].count_documents(reused),
        "last_heard": _when(heard["seen_at"]) if heard else None,
        "queued": heard.get("queued") if heard else None,
    }


@app.command("show")
def show(
    device: Annotated[str, typer.Argument(help="Id, as in list")],
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON")] = False,
    data: DataOption = DEFAULT_FOLDER,
) -> None:
    """One device: its answers, numbers that never came, numbers used again (a copied key).

    Of a kiosk also when it was last heard, and how many answers waited on it when it last said so.
    """
    story = _run(data, lambda database: _story(database, device))
    if story is None:
        stop(f"{device}: no such device", MISUSED)
    print_outcome(story, as_json)


@app.command("revoke")
def revocation(
    device: Annotated[str, typer.Argument(help="Id, as in list")],
    why: Annotated[str, typer.Option(help="For the audit trail")],
    data: DataOption = DEFAULT_FOLDER,
) -> None:
    """Take a device's word no more; gateways know within seconds."""
    now = datetime.now(UTC)
    try:
        _run(data, lambda database: revoke(database, device, why, operator(), now))
    except UnknownDeviceError:
        stop(f"{device}: no such device, or revoked already", MISUSED)
