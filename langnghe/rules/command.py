"""The commands of `langnghe rules`, a module each."""

import typer

from langnghe.console import MISUSED, stop
from langnghe.rules import check, testing

app = typer.Typer(no_args_is_help=True, help="Rule files: checked, tried and measured.")

app.command("check")(check.command)
app.command("test")(testing.command)


def _not_here() -> None:
    """Needs the extra `local`: pip install langnghe[local]."""
    stop("this needs numpy: install langnghe[local]", MISUSED)


try:
    from langnghe.rules import evaluate
except ModuleNotFoundError:  # as in the container image
    app.command("evaluate")(_not_here)
else:
    app.command("evaluate")(evaluate.command)
