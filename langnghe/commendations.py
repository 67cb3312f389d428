"""`langnghe commendations`: offices that stood above target and peers over a quarter."""

from typing import Annotated

import typer

from langnghe.console import MISUSED, results, stop
from langnghe.servers import DEFAULT_FOLDER, DataOption, settings_for, with_database
from method.quarter import Quarter
from schemas.collections import REGISTRY
from schemas.registry import Registry
from services.gateway.commendations.finding import Commendations
from services.gateway.commendations.views import CommendationList, Commended
from services.gateway.published.reading import Reader
from services.gateway.published.views import Shown
from services.runtime.cached import Cached
from services.runtime.clock import system_clock
from services.runtime.database import Database
from services.runtime.settings import Settings


def _figure(shown: Shown) -> str:
    if shown.index is None:
        return "withheld"
    return f"{shown.index:.1f} % ({shown.low:.1f}-{shown.high:.1f}) of {shown.n}"


def _line(one: Commended) -> str:
    peers = f"{one.peers.offices} peers {_figure(one.peers.figure)}"
    return f"{one.unit}  {one.name.vi}: {_figure(one.figure)}; {peers}; p < {one.p_below}"


def command(
    quarter: Annotated[str, typer.Option(help="As in 2026-Q3")],
    in_json: Annotated[bool, typer.Option("--json", help="As JSON")] = False,
    data: DataOption = DEFAULT_FOLDER,
) -> None:
    """Offices above target and peers over a quarter, by name; drafts too."""
    try:
        wanted = Quarter.parse(quarter)
    except ValueError as error:
        stop(f"--{error}", MISUSED)

    async def read(database: Database) -> CommendationList:
        registry = Cached(database, REGISTRY, Registry.of_documents)
        await registry.refresh()
        reader = Reader(database, registry, system_clock)
        found = Commendations(database, registry, reader, system_clock)
        if wanted not in found.quarters():
            stop(f"--quarter: {wanted} is to come, or before there were commendations", MISUSED)
        return await found.of(wanted)

    found = with_database(settings_for(data, Settings), "commendations", read)
    if in_json:
        results.print(found.model_dump_json(indent=2), markup=False)
        return
    state = f"draft until {found.public_from}" if found.draft else "public"
    results.print(
        f"{found.quarter}, {state}: {len(found.commended)} of {found.judged} judged",
        markup=False,
    )
    for one in found.commended:
        results.print(_line(one), markup=False)
