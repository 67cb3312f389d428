"""What commands share to talk to people: results on standard output, everything else on error."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

import typer
from rich.console import Console

FAILED: Final = 1
"""Exit code: it was tried and did not succeed, or a check found something wrong."""

MISUSED: Final = 2
"""Exit code: the call or a file it names is wrong; nothing was done."""

IN_USE: Final = 3
"""Exit code: another stack uses the data folder."""

# Without emoji: rich would turn the place `rules.yaml:100:5` into a picture.
notes = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
results = Console(highlight=False, soft_wrap=True, emoji=False)


def print_outcome(values: Mapping[str, Any], as_json: bool) -> None:
    """What a command came to, on standard output: as JSON, or a line for each name."""
    if as_json:
        results.print(json.dumps(values, ensure_ascii=False, indent=2), markup=False)
        return
    width = max(map(len, values))
    for name, value in values.items():
        results.print(f"{name:>{width}}: {value}", markup=False)


def not_installed(what: str) -> Callable[[], None]:
    """A command that needs what the extra `local` brings, where it is not installed.

    So in the container image.

    Args:
        what: a thing that is missing, as in "numpy".
    """

    def command() -> None:
        """Not in the container image: needs the extra `local`."""
        stop(f"this needs {what}: install langnghe[local]", MISUSED)

    return command


def stop(message: object, code: int) -> NoReturn:
    """Say why on standard error and end with an exit code."""
    notes.print(str(message), style="red", markup=False)
    raise typer.Exit(code)
