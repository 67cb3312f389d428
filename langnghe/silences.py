"""`langnghe silences`: keep alerts from agencies for a while, and say who does it and why."""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import TypeAdapter, ValidationError

from langnghe.audit import operator
from langnghe.console import MISUSED, results, stop
from langnghe.quarantine.showing import local
from langnghe.servers import DEFAULT_FOLDER, DataOption, settings_for, with_database
from schemas.feedback import Violation
from schemas.scope import COUNTRY
from services.gateway.audit import Act, audited
from services.gateway.registry.store import read_registry
from services.notify.alerts import silences
from services.notify.alerts.silences import LONGEST, Silence, SilenceError
from services.notify.rules.kinds import Duration
from services.runtime.clock import system_clock
from services.runtime.database import Database, Session
from services.runtime.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Alerts that agencies are not told of for a while.")

Result = TypeVar("Result")

_DURATION: TypeAdapter[Duration] = TypeAdapter(Duration)

ByOption = Annotated[
    str | None, typer.Option("--by", help="Who wants it; without it, who runs this command")
]


def _run(data: Path, work: Callable[[Database], Awaitable[Result]]) -> Result:
    return with_database(settings_for(data, Settings), "silences", work)


def _line(silence: Silence, now: datetime) -> str:
    ended = silence.ended_at
    end = f"ended {local(ended)}" if ended else f"until {local(silence.until)}"
    return "  ".join(
        [
            silence.id,
            "holds" if silence.holds(now) else "over",
            silence.scope,
            silence.rule or "all rules",
            end,
            silence.author,
            silence.reason,
        ]
    )


@app.command("list")
def list_command(
    over: Annotated[bool, typer.Option("--all", help="Also those that are over")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many of them, at most")] = 100,
    in_json: Annotated[bool, typer.Option("--json", help="As JSON, times in UTC")] = False,
    data: DataOption = DEFAULT_FOLDER,
) -> None:
    """Silences, newest first: where, of which rule, until when, by whom, why."""
    now = system_clock()

    async def read(database: Database) -> list[Silence]:
        if over:
            return await silences.every(database, limit)
        return await silences.in_force(database, now)

    found = _run(data, read)
    if in_json:
        values = [one.model_dump(mode="json") | {"holds": one.holds(now)} for one in found]
        results.print(json.dumps(values, ensure_ascii=False, indent=2), markup=False)
        return
    for one in found:
        results.print(_line(one, now), markup=False)


def _made(scope: str, for_: str, reason: str, rule: str | None, author: str) -> Silence:
    now = system_clock()
    try:
        length = _DURATION.validate_python(for_)
    except ValidationError:
        stop("--for: must be a whole number and s, m, h or d, as in 3d", MISUSED)
    if not timedelta(0) < length <= LONGEST:
        stop(f"--for: must be more than nothing, and {LONGEST.days}d at most", MISUSED)
    until = now + length
    try:
        return Silence(scope=scope, rule=rule, author=author, reason=reason, since=now, until=until)
    except ValidationError as error:
        stop("\n".join(f"{v.field}: {v.rule}" for v in Violation.all_of(error)), MISUSED)


@app.command("add")
def add_command(
    scope: Annotated[
        str,
        typer.Argument(help="Registry key, as unit:000.00.19.H26: it and all below; or country"),
    ],
    for_: Annotated[str, typer.Option("--for", help="How long, as in 6h; 30d at most")],
    reason: Annotated[str, typer.Option(help="Why, without personal data")],
    rule: Annotated[str | None, typer.Option(help="Only alerts of this rule")] = None,
    by: ByOption = None,
    data: DataOption = DEFAULT_FOLDER,
) -> None:
    """Keep alerts of a scope from agencies: they fire and are on the screen, nobody is told.

    What still fires when the silence is over is told then. In the audit trail: silence.add.
    """
    who = operator()
    silence = _made(scope, for_, reason, rule, who.name if by is None else by)

    async def work(database: Database) -> None:
        if scope != COUNTRY and not (await read_registry(database)).knows(scope):
            stop("scope: must be in the registry", MISUSED)
        details = {
            "scope": silence.scope,
            "rule": silence.rule or "",
            "until": silence.until.isoformat(),
            "by": silence.author,
            "reason": silence.reason,
        }

        async def begin(session: Session) -> tuple[None, Act]:
            await silences.add(database, silence, session)
            return None, Act(who, "silence.add", silence.id, details)

        await audited(database, begin, silence.since)

    _run(data, work)
    results.print(f"{silence.id}: holds until {local(silence.until)}", markup=False)


@app.command("end")
def end_command(
    identity: Annotated[str, typer.Argument(metavar="ID", help="sil_…, as `list` shows it")],
    by: ByOption = None,
    data: DataOption = DEFAULT_FOLDER,
) -> None:
    """End a silence before its time; what still fires is told within seconds."""
    who = operator()

    async def work(database: Database) -> None:
        now = system_clock()

        async def over(session: Session) -> tuple[None, Act]:
            await silences.end(database, identity, now, session)
            return None, Act(who, "silence.end", identity, {"by": who.name if by is None else by})

        await audited(database, over, now)

    try:
        _run(data, work)
    except SilenceError as error:
        stop(f"{identity}: {error}", MISUSED)
    results.print(f"{identity}: is over", markup=False)
