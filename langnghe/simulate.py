"""`langnghe simulate`: invented citizens for a gateway that runs."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Annotated

import typer

from langnghe.console import FAILED, MISUSED, notes, results, stop
from langnghe.servers import DEFAULT_FOLDER, DataOption, settings_for, with_database
from method.period import local_day
from schemas.registry import EntryKind, Registry
from services.gateway.registry.store import read_registry
from services.runtime.settings import Settings
from simulator.citizens import Citizens, Fall, Office
from simulator.faults import Faults, Parcel, pack
from simulator.fleet import dismiss_fleet, enrol_fleet
from simulator.kiosks import kiosks
from simulator.ledger import Ledger
from simulator.levels import published_index

_PATIENCE_SECONDS = 60.0
_TELL_SECONDS = 10.0
_PREFIXES = ("Tỉnh ", "Thành phố ")


def offices_of(registry: Registry, now: datetime) -> dict[str, Office]:
    """Every unit in force, with the published index of its province, or else of the country."""
    day = local_day(now)
    offices: dict[str, Office] = {}
    for entry in registry:
        if entry.kind is not EntryKind.UNIT or not entry.in_force(day):
            continue
        provinces = [key for key in registry.above(entry.key, day) if key.startswith("province:")]
        province = registry.on(provinces[0], day) if provinces else None
        name = province.name_vi if province else None
        for prefix in _PREFIXES:
            name = name.removeprefix(prefix) if name else None
        offices[entry.code] = Office(entry.code, published_index(name))
    return offices


def fields_of(registry: Registry, now: datetime) -> list[str]:
    """The service fields in force."""
    day = local_day(now)
    return sorted(
        entry.code for entry in registry if entry.kind is EntryKind.FIELD and entry.in_force(day)
    )


@asynccontextmanager
async def telling(ledger: Ledger, tell: Callable[[str], None]) -> AsyncIterator[None]:
    """Tell how far the sending is, every ten seconds, as long as the block runs."""

    async def report() -> None:
        while True:
            await asyncio.sleep(_TELL_SECONDS)
            tell(f"{ledger.sent} sent, {ledger.acknowledged} acknowledged")

    reporting = asyncio.create_task(report())
    try:
        yield
    finally:
        reporting.cancel()


class Load:
    """A stream of parcels: offices in turn, each answer from its citizens, some with faults."""

    def __init__(self, citizens: Citizens, units: list[str], faults: Faults, seed: int) -> None:
        """Begin with the first office."""
        self._citizens = citizens
        self._units = units
        self._faults = faults
        self._random = Random(seed)  # noqa: S311
        self._number = 0

    def next_parcel(self) -> Parcel:
        """What the next visitor hands in now."""
        unit = self._units[self._number % len(self._units)]
        self._number += 1
        now = datetime.now(UTC)
        return pack(self._citizens.answer(unit, now), self._faults, self._random, now)


@dataclass(frozen=True)
class Summary:
    """What was sent and what the gateway said."""

    sent: int
    acknowledged: int
    refused: int
    not_acknowledged: int


def command(
    gateway: Annotated[str, typer.Option(help="Base URL of the gateway")] = "http://127.0.0.1:8080",
    rate: Annotated[float, typer.Option(min=0.01, help="Answers a second")] = 10.0,
    seconds: Annotated[float, typer.Option("--for", min=0, help="For how many seconds")] = 60.0,
    units: Annotated[
        list[str] | None, typer.Option("--unit", help="Agency code; all units without it")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed, the same answers")] = 1,
    duplicates: Annotated[float, typer.Option(min=0, max=1, help="Share sent twice")] = 0.0,
    late: Annotated[float, typer.Option(min=0, max=1, help="Share dated 8 days ago")] = 0.0,
    malformed: Annotated[float, typer.Option(min=0, max=1, help="Share that breaks a rule")] = 0.0,
    falling: Annotated[str | None, typer.Option(help="Agency code of an office that falls")] = None,
    fall_after: Annotated[float, typer.Option(min=0, help="After so many minutes")] = 1.0,
    fall_to: Annotated[float, typer.Option(min=0, max=100, help="To this index, percent")] = 45.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON")] = False,
    data: DataOption = DEFAULT_FOLDER,
) -> None:
    """Send feedback to a running gateway, as kiosks do; exit 1 if some is not acknowledged.

    How satisfied visitors are follows the published SIPAS index of the office's province.
    """
    settings = settings_for(data, Settings)
    registry = with_database(settings, "simulate", read_registry)
    offices = offices_of(registry, datetime.now(UTC))
    for unit in [*(units or []), *([falling] if falling else [])]:
        if unit not in offices:
            stop(f"{unit}: not a unit in force; known are {', '.join(sorted(offices))}", MISUSED)
    if not offices:
        stop("the registry has no unit: load one with `langnghe registry load`", MISUSED)
    falls_at = datetime.now(UTC) + timedelta(minutes=fall_after)
    falls = [Fall(falling, falls_at, fall_to)] if falling else []
    fields = fields_of(registry, datetime.now(UTC))
    chosen = units or sorted(offices)
    # A kiosk of our own in every office; the gateway knows them within seconds.
    fleet = with_database(settings, "simulate", lambda database: enrol_fleet(database, chosen))

    async def run() -> Summary:
        ledger = Ledger()
        citizens = Citizens(offices, seed, fleet, falls=falls, fields=fields)
        load = Load(citizens, chosen, Faults(duplicates, late, malformed), seed)
        async with kiosks(gateway, ledger, fleet) as sending:
            async with telling(ledger, notes.print):
                await sending.run(load.next_parcel, rate, seconds)
            left = await sending.finish(_PATIENCE_SECONDS)
        return Summary(ledger.sent, ledger.acknowledged, ledger.refused, left)

    notes.print(f"{rate} answers a second to {gateway} for {seconds:.0f} s")
    try:
        summary = asyncio.run(run())
    finally:
        with_database(settings, "simulate", lambda database: dismiss_fleet(database, fleet))
    if as_json:
        results.print(json.dumps(asdict(summary)))
    else:
        results.print(
            f"sent {summary.sent}, acknowledged {summary.acknowledged}, "
            f"refused {summary.refused}, not acknowledged {summary.not_acknowledged}"
        )
    if summary.not_acknowledged:
        raise typer.Exit(FAILED)
