"""`langnghe contacts`: who wants to be called back; each look at it stands in the audit trail."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer
from pydantic import ValidationError

from langnghe.audit import operator
from langnghe.console import FAILED, MISUSED, results, stop
from langnghe.servers import DEFAULT_FOLDER, DataOption, settings_for
from method.period import LOCAL_ZONE
from services.gateway.contacts import store
from services.gateway.contacts.sealing import MasterKey, SealError
from services.gateway.settings import GatewaySettings
from services.runtime.clock import system_clock
from services.runtime.database import Database, DatabaseError

app = typer.Typer(no_args_is_help=True, help="Contact data that citizens left to be called back.")

Result = TypeVar("Result")

WhyOption = Annotated[str, typer.Option(help="Why; goes into the audit trail")]
ContactArgument = Annotated[UUID, typer.Argument(help="Id of the contact")]


def _with_database(data: Path, work: Callable[[Database], Coroutine[Any, Any, Result]]) -> Result:
    settings = settings_for(data)

    async def run() -> Result:
        database = Database(settings.mongo_url, settings.database, application="contacts")
        try:
            return await work(database)
        finally:
            database.close()

    try:
        return asyncio.run(run())
    except store.UnknownContactError:
        stop("there is no such contact: it was erased, or it expired", FAILED)
    except (SealError, DatabaseError) as error:
        stop(error, FAILED)


def _reason(why: str) -> str:
    if not why.strip():
        stop("--why: must say something", MISUSED)
    return why.strip()


def _master_key() -> MasterKey:
    try:
        key = GatewaySettings().contact_key
    except ValidationError as error:
        stop(error, MISUSED)
    if key is None:
        stop("set LANGNGHE_CONTACT_KEY, the gateway's master key of contacts", MISUSED)
    return MasterKey.from_base64(key.get_secret_value())


@app.command("list")
def listing(data: DataOption = DEFAULT_FOLDER) -> None:
    """Contacts that have not expired: id, unit, response, kind, expiry. Never what is in them."""

    async def read(database: Database) -> list[store.Listed]:
        return [contact async for contact in store.listing(database, system_clock())]

    for one in _with_database(data, read):
        expires = one.expires_at.astimezone(LOCAL_ZONE).strftime("%Y-%m-%d %H:%M")
        line = f"{one.id}  {one.unit or '-'}  {one.response}  {one.kind}  until {expires}"
        results.print(line, markup=False)


@app.command("show")
def show(contact: ContactArgument, why: WhyOption, data: DataOption = DEFAULT_FOLDER) -> None:
    """Open one contact; the look and its reason are written down before it is shown."""
    why, key = _reason(why), _master_key()

    async def look(database: Database) -> str:
        return await store.look(database, key, contact, operator(), why, system_clock())

    results.print(_with_database(data, look), markup=False)


@app.command("erase")
def erase(contact: ContactArgument, why: WhyOption, data: DataOption = DEFAULT_FOLDER) -> None:
    """Destroy the key of one contact, and the rest of it, on the citizen's word."""
    why = _reason(why)

    async def work(database: Database) -> None:
        await store.erase_as(database, contact, operator(), why, system_clock())

    _with_database(data, work)
    results.print(f"{contact} is erased")
