"""The commands of `langnghe quarantine`."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer
from aiokafka.errors import KafkaError

from langnghe.console import FAILED, MISUSED, notes, results, stop
from langnghe.quarantine import acting
from langnghe.quarantine.showing import as_json, harmless, line, local, page
from langnghe.servers import DEFAULT_FOLDER, DataOption, settings_for, with_database
from method.counted import RULES, Exclusion
from schemas.feedback import FeedbackSubmitted
from services.ingest import resolution
from services.ingest.resolution import Aside
from services.runtime import identity
from services.runtime.database import Database
from services.runtime.producer import KafkaUnavailableError
from services.runtime.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Records that were set aside: look, send, discard.")

_MOST = 1_000_000

NameArgument = Annotated[str, typer.Argument(help="topic/partition/offset, as `list` shows it")]
NamesArgument = Annotated[
    list[str], typer.Argument(help="topic/partition/offset, as `list` shows it")
]
ReasonOption = Annotated[Exclusion | None, typer.Option(help="Only records of this reason")]


def _run(data: Path, work: Callable[[Database, Settings], Awaitable[None]]) -> None:
    """Do work on the database of a stack; a server that is away ends the command."""
    settings = settings_for(data, Settings)
    try:
        with_database(settings, "quarantine", lambda database: work(database, settings))
    except KafkaUnavailableError as error:
        stop(f"Kafka at {error} does not answer; what is not reported as sent is open", FAILED)
    except (KafkaError, identity.IdentityError) as error:
        stop(error, FAILED)


async def _find(database: Database, name: str) -> Aside:
    aside = await resolution.one(database, name)
    if aside is None:
        stop(f"{name}: no such record", MISUSED)
    return aside


async def _find_open(database: Database, names: list[str]) -> list[Aside]:
    """The records of these names, once each; all of them open."""
    found = [await _find(database, name) for name in dict.fromkeys(names)]
    for aside in found:
        if (done := aside.resolution) is not None:
            stop(f"{aside.id}: was {done.kind} on {local(done.at)} by {done.by}", MISUSED)
    return found


async def _counts(database: Database, in_json: bool) -> None:
    counts = await resolution.open_reasons(database)
    if in_json:
        values = {name.value: n for name, n in counts.items()}
        results.print(json.dumps(values, indent=2), markup=False)
        return
    for name, n in counts.items():
        rule = RULES[name]
        results.print(f"{n:>7}  {name.value}  {rule.vi} / {rule.en}", markup=False)


@app.command("list")
def list_command(
    data: DataOption = DEFAULT_FOLDER,
    reason: ReasonOption = None,
    unit: Annotated[str | None, typer.Option(help="Only records of this unit")] = None,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="How many records")] = 50,
    in_json: Annotated[bool, typer.Option("--json", help="As JSON")] = False,
) -> None:
    """How many records wait, by reason; with --reason or --unit the records, newest first.

    Shows nothing of what a citizen wrote. Times are local, in JSON UTC.
    """

    async def work(database: Database, _: Settings) -> None:
        if reason is None and unit is None:
            await _counts(database, in_json)
            return
        found = await resolution.open_records(database, reason, unit, limit)
        if in_json:
            values = [as_json(aside) for aside in found]
            results.print(json.dumps(values, ensure_ascii=False, indent=2), markup=False)
            return
        for aside in found:
            results.print(harmless(line(aside)), markup=False)

    _run(data, work)


@app.command("show")
def show_command(name: NameArgument, data: DataOption = DEFAULT_FOLDER) -> None:
    """All of one record, with what was written: the look is written into the audit trail."""

    async def work(database: Database, _: Settings) -> None:
        aside = await _find(database, name)
        await acting.look(database, aside)
        results.print(harmless(page(aside)), markup=False)

    _run(data, work)


def _valid(
    found: list[Aside], content: bytes | None
) -> tuple[list[tuple[Aside, FeedbackSubmitted]], list[str]]:
    """Records with the response to send, and what is wrong with the others."""
    valid: list[tuple[Aside, FeedbackSubmitted]] = []
    problems: list[str] = []
    for aside in found:
        response = resolution.to_send(aside.value, content)
        if isinstance(response, FeedbackSubmitted):
            valid.append((aside, response))
        else:
            broken = "; ".join(f"{v.field}: {v.rule}" for v in response)
            problems.append(f"{aside.id}: is no valid response: {broken}")
    return valid, problems


@app.command("replay")
def replay_command(
    names: Annotated[
        list[str] | None, typer.Argument(help="topic/partition/offset, as `list` shows it")
    ] = None,
    reason: ReasonOption = None,
    file: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Send this JSON in place of the record"),
    ] = None,
    edit: Annotated[bool, typer.Option("--edit", help="Edit the record in $EDITOR first")] = False,
    data: DataOption = DEFAULT_FOLDER,
) -> None:
    """Send records to ingest again, as they came or edited; exit 1 if one is no valid response.

    A record keeps its id, by which it counts once, and the time when it was received, from which
    lateness is measured. What is no valid response is not sent and stays open.
    """
    if bool(names) == (reason is not None):
        stop("name records, or --reason: one of the two", MISUSED)
    edited = edit or file is not None
    if edited and (len(names or []) != 1 or (edit and file)):
        stop("--file or --edit: one of them, with one record", MISUSED)

    async def work(database: Database, settings: Settings) -> None:
        if reason is not None:
            newest_first = await resolution.open_records(database, reason, None, _MOST)
            found = newest_first[::-1]
        else:
            found = await _find_open(database, names or [])
        content = file.read_bytes() if file else None
        if edit:
            await acting.look(database, found[0])
            try:
                content = await asyncio.to_thread(acting.edit, found[0].value)
            except acting.EditorError as error:
                stop(error, MISUSED)
        valid, problems = _valid(found, content)
        if valid:
            await acting.replay(database, settings, valid, edited=edited)
        for problem in problems:
            notes.print(harmless(problem), style="red", markup=False)
        if problems:
            raise typer.Exit(FAILED)

    _run(data, work)


@app.command("discard")
def discard_command(
    names: NamesArgument,
    why: Annotated[str, typer.Option(help="The reason, for the audit trail; no personal data")],
    data: DataOption = DEFAULT_FOLDER,
) -> None:
    """Leave records aside for good. They are kept, with the reason and who said so."""
    if not why.strip():
        stop("--why: must say something", MISUSED)

    async def work(database: Database, _: Settings) -> None:
        await acting.discard(database, await _find_open(database, names), why)

    _run(data, work)
