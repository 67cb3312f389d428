"""The command: a stack in a fresh folder, a receiver for alerts, one run."""

import math
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from deploy.local.stack import GATEWAY_PORT, Stack
from langnghe.console import FAILED, MISUSED, notes, print_outcome
from langnghe.demo.run import Demo
from langnghe.rehearsal import DATABASE, DEMO_FILES, MASTER_KEY, empty_folder, environment
from langnghe.servers import DataOption
from langnghe.up import announce, progress, run_stack, stack_options
from schemas.collections import RESPONSES
from services.runtime.database import Database
from simulator.agency import Agency, Delivery

_FOLDER = Path(".langnghe/demo")


def _show(delivery: Delivery) -> None:
    progress(f"{delivery.channel} arrived at {delivery.scope}: {delivery.state}")
    for line in delivery.text.strip().splitlines()[:6]:
        progress(f"    {line}")


async def _demo(
    folder: Path, *, port: int, rate: float, seconds: float, seed: int, as_json: bool
) -> int:
    agency = Agency(MASTER_KEY, _show)
    async with agency.listening():
        options = stack_options(
            folder,
            port=port,
            rules=DEMO_FILES / "rules.yaml",
            environment=environment(agency),
        )
        async with Stack(options).running() as addresses:
            announce(addresses)
            database = Database(addresses.mongo_url, DATABASE, application="demo")
            try:
                if await database[RESPONSES].estimated_document_count():
                    notes.print(
                        "this database holds responses already; the demo would mix invented ones "
                        "with them, so it stops. Nothing was changed.",
                        style="red",
                    )
                    return MISUSED
                outcome = await Demo(addresses, database, agency).run(rate, seconds, seed)
            finally:
                database.close()
    print_outcome(asdict(outcome), as_json)
    reached = outcome.alerted or seconds == math.inf
    return 0 if outcome.exact and reached else FAILED


def command(
    seconds: Annotated[
        float,
        typer.Option(
            "--for",
            min=10,
            help="End after so many seconds of load; 45 or more for the alert to arrive",
            show_default="until Ctrl-C",
        ),
    ] = math.inf,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON")] = False,
    rate: Annotated[float, typer.Option(min=1, help="Answers a second, over all offices")] = 60.0,
    seed: Annotated[int, typer.Option(help="The same seed, the same answers")] = 2026,
    port: Annotated[int, typer.Option(help="Preferred port of the gateway")] = GATEWAY_PORT,
    data: DataOption = _FOLDER,
) -> None:
    """Run everything on this machine with invented citizens, and watch one office fail.

    Starts a real Kafka, a real MongoDB and the four services in a fresh folder, sends two days of
    history and then live answers with duplicates, late and malformed ones among them. After 15
    seconds satisfaction at one office falls; its alert arrives at a webhook receiver and in a
    mailbox. Exit 1 if anything was lost, counted twice or differs from a recount, if another
    office was alarmed, or, with --for, if the alert did not arrive.
    """

    async def fresh() -> int:
        empty_folder(data, data)
        return await _demo(data, port=port, rate=rate, seconds=seconds, seed=seed, as_json=as_json)

    raise typer.Exit(run_stack(fresh()))
