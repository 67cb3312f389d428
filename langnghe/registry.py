"""`langnghe registry load`: the registry from CSV files, all of it or nothing."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from langnghe.console import MISUSED, notes, results, stop
from langnghe.servers import DEFAULT_FOLDER, DataOption, settings_for, with_database
from services.gateway.registry.store import RegistryError, load
from services.runtime.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Load the registry of units.")

_SHOWN = 50


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
        entries = with_database(
            settings_for(data, Settings), "registry", lambda database: load(database, files)
        )
    except RegistryError as error:
        for row_error in error.errors[:_SHOWN]:
            results.print(str(row_error), markup=False)
        if len(error.errors) > _SHOWN:
            results.print(f"… and {len(error.errors) - _SHOWN} more")
        stop(error, MISUSED)
    kinds = Counter(entry.kind.value for entry in entries)
    notes.print("loaded " + ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())))
