"""`langnghe rules check`: what is wrong with a rule file, before notify reads it."""

from pathlib import Path
from typing import Annotated

import typer

from langnghe.console import FAILED, results
from services.notify.rules.file import load_rules
from services.runtime.yamlfile import YamlFileError


def command(
    files: Annotated[
        list[Path],
        typer.Argument(exists=True, dir_okay=False, readable=True, help="Rule files"),
    ],
) -> None:
    """Name everything that is wrong with rule files, by line and column.

    Exit 0 when notify can use every file, 1 when it cannot use one, 2 when one is not there.
    """
    broken = False
    for file in files:
        try:
            rules = load_rules(file)
        except YamlFileError as error:
            broken = True
            results.print(str(error), markup=False)
        else:
            results.print(f"{file}: good, {len(rules)} rules", markup=False)
    if broken:
        raise typer.Exit(FAILED)
