"""Which servers a command talks to: those of the environment, else those of a running stack."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import ValidationError

from deploy.local.record import read_record
from langnghe.console import FAILED, MISUSED, stop
from services.runtime import logs
from services.runtime.database import Database, DatabaseError
from services.runtime.settings import Settings

Kind = TypeVar("Kind", bound=Settings)
Result = TypeVar("Result")

DEFAULT_FOLDER = Path(".langnghe/stack")

DataOption = Annotated[
    Path, typer.Option("--data", help="Data folder of the stack that `langnghe up` runs")
]


def problems(error: ValidationError) -> str:
    """What is wrong with settings, a line for each; never a value, which may be a secret."""
    lines = []
    for detail in error.errors(include_input=False):
        name = ".".join(map(str, detail["loc"])).upper()
        variable = name if name in {"KAFKA_URL", "MONGO_URL"} else f"LANGNGHE_{name}"
        lines.append(f"{variable}: {detail['msg']}" if name else detail["msg"])
    return "\n".join(lines)


def settings_for(folder: Path, kind: type[Kind]) -> Kind:
    """Settings from the environment; the servers also from the stack of a data folder."""
    known = read_record(folder)
    for name in ("kafka_url", "mongo_url"):
        if name in known:
            os.environ.setdefault(name.upper(), known[name])
    try:
        return kind()
    except ValidationError as error:
        stop(problems(error), MISUSED)


def with_database(
    settings: Settings, application: str, work: Callable[[Database], Awaitable[Result]]
) -> Result:
    """Do a command's work on the database; one that does not answer ends the command.

    Logging is on: a command that writes to the audit trail tells the new head there.
    """
    logs.configure(settings.log_level)

    async def whole() -> Result:
        database = Database.of(settings, application=application)
        try:
            return await work(database)
        finally:
            database.close()

    try:
        return asyncio.run(whole())
    except DatabaseError as error:
        stop(error, FAILED)
