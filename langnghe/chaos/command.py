"""The command: servers behind proxies, the four services, an agency, one run."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from deploy.local import ports
from deploy.local.stack import Stack
from langnghe.chaos.faults import Mischief
from langnghe.chaos.run import Chaos, Plan
from langnghe.chaos.schedule import draw
from langnghe.chaos.servers import servers
from langnghe.console import FAILED, print_outcome
from langnghe.rehearsal import (
    DATABASE,
    MASTER_KEY,
    empty_folder,
    environment,
    load_registry,
)
from langnghe.servers import DataOption
from langnghe.simulate import fields_of, offices_of
from langnghe.up import progress, run_stack, show, stack_options
from services.runtime.database import Database
from simulator.agency import Agency

_FOLDER = Path(".langnghe/chaos")
_STACK = "stack"
_RULES = Path(__file__).resolve().parent / "rules.yaml"
_RATE = 150.0
_SECONDS_A_FAULT = 5.0


async def _chaos(folder: Path, plan: Plan, *, as_json: bool) -> int:
    agency = Agency(MASTER_KEY, lambda _: None)
    async with agency.listening(), servers(folder / "servers", show) as behind:
        options = stack_options(
            folder / _STACK,
            kafka_url=behind.kafka_url,
            mongo_url=behind.mongo_url,
            port=ports.choose(),
            rules=_RULES,
            environment=environment(agency),
        )
        stack = Stack(options)
        async with stack.running() as addresses:
            database = Database(behind.mongo_straight, DATABASE, application="chaos")
            try:
                registry = await load_registry(database, agency.webhook_url)
                now = datetime.now(UTC)
                progress(
                    f"{plan.events} answers and {len(plan.faults)} faults in {plan.seconds:.0f} s"
                )
                outcome = await Chaos(addresses, database, agency, progress).run(
                    plan,
                    Mischief(stack, addresses, behind, progress),
                    offices_of(registry, now),
                    listening=sorted(e.code for e in registry if e.webhook and e.email),
                    fields=fields_of(registry, now)[:4],
                )
            finally:
                database.close()
    values = asdict(outcome)
    if not as_json:
        del values["schedule"]  # it was told as it went
    print_outcome(values, as_json)
    return 0 if outcome.good else FAILED


def command(
    events: Annotated[int, typer.Option(min=1000, help="Answers to send")] = 10_000,
    faults: Annotated[int, typer.Option(min=0, help="Faults to strike with")] = 20,
    seed: Annotated[int, typer.Option(help="The same seed, the same schedule")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON")] = False,
    data: DataOption = _FOLDER,
) -> None:
    """Kill, freeze, restart and cut off everything while kiosks send; exit 1 on any loss.

    Runs a stack of its own behind proxies, in a fresh folder. Every acknowledged answer must be
    counted once and in its place, every office that fell must be told of, once.
    """
    seconds = max(events / _RATE, faults * _SECONDS_A_FAULT)
    plan = Plan(seed, events, seconds, draw(faults, seconds, seed))

    async def fresh() -> int:
        empty_folder(data, data / _STACK)
        return await _chaos(data, plan, as_json=as_json)

    raise typer.Exit(run_stack(fresh()))
