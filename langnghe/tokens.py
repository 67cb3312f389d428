"""`langnghe tokens issue`: dossier tokens to print on receipts and results."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from langnghe.audit import operator
from langnghe.console import MISUSED, stop
from langnghe.servers import DEFAULT_FOLDER, DataOption, settings_for, with_database
from method.period import local_day
from schemas.feedback import Stage
from services.gateway import audit
from services.gateway.audit import Act
from services.gateway.intake import tokens
from services.gateway.registry.store import read_registry
from services.gateway.settings import GatewaySettings
from services.runtime.database import Database

app = typer.Typer(no_args_is_help=True, help="One vote for each step of a dossier.")


@app.callback()
def _only_issues() -> None:
    """Make `issue` a command of its own, though it is the only one."""


@app.command("issue")
def issue(
    unit: Annotated[str, typer.Option(help="Agency code of the office")],
    stage: Annotated[Stage, typer.Option(help="Step of the dossier")],
    site: Annotated[
        str | None,
        typer.Option(help="Address of the gateway: print links to be shown as QR codes"),
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=100_000, help="How many")] = 1,
    days: Annotated[int, typer.Option(min=1, max=365, help="Good for so many days")] = 60,
    data: DataOption = DEFAULT_FOLDER,
) -> None:
    """Print tokens, one a line. Needs LANGNGHE_TOKEN_KEY, the gateway's.

    A token knows nothing of the dossier it is printed for, and nothing here keeps which it was.
    """
    settings = settings_for(data, GatewaySettings)
    if (key := settings.token_key) is None:
        stop("LANGNGHE_TOKEN_KEY: must be set, to the gateway's key", MISUSED)
    now = datetime.now(UTC)
    good_until = local_day(now) + timedelta(days=days)

    async def note_if_known(database: Database) -> bool:
        registry = await read_registry(database)
        if registry.on(f"unit:{unit}", local_day(now)) is None:
            return False
        details = {"stage": stage.value, "count": str(count), "good_until": str(good_until)}
        await audit.note(database, Act(operator(), "token.issue", f"unit:{unit}", details), now)
        return True

    if not with_database(settings, "tokens", note_if_known):
        stop(f"--unit: {unit} is not in the registry today", MISUSED)
    for _ in range(count):
        token = tokens.issue(unit, stage, good_until)
        printed = tokens.seal(token, key.get_secret_value().encode())
        print(f"{site.rstrip('/')}/rate/{unit}/{stage}#{printed}" if site else printed)
