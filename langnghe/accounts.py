"""`langnghe accounts`: who may sign in at the gateway."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import BaseModel, SecretStr, ValidationError

from langnghe.audit import operator
from langnghe.console import MISUSED, notes, results, stop
from langnghe.servers import DEFAULT_FOLDER, DataOption, settings_for, with_database
from schemas.feedback import Violation
from schemas.registry import Registry
from schemas.scope import COUNTRY
from services.gateway.people.access import Role
from services.gateway.people.accounts import (
    Account,
    AccountError,
    Accounts,
    Change,
    NewAccount,
    UnknownAccountError,
)
from services.gateway.people.passwords import Passwords
from services.gateway.registry.store import read_registry
from services.gateway.settings import GatewaySettings
from services.runtime.clock import system_clock
from services.runtime.database import Database

app = typer.Typer(no_args_is_help=True, help="The accounts of people; every write is audited.")

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="What is typed to sign in")]
PasswordOption = Annotated[
    typer.FileText | None,
    typer.Option(
        "--password-file", help="Read the password's line from a file, - for standard input"
    ),
]
ScopeOption = Annotated[
    str, typer.Option(help="Registry key of the agency that an officer or analyst works for")
]

Result = TypeVar("Result")
Model = TypeVar("Model", bound=BaseModel)


def _broken(error: ValidationError) -> str:
    return "; ".join(f"{v.field}: {v.rule}" for v in Violation.all_of(error))


def _run(data: Path, work: Callable[[Accounts, Registry], Awaitable[Result]]) -> Result:
    """Do something with the accounts; whatever is wrong ends the command with a sentence."""
    settings = settings_for(data, GatewaySettings)

    async def whole(database: Database) -> Result:
        accounts = Accounts(database, Passwords(), settings.oidc_issuer, system_clock)
        return await work(accounts, await read_registry(database))

    try:
        return with_database(settings, "accounts", whole)
    except AccountError as error:
        stop(error, MISUSED)
    except UnknownAccountError as error:
        stop(f"ID: there is no account {error}", MISUSED)


def _checked(model: type[Model], **values: object) -> Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        stop(_broken(error), MISUSED)


def _password(file: typer.FileText | None) -> SecretStr:
    """A password from a file, else asked for twice: an argument would be seen by everybody."""
    if file is not None:
        return SecretStr(file.readline().rstrip("\r\n"))
    return SecretStr(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


def _line(account: Account) -> str:
    way = f"oidc:{account.identity.subject}" if account.identity else "password"
    state = "disabled" if account.disabled else "enabled"
    return f"{account.id}  {account.role}  {account.scope}  {state}  {way}  {account.name}"


@app.command("add")
def add(
    key: IdArgument,
    name: Annotated[str, typer.Option(help="Name that is shown")],
    role: Annotated[Role, typer.Option(help="What the account is for")],
    scope: ScopeOption = COUNTRY,
    oidc: Annotated[
        str | None,
        typer.Option(help="`sub` at the provider of LANGNGHE_OIDC_ISSUER, in place of a password"),
    ] = None,
    password_file: PasswordOption = None,
    data: DataOption = DEFAULT_FOLDER,
) -> None:
    """Add an account; its password is asked for, twice."""
    if oidc is not None and password_file is not None:
        stop("--password-file: not together with --oidc", MISUSED)
    password = _password(password_file) if oidc is None else None
    new = _checked(
        NewAccount, id=key, name=name, role=role, scope=scope, password=password, subject=oidc
    )
    account = _run(data, lambda accounts, registry: accounts.add(new, registry, operator()))
    notes.print(f"added {_line(account)}", markup=False)


def _change(data: Path, key: str, change: Change) -> None:
    account = _run(
        data, lambda accounts, registry: accounts.change(key, change, registry, operator())
    )
    notes.print(f"changed {_line(account)}", markup=False)


@app.command("list")
def listing(data: DataOption = DEFAULT_FOLDER) -> None:
    """Every account: id, role, scope, whether it is disabled, way of signing in, name."""
    for account in _run(data, lambda accounts, _: accounts.all()):
        results.print(_line(account), markup=False)


@app.command("password")
def password(
    key: IdArgument, password_file: PasswordOption = None, data: DataOption = DEFAULT_FOLDER
) -> None:
    """Set a new password and end the account's sessions."""
    _change(data, key, _checked(Change, password=_password(password_file)))


@app.command("disable")
def disable(
    key: IdArgument,
    undo: Annotated[bool, typer.Option("--undo", help="Let the account sign in again")] = False,
    data: DataOption = DEFAULT_FOLDER,
) -> None:
    """Let an account sign in no longer and end its sessions."""
    _change(data, key, Change(disabled=not undo))


@app.command("role")
def role(
    key: IdArgument,
    new_role: Annotated[Role, typer.Argument(metavar="ROLE", help="What the account is for now")],
    scope: ScopeOption = COUNTRY,
    data: DataOption = DEFAULT_FOLDER,
) -> None:
    """Give an account another role and scope and end its sessions."""
    _change(data, key, _checked(Change, role=new_role, scope=scope))
