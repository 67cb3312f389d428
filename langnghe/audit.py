"""`langnghe audit`: read the audit trail, and check that nobody touched it."""

import getpass
import os
import re
from typing import Annotated

import typer

from langnghe.console import FAILED, MISUSED, notes, results, stop
from langnghe.servers import DEFAULT_FOLDER, DataOption, settings_for, with_database
from method.period import LOCAL_ZONE
from services.gateway import audit
from services.gateway.audit import Actor, Entry, Head
from services.runtime.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The trail of every write and look, hash-chained.")


def operator() -> Actor:
    """Who runs this command, for the trail: LOGNAME, else the operating system's user."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user has a number alone
        name = f"uid {os.getuid()}"
    return Actor(kind="command", name=name, role="command")


def _head(text: str | None) -> Head | None:
    if text is None:
        return None
    match = re.fullmatch(r"([1-9][0-9]*):([0-9a-f]{64})", text)
    if match is None:
        stop("--head: must be NUMBER:HASH, as the gateway and commands log it", MISUSED)
    return Head(int(match[1]), match[2])


@app.command("verify")
def verify(
    data: DataOption = DEFAULT_FOLDER,
    head: Annotated[
        str | None,
        typer.Option(help="A head from a log, NUMBER:HASH: the trail must still contain it"),
    ] = None,
) -> None:
    """Walk the chain; exit 1 if an entry was changed, removed or moved."""
    known = _head(head)
    newest, problems = with_database(
        settings_for(data, Settings), "audit", lambda database: audit.verify(database, known)
    )
    for problem in problems:
        notes.print(problem, style="red", markup=False)
    results.print(f"{newest.number} entries, head {newest}", markup=False)
    if problems:
        raise typer.Exit(FAILED)


def _line(entry: Entry) -> str:
    at = entry.at.astimezone(LOCAL_ZONE).strftime("%Y-%m-%d %H:%M:%S")
    details = " ".join(f"{name}={value}" for name, value in entry.details.items())
    who = f"{entry.actor.name} ({entry.actor.role})"
    return f"{entry.number:>6}  {at}  {who}  {entry.action}  {entry.about}  {details}".rstrip()


@app.command("list")
def listing(
    data: DataOption = DEFAULT_FOLDER,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many entries")] = 50,
) -> None:
    """The newest entries, newest first, in local time."""
    found = with_database(
        settings_for(data, Settings), "audit", lambda database: audit.entries(database, None, limit)
    )
    for entry in found:
        results.print(_line(entry), markup=False)
