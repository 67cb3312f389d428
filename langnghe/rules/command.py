"""The commands of `langnghe rules`."""

import typer

from langnghe.console import MISUSED, stop

app = typer.Typer(no_args_is_help=True, help="Rule files: checked, tried and measured.")


@app.callback()
def _rules() -> None:
    """Make a command of its own of each, though there is one."""


def _not_here() -> None:
    """Needs the extra `local`: pip install langnghe[local]."""
    stop("this needs numpy: install langnghe[local]", MISUSED)


try:
    from langnghe.rules import evaluate
except ModuleNotFoundError:  # as in the container image
    app.command("evaluate")(_not_here)
else:
    app.command("evaluate")(evaluate.command)
