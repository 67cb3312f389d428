"""`langnghe registry load`: the registry from CSV files, all of it or nothing."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from langnghe.console import FAILED, MISUSED, notes, results, stop
from langnghe.servers import DEFAULT_FOLDER, DataOption, settings_for
from schemas.registry import RegistryEntry
from services.gateway.registry.store import RegistryError, load
from services.runtime.database import Database, DatabaseError
from services.runtime.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Load the registry of units.")

_SHOWN = 50


async def load_files(settings: Settings, files: list[Path]) -> list[RegistryEntry]:
    """Load CSV files into the registry; see services.gateway.registry.store.load."""
    database = Database.of(settings, application="registry")
    try:
        return await load(database, files)
    finally:
        database.close()


@app.command(name="load")
def load_command(
    files: Annotated[
        list[Path],
        typer.Argument(exists=True, dir_okay=False, help="CSV files; rows may refer to each other"),
    ],
    data: DataOption = DEFAULT_FOLDER,
) -> None:
    """Check CSV files as a whole and load them: every row, or none.

    Columns: kind (ministry, province, commune, unit, field), code, name_vi, name_en, parent
    (kind:code or country), valid_from (first day in force), valid_to (first day no longer in
    force), predecessors and successors (kind:code, several with ;), email, webhook. A row replaces
    the entry with the same kind, code and valid_from.
    """
    try:
        entries = asyncio.run(load_files(settings_for(data), files))
    except RegistryError as error:
        for row_error in error.errors[:_SHOWN]:
            results.print(str(row_error), markup=False)
        if len(error.errors) > _SHOWN:
            results.print(f"… and {len(error.errors) - _SHOWN} more")
        stop(error, MISUSED)
    except DatabaseError as error:
        stop(error, FAILED)
    kinds = Counter(entry.kind.value for entry in entries)
    notes.print("loaded " + ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())))
