"""`langnghe contacts`: who wants to be called back; each look at it stands in the audit trail."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar
from uuid import UUID

import typer
from rich.progress import Progress

from langnghe.audit import operator
from langnghe.console import FAILED, MISUSED, notes, results, stop
from langnghe.servers import DEFAULT_FOLDER, DataOption, settings_for, with_database
from method.period import LOCAL_ZONE
from services.gateway import audit
from services.gateway.audit import Act
from services.gateway.contacts import rewrapping, store
from services.gateway.contacts.rewrapping import Rewrapped
from services.gateway.contacts.sealing import MasterKey, SealError
from services.gateway.settings import GatewaySettings
from services.runtime.clock import system_clock
from services.runtime.database import Database
from services.runtime.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Contact data that citizens left to be called back.")

Result = TypeVar("Result")

WhyOption = Annotated[str, typer.Option(help="Why; goes into the audit trail")]
ContactArgument = Annotated[UUID, typer.Argument(help="Id of the contact")]


def _run(settings: Settings, work: Callable[[Database], Awaitable[Result]]) -> Result:
    try:
        return with_database(settings, "contacts", work)
    except store.UnknownContactError:
        stop("there is no such contact: it was erased, or it expired", FAILED)
    except SealError as error:
        stop(error, FAILED)


def _reason(why: str) -> str:
    if not why.strip():
        stop("--why: must say something", MISUSED)
    return why.strip()


def _master_key(settings: GatewaySettings) -> MasterKey:
    if (key := settings.master_key) is None:
        stop("LANGNGHE_CONTACT_KEY: must be set, to the gateway's master key of contacts", MISUSED)
    return key


@app.command("list")
def listing(data: DataOption = DEFAULT_FOLDER) -> None:
    """Contacts that have not expired: id, unit, response, kind, expiry. Never what is in them."""

    async def read(database: Database) -> list[store.Listed]:
        return [contact async for contact in store.listing(database, system_clock())]

    for one in _run(settings_for(data, Settings), read):
        expires = one.expires_at.astimezone(LOCAL_ZONE).strftime("%Y-%m-%d %H:%M")
        line = f"{one.id}  {one.unit or '-'}  {one.response}  {one.kind}  until {expires}"
        results.print(line, markup=False)


@app.command("show")
def show(contact: ContactArgument, why: WhyOption, data: DataOption = DEFAULT_FOLDER) -> None:
    """Open one contact; the look and its reason are written down before it is shown."""
    why = _reason(why)
    settings = settings_for(data, GatewaySettings)
    key = _master_key(settings)

    async def look(database: Database) -> str:
        return await store.look(database, key, contact, operator(), why, system_clock())

    results.print(_run(settings, look), markup=False)


@app.command("erase")
def erase(contact: ContactArgument, why: WhyOption, data: DataOption = DEFAULT_FOLDER) -> None:
    """Destroy the key of one contact, and the rest of it, on the citizen's word."""
    why = _reason(why)

    async def work(database: Database) -> None:
        await store.erase_as(database, contact, operator(), why, system_clock())

    _run(settings_for(data, Settings), work)
    results.print(f"{contact} is erased")


@app.command("rewrap")
def rewrap(data: DataOption = DEFAULT_FOLDER) -> None:
    """Change the master key: wrap every contact's key by the one of now. The gateway may run.

    First give every gateway the new key as LANGNGHE_CONTACT_KEY and the old one as
    LANGNGHE_CONTACT_KEY_BEFORE; once this ends with 0, the old one may go. It may be run again. In
    the audit trail: contact.rewrap.
    """
    settings = settings_for(data, GatewaySettings)
    key = _master_key(settings)
    if settings.contact_key_before is None:
        stop("LANGNGHE_CONTACT_KEY_BEFORE: must be set, to the master key to be left", MISUSED)

    async def work(database: Database) -> Rewrapped:
        with Progress(console=notes, transient=True) as progress:
            task = progress.add_task("contacts", total=await rewrapping.count(database))
            found = await rewrapping.rewrap(database, key, lambda: progress.advance(task))
        about = f"{found.anew} of {found.anew + found.already + len(found.lost)}"
        await audit.note(database, Act(operator(), "contact.rewrap", about), system_clock())
        return found

    found = _run(settings, work)
    results.print(f"{found.anew} contacts are wrapped anew, {found.already} were already")
    if found.lost:
        names = " ".join(map(str, found.lost))
        stop(f"{len(found.lost)} open with neither key: {names}", FAILED)
