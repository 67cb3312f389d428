"""The command itself: check every row, send those that count, report those that do not."""

import asyncio
import csv
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated
from uuid import UUID

import aiohttp
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from langnghe.console import FAILED, MISUSED, notes, results, stop
from langnghe.importing.convert import Converter
from langnghe.importing.mapping import Mapping, load_mapping
from langnghe.importing.rows import FileMismatchError, RejectedRow, Row, read_rows
from langnghe.importing.sending import DEVICE_LENGTH, SendingError, known, send, signing, stored
from langnghe.servers import DEFAULT_FOLDER, DataOption, settings_for, with_database
from schemas.feedback import FeedbackSubmitted, Response
from schemas.instrument import instruments
from schemas.registry import Registry
from services.gateway.registry.store import read_registry
from services.ingest.rules import judge
from services.ingest.settings import IngestSettings
from services.runtime.database import Database
from services.runtime.settings import Settings
from services.runtime.yamlfile import YamlFileError

_BATCH = 500
_SHOWN = 20
_STORED_WITHIN_SECONDS = 120.0


@dataclass
class Report:
    """What an import came to."""

    rows: int = 0
    new: int = 0
    already_there: int = 0
    rejected: list[RejectedRow] = field(default_factory=list)

    def counts(self) -> dict[str, object]:
        """The report in numbers, rejected rows by field and rule."""
        reasons = Counter(f"{row.field}: {row.rule}" for row in self.rejected)
        return {
            "rows": self.rows,
            "new": self.new,
            "already_there": self.already_there,
            "rejected": len(self.rejected),
            "reasons": dict(reasons.most_common()),
        }


@dataclass(frozen=True)
class _Numbered:
    line: int
    response: Response


class _Checker:
    """Judges rows by the very rules of ingest, so that a report can name the line."""

    def __init__(self, mapping: Mapping, registry: Registry) -> None:
        self._converter = Converter(mapping)
        self._registry = registry
        self._settings = IngestSettings()
        self._now = datetime.now(UTC)
        self._ids: dict[UUID, int] = {}

    def check(self, row: Row) -> _Numbered | RejectedRow:
        """A response that will count, or why it will not."""
        response = self._converter.convert(row)
        if isinstance(response, RejectedRow):
            return response
        first = self._ids.setdefault(response.id, row.line)
        if first != row.line:
            return RejectedRow(row.line, "id", f"stands already in line {first}")
        if len(response.device) > DEVICE_LENGTH:
            rule = f"must have at most {DEVICE_LENGTH} characters"
            return RejectedRow(row.line, "device", rule)
        submitted = FeedbackSubmitted.model_construct(**dict(response), received_at=self._now)
        rejection = judge(submitted, instruments(), self._registry, self._settings)
        if rejection is not None:
            violation = rejection.violations[0]
            return RejectedRow(row.line, violation.field, violation.rule)
        return _Numbered(row.line, response)


def _batches(
    path: Path, mapping: Mapping, checker: _Checker, report: Report
) -> Iterator[list[_Numbered]]:
    def good() -> Iterator[_Numbered]:
        for row in read_rows(path, mapping):
            report.rows += 1
            result = checker.check(row) if isinstance(row, Row) else row
            if isinstance(result, RejectedRow):
                report.rejected.append(result)
            else:
                yield result

    stream = good()
    while batch := list(islice(stream, _BATCH)):
        yield batch


async def _import(
    path: Path, mapping: Mapping, database: Database, gateway: str, dry_run: bool
) -> Report:
    report = Report()
    checker = _Checker(mapping, await read_registry(database))
    new: list[UUID] = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=notes) as progress:
        task = progress.add_task("rows read", total=None)
        async with aiohttp.ClientSession() as session, signing(database, mapping.name) as signer:
            for batch in _batches(path, mapping, checker, report):
                there = await known(database, [item.response for item in batch])
                report.already_there += len(there.same)
                report.rejected += [
                    RejectedRow(item.line, "id", "is stored already with other answers")
                    for item in batch
                    if item.response.id in there.different
                ]
                fresh = [
                    item.response
                    for item in batch
                    if item.response.id not in there.same | there.different
                ]
                if fresh and not dry_run:
                    await send(session, gateway, signer, fresh)
                new += [response.id for response in fresh]
                progress.update(task, completed=report.rows)
        progress.update(task, completed=report.rows, total=report.rows)
        report.new = len(new)
        if not dry_run:
            await _wait_until_stored(database, new, progress)
    report.rejected.sort(key=lambda row: row.line)
    return report


async def _wait_until_stored(database: Database, ids: list[UUID], progress: Progress) -> None:
    task = progress.add_task("stored", total=len(ids))
    async with asyncio.timeout(_STORED_WITHIN_SECONDS):
        while (there := await stored(database, ids)) < len(ids):
            progress.update(task, completed=there)
            await asyncio.sleep(0.5)
    progress.update(task, completed=len(ids))


def _write_report(path: Path, rejected: list[RejectedRow]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["line", "field", "rule"])
        writer.writerows((row.line, row.field, row.rule) for row in rejected)


def command(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV or NDJSON")],
    mapping: Annotated[
        Path,
        typer.Option(exists=True, dir_okay=False, help="What the columns mean, see docs/import.md"),
    ],
    dry_run: Annotated[bool, typer.Option(help="Check everything, send nothing")] = False,
    report: Annotated[
        Path | None, typer.Option(help="Write rejected rows to this CSV file: line, field, rule")
    ] = None,
    gateway: Annotated[str, typer.Option(help="Base URL of the gateway")] = "http://127.0.0.1:8080",
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON")] = False,
    data: DataOption = DEFAULT_FOLDER,
) -> None:
    """Import past answers from a file; harmless to repeat: what is there already is not added.

    Exit 0 when every row was imported or was there, 1 when some rows were rejected (the others are
    imported), 2 when the file or the mapping cannot be used.
    """

    async def run(database: Database) -> Report:
        return await _import(file, load_mapping(mapping), database, gateway, dry_run)

    try:
        outcome = with_database(settings_for(data, Settings), "import", run)
    except (YamlFileError, FileMismatchError) as error:
        stop(error, MISUSED)
    except SendingError as error:
        stop(f"the import stopped, it can be repeated: {error}", FAILED)
    except TimeoutError:
        stop("everything is sent but not all of it is stored yet; repeat to check", FAILED)
    if report is not None:
        _write_report(report, outcome.rejected)
    if as_json:
        results.print(json.dumps(outcome.counts(), ensure_ascii=False), markup=False)
    else:
        for row in outcome.rejected[:_SHOWN]:
            results.print(f"line {row.line}: {row.field}: {row.rule}", markup=False)
        if len(outcome.rejected) > _SHOWN:
            results.print(f"… and {len(outcome.rejected) - _SHOWN} more (--report keeps all)")
        verb = "would be new" if dry_run else "new"
        results.print(
            f"{outcome.rows} rows: {outcome.new} {verb}, {outcome.already_there} there already, "
            f"{len(outcome.rejected)} rejected"
        )
    if outcome.rejected:
        raise typer.Exit(FAILED)
