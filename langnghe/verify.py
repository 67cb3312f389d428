"""`langnghe verify indices`: an independent recount of every index from the stored responses.

It shares no pipeline with scoring: it reads every response, cuts days and hours by itself and
compares with buckets, tallies and indices.
"""

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.progress import Progress

from langnghe.console import FAILED, notes, results
from langnghe.servers import DEFAULT_FOLDER, DataOption, settings_for, with_database
from method.change import design
from method.definition import definition_of
from method.figure import figure
from method.period import LOCAL_ZONE
from schemas.collections import BUCKETS, CHARTS, INDICES, POSITIONS, RESPONSES, TALLIES
from schemas.counts import counts_of
from schemas.figure import LEVELS
from schemas.index import IndexUpdated, WindowFigures
from schemas.instrument import OVERALL
from services.runtime.database import Database
from services.runtime.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Check what is stored against what it came from.")

_SHOWN = 20


def _hour(moment: datetime) -> str:
    return moment.astimezone(LOCAL_ZONE).strftime("%Y-%m-%dT%H")


@dataclass
class Recount:
    """Answers by scope, item and local hour, counted from the responses alone."""

    responses: int = 0
    charted: Counter[str] = field(default_factory=Counter)
    hours: dict[tuple[str, str], dict[str, list[int]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(lambda: [0] * len(LEVELS)))
    )

    def add(self, response: dict[str, Any]) -> None:
        """Count one stored response at every scope that it belongs to."""
        self.responses += 1
        hour = _hour(response["occurred_at"])
        age = response["received_at"] - response["occurred_at"]
        if OVERALL in response["answers"] and age <= design().late_after:
            self.charted[response["unit"]] += 1
        scopes = [f"unit:{response['unit']}", *response["above"]]
        if response.get("field"):
            scopes.append(f"field:{response['field']}")
        for item, level in response["answers"].items():
            for scope in scopes:
                self.hours[scope, item][hour][level - 1] += 1

    def between(self, scope: str, item: str, start: datetime, end: datetime) -> list[int]:
        """Answers at each level from `start` up to, not with, `end`."""
        hours = self.hours.get((scope, item), {})
        counts = [0] * len(LEVELS)
        moment = start
        while moment < end:
            for place, n in enumerate(hours.get(_hour(moment), ())):
                counts[place] += n
            moment += timedelta(hours=1)
        return counts


@dataclass
class Report:
    """What was compared, and every difference found."""

    responses: int = 0
    indices: int = 0
    figures: int = 0
    tallies: int = 0
    differences: list[str] = field(default_factory=list)

    def compare(self, what: str, stored: object, recounted: object) -> None:
        """Note a difference, if there is one."""
        if stored != recounted:
            self.differences.append(f"{what}: stored {stored}, recounted {recounted}")


def _check_window(
    report: Report, recount: Recount, index: IndexUpdated, name: str, window: WindowFigures
) -> None:
    definition = definition_of(index.method)
    length = window.end - window.start
    for label, shift, stored in (
        ("current", timedelta(0), window.current),
        ("previous", length, window.previous),
    ):
        one, two, three, four, five = recount.between(
            index.scope, index.item, window.start - shift, window.end - shift
        )
        expected = figure((one, two, three, four, five), definition)
        report.figures += 1
        report.compare(f"{index.scope} {index.item} {name} {label}", stored, expected)


async def _check_indices(report: Report, recount: Recount, database: Database) -> None:
    seen: set[tuple[str, str]] = set()
    async for document in database[INDICES].find({}, {"_id": 0, "kind": 0}):
        index = IndexUpdated.model_validate(document, strict=False)
        seen.add((index.scope, index.item))
        report.indices += 1
        for name, window in index.windows.items():
            _check_window(report, recount, index, name, window)
    report.differences += [
        f"{scope} {item}: no index is stored"
        for scope, item in recount.hours
        if (scope, item) not in seen
    ]


async def _check_tallies(report: Report, recount: Recount, database: Database) -> None:
    async for tally in database[TALLIES].find({}):
        day = datetime.combine(date.fromisoformat(tally["period"]), datetime.min.time(), LOCAL_ZONE)
        expected = recount.between(tally["scope"], tally["item"], day, day + timedelta(days=1))
        report.tallies += 1
        report.compare(tally["_id"], list(counts_of(tally)), expected)


async def _check_buckets(report: Report, recount: Recount, database: Database) -> None:
    stored: Counter[tuple[str, str, str, int]] = Counter()
    async for bucket in database[BUCKETS].find({}):
        for hour, counts in bucket["h"].items():
            for level in LEVELS:
                key = (bucket["unit"], bucket["item"], f"{bucket['day']}T{hour}", level)
                stored[key] += counts.get(f"n{level}", 0)
    expected: Counter[tuple[str, str, str, int]] = Counter()
    for (scope, item), hours in recount.hours.items():
        if scope.startswith("unit:"):
            unit = scope.removeprefix("unit:")
            for hour, counts in hours.items():
                for level, n in zip(LEVELS, counts, strict=True):
                    expected[unit, item, hour, level] += n
    for key in sorted(stored.keys() | expected.keys()):
        report.compare(f"bucket {key}", stored[key], expected[key])


async def _check_charts(report: Report, recount: Recount, database: Database) -> None:
    stored = {chart["_id"]: chart["answers"] async for chart in database[CHARTS].find({})}
    for unit in sorted(stored.keys() | recount.charted.keys()):
        report.compare(f"chart {unit} answers", stored.get(unit, 0), recount.charted[unit])


async def settled(database: Database) -> bool:
    """Whether scoring has applied and refreshed every stored response."""
    newest: dict[int, int] = {}
    async for row in database.aggregate(
        RESPONSES, [{"$group": {"_id": "$source.partition", "offset": {"$max": "$source.offset"}}}]
    ):
        newest[row["_id"]] = row["offset"]
    refreshed = {
        position["partition"]: position["refreshed"]
        async for position in database[POSITIONS].find({})
    }
    return all(refreshed.get(partition, -1) >= offset for partition, offset in newest.items())


async def verify(database: Database, *, patience: float, progress: Progress | None) -> Report:
    """Recount everything.

    Args:
        database: to check.
        patience: seconds to wait for scoring to catch up before comparing.
        progress: to show, if any.
    """
    try:
        async with asyncio.timeout(patience):
            while not await settled(database):
                await asyncio.sleep(0.2)
    except TimeoutError:
        return Report(differences=[f"scoring has not caught up within {patience:.0f} s"])
    recount = Recount()
    total = await database[RESPONSES].estimated_document_count()
    task = progress.add_task("responses", total=total) if progress else None
    names = ("unit", "above", "field", "answers", "occurred_at", "received_at")
    fields = dict.fromkeys(names, 1)
    async for response in database[RESPONSES].find({}, fields):
        recount.add(response)
        if progress and task is not None and recount.responses % 1000 == 0:
            progress.update(task, completed=recount.responses)
    report = Report(responses=recount.responses)
    await _check_buckets(report, recount, database)
    await _check_tallies(report, recount, database)
    await _check_indices(report, recount, database)
    await _check_charts(report, recount, database)
    return report


@app.command("indices")
def indices_command(
    data: DataOption = DEFAULT_FOLDER,
    patience: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for scoring to catch up")
    ] = 30.0,
) -> None:
    """Recount every index from the stored responses; exit 1 if one differs."""

    async def run(database: Database) -> Report:
        with Progress(console=notes, transient=True) as progress:
            return await verify(database, patience=patience, progress=progress)

    report = with_database(settings_for(data, Settings), "verify", run)
    results.print(
        f"{report.responses} responses recounted: {report.indices} indices, "
        f"{report.figures} figures and {report.tallies} day tallies compared, "
        f"{len(report.differences)} differences"
    )
    for difference in report.differences[:_SHOWN]:
        results.print(difference, markup=False)
    if report.differences:
        raise typer.Exit(FAILED)
