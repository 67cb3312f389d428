"""The command line: `langnghe --help`.

A command is imported when it is asked for: a service needs half of the memory that all take.
"""

from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

from langnghe.console import not_installed

_COMMANDS: Final = {
    "up": "langnghe.up:command",
    "demo": "langnghe.demo.command:command",
    "chaos": "langnghe.chaos.command:command",
    "simulate": "langnghe.simulate:command",
    "import": "langnghe.importing.command:command",
    "webhook-secret": "langnghe.webhook:command",
    "prepare": "langnghe.prepare:command",
    "run": "langnghe.run:command",
    "backup": "langnghe.backup.command:backup_command",
    "restore": "langnghe.backup.command:restore_command",
    "commendations": "langnghe.commendations:command",
    "registry": "langnghe.registry:app",
    "verify": "langnghe.verify:app",
    "rebuild": "langnghe.rebuild:command",
    "rules": "langnghe.rules.command:app",
    "routes": "langnghe.routes:app",
    "accounts": "langnghe.accounts:app",
    "audit": "langnghe.audit:app",
    "devices": "langnghe.devices:app",
    "tokens": "langnghe.tokens:app",
    "quarantine": "langnghe.quarantine.command:app",
    "contacts": "langnghe.contacts:app",
    "deliveries": "langnghe.deliveries.command:app",
    "silences": "langnghe.silences:app",
}
_WITH_SERVERS: Final = ("up", "demo", "chaos")
"""They start a Kafka and a MongoDB of their own, for which a container image has no packages."""


class _Commands(TyperGroup):
    """All commands, each loaded when it is first asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  # as typer has it
        """Their names, in the order of the help."""
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002  # as typer has it
        """One of them, or None."""
        return _load(cmd_name) if cmd_name in _COMMANDS else None


def _load(name: str) -> Any:
    module, _, attribute = _COMMANDS[name].partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except ModuleNotFoundError:
        if name not in _WITH_SERVERS:
            raise
        found = not_installed("a Kafka and a MongoDB of its own")
    if isinstance(found, typer.Typer):
        command: Any = get_group(found)
    else:
        alone = typer.Typer(add_completion=False)
        alone.command(name)(found)
        command = get_command(alone)
    command.name = name
    return command


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Lắng Nghe: measures satisfaction with the public administration, live, and acts on it.",
)


@app.callback()
def _all() -> None:
    """Typer makes a group of what has a callback."""
