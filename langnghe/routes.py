"""`langnghe routes`: further contacts of agencies, and who would be told of an alert."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from langnghe.checking import FilesArgument, check_files
from langnghe.console import MISUSED, results, stop
from langnghe.servers import DEFAULT_FOLDER, DataOption, settings_for, with_database
from method.period import LOCAL_ZONE, local_day
from schemas.alert import Severity
from services.gateway.registry.store import read_registry
from services.notify.delivery.directory import Directory, line_of
from services.notify.delivery.recipients import channels_for, reached
from services.notify.delivery.routes import load_routes
from services.runtime.clock import system_clock
from services.runtime.settings import Settings
from services.runtime.yamlfile import YamlFileError

app = typer.Typer(no_args_is_help=True, help="Contacts of agencies by severity and hour.")


@app.command("check")
def check_command(files: FilesArgument) -> None:
    """Name everything that is wrong with route files, by line and column; never an address.

    Exit 0 when notify can use every file, 1 when it cannot use one, 2 when one is not there.
    """
    check_files(files, load_routes, "routes")


def _moment(text: str | None) -> datetime:
    if text is None:
        return system_clock()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        stop("--at: must be a time, as in 2026-11-22T23:00", MISUSED)
    return moment if moment.tzinfo else moment.replace(tzinfo=LOCAL_ZONE)


@app.command("show")
def show_command(
    scope: Annotated[str, typer.Argument(help="Registry key of an office: unit:000.00.19.H26")],
    file: Annotated[
        Path | None,
        typer.Option("--routes", exists=True, dir_okay=False, readable=True, help="Route file"),
    ] = None,
    severity: Annotated[Severity, typer.Option(help="Of the alert")] = Severity.CRITICAL,
    at: Annotated[
        str | None, typer.Option(help="When, in Vietnam unless it says otherwise; now without it")
    ] = None,
    in_json: Annotated[bool, typer.Option("--json", help="As JSON")] = False,
    data: DataOption = DEFAULT_FOLDER,
) -> None:
    """Who is told of an alert of an office, and of each level above when nobody answers.

    No address is shown: it may hold a secret. `registry` is the agency's address in the registry,
    other names are those of routes.
    """
    now = _moment(at)
    try:
        routes = load_routes(file) if file else ()
    except YamlFileError as error:
        stop(error, MISUSED)
    registry = with_database(settings_for(data, Settings), "routes", read_registry)
    line = line_of(registry, scope, local_day(now))
    if not line:
        stop("scope: must be in the registry and in force that day", MISUSED)
    directory = Directory(registry, routes)
    levels = [
        (
            entry,
            [
                (channel.value, agency, route or "registry")
                for channel in channels_for(severity)
                for agency, route in reached(directory, scope, level, channel, severity, now)
            ],
        )
        for level, entry in enumerate(line)
    ]
    if in_json:
        names = ("channel", "agency", "by")
        values = [
            {
                "agency": entry.key,
                "name": entry.name_vi,
                "told": [dict(zip(names, one, strict=True)) for one in told],
            }
            for entry, told in levels
        ]
        results.print(json.dumps(values, ensure_ascii=False, indent=2), markup=False)
        return
    for level, (entry, told) in enumerate(levels):
        results.print(f"{level}  {entry.key}  {entry.name_vi}", markup=False)
        for channel, agency, by in told:
            results.print(f"   {channel:7}  {agency}  {by}", markup=False)
        if not told:
            results.print("   nobody: it has no address", markup=False)
