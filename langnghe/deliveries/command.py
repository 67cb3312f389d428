"""The commands of `langnghe deliveries`."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from langnghe.audit import operator
from langnghe.console import FAILED, MISUSED, results, stop
from langnghe.deliveries.showing import as_json, line, page
from langnghe.servers import DEFAULT_FOLDER, DataOption, settings_for, with_database
from services.gateway.audit import Act, audited
from services.notify.delivery import deliveries, endpoints
from services.notify.delivery.deliveries import BusyError, Delivery, DeliveryError, Standing
from services.runtime.clock import system_clock
from services.runtime.database import Database, Session
from services.runtime.settings import Settings

app = typer.Typer(no_args_is_help=True, help="What agencies were told, and what they were not.")

Result = TypeVar("Result")

_MOST = 1_000_000

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="msg_…, as `list` shows it")]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON, times in UTC")]


def _run(data: Path, work: Callable[[Database], Awaitable[Result]]) -> Result:
    return with_database(settings_for(data, Settings), "deliveries", work)


@app.command("list")
def list_command(
    state: Annotated[Standing | None, typer.Option(help="Only those that stand so")] = None,
    receiver: Annotated[
        str | None, typer.Option(help="Only those to one, as webhook/unit:000.00.19.H26")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="How many deliveries")] = 50,
    in_json: JsonOption = False,
    data: DataOption = DEFAULT_FOLDER,
) -> None:
    """Deliveries, newest first: to whom, of which alert, where they stand, when they go on.

    Times are local, in JSON UTC. No address is shown: it may hold a secret.
    """

    async def read(database: Database) -> list[Delivery]:
        return await deliveries.listing(database, state, receiver, limit, system_clock())

    found = _run(data, read)
    if in_json:
        values = [as_json(one) for one in found]
        results.print(json.dumps(values, ensure_ascii=False, indent=2), markup=False)
        return
    for one in found:
        results.print(line(one), markup=False)


@app.command("show")
def show_command(
    identity: IdArgument, in_json: JsonOption = False, data: DataOption = DEFAULT_FOLDER
) -> None:
    """One delivery: every attempt with what came back, and when the next one is."""

    async def read(database: Database) -> tuple[Delivery, str | None]:
        found = await deliveries.one(database, identity, system_clock())
        if found is None:
            stop(f"{identity}: no such delivery", MISUSED)
        return found, await deliveries.earlier(database, found)

    found, earlier = _run(data, read)
    text = json.dumps(as_json(found), ensure_ascii=False, indent=2) if in_json else None
    results.print(text or page(found, earlier), markup=False)


@app.command("retry")
def retry_command(identity: IdArgument, data: DataOption = DEFAULT_FOLDER) -> None:
    """Try a message that waits or was given up now, and then by the whole schedule again.

    It keeps its id. Exit 1 when something is being delivered to the receiver just now.
    """

    async def work(database: Database) -> None:
        now = system_clock()

        async def again(session: Session) -> tuple[None, Act]:
            await deliveries.retry(database, session, identity, now)
            return None, Act(operator(), "delivery.retry", identity)

        await audited(database, again, now)

    try:
        _run(data, work)
    except DeliveryError as error:
        stop(f"{identity}: {error}", MISUSED)
    except BusyError:
        stop(f"{identity}: the receiver is busy with a message, try again in a minute", FAILED)
    results.print(f"{identity}: is tried now", markup=False)


@app.command("enable")
def enable_command(
    receiver: Annotated[str, typer.Argument(help="As `list` shows it: webhook/unit:000.00.19.H26")],
    data: DataOption = DEFAULT_FOLDER,
) -> None:
    """Send to an endpoint again that answered 410, beginning with what waits for it."""

    async def work(database: Database) -> int:
        now = system_clock()

        async def again(session: Session) -> tuple[int, Act]:
            waiting = await endpoints.enable(database, receiver, None, now, session)
            if waiting is None:
                msg = "is not disabled"
                raise DeliveryError(msg)
            return waiting, Act(operator(), "endpoint.enable", receiver)

        return await audited(database, again, now)

    try:
        waiting = _run(data, work)
    except DeliveryError as error:
        stop(f"{receiver}: {error}", MISUSED)
    results.print(f"{receiver}: is enabled, {waiting} messages are tried now", markup=False)
