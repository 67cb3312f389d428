"""The commands of `langnghe rules`, a module each."""

import typer

from langnghe.console import not_installed
from langnghe.rules import check, testing

app = typer.Typer(no_args_is_help=True, help="Rule files: checked, tried and measured.")

app.command("check")(check.command)
app.command("test")(testing.command)


try:
    from langnghe.rules import evaluate
except ModuleNotFoundError:
    app.command("evaluate")(not_installed("numpy"))
else:
    app.command("evaluate")(evaluate.command)
