"""What the commands that check YAML files have in common."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from langnghe.console import FAILED, results
from services.runtime.yamlfile import YamlFileError

FilesArgument = Annotated[
    list[Path],
    typer.Argument(exists=True, dir_okay=False, readable=True, help="Files to check"),
]


def check_files(files: Sequence[Path], load: Callable[[Path], Sequence[object]], what: str) -> None:
    """Say of each file how many parts it holds, or all that is wrong with it.

    Args:
        files: to read.
        load: reads one; raises YamlFileError.
        what: its parts are called.

    Raises:
        typer.Exit: with 1, when one cannot be used.
    """
    broken = False
    for file in files:
        try:
            parts = load(file)
        except YamlFileError as error:
            broken = True
            results.print(str(error), markup=False)
        else:
            results.print(f"{file}: good, {len(parts)} {what}", markup=False)
    if broken:
        raise typer.Exit(FAILED)
