"""What people may read and write once they have signed in."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from schemas.registry import Registry
from services.gateway import audit
from services.gateway.audit import Act, Entry
from services.gateway.people.access import (
    ALLOWED,
    PERMISSION_NAMES,
    ROLE_NAMES,
    AgencyScope,
    Permission,
    Role,
)
from services.gateway.people.accounts import (
    Account,
    AccountError,
    Accounts,
    Change,
    NewAccount,
    UnknownAccountError,
)
from services.gateway.people.comments import CURSOR_PATTERN, CommentList, Comments
from services.gateway.people.guard import Guard
from services.gateway.people.pages import Language, page
from services.gateway.problems import ProblemError, documented
from services.gateway.published.reading import Reader
from services.gateway.published.views import Name
from services.runtime.cached import Cached
from services.runtime.clock import Clock
from services.runtime.database import Database

_MAX_BODY: Final = 8 * 1024


class Me(BaseModel):
    """Who signed in, and what they may do."""

    id: str
    name: str
    role: Role
    scope: AgencyScope
    scope_name: Name
    permissions: list[Permission]


class AccountList(BaseModel):
    """Every account, by id."""

    accounts: list[Account]


class EntryList(BaseModel):
    """Entries of the audit trail, newest first."""

    entries: list[Entry]
    next: Annotated[int | None, Field(description="`before` of the next page, if there is one")]


def _permissions(role: Role) -> list[Permission]:
    return [permission for permission in Permission if permission in ALLOWED[role]]


def _broken(error: AccountError) -> ProblemError:
    return ProblemError(422, "invalid-account", str(error), [error.violation])


class Looks:
    """Writes down who looked at what."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Hold what the work needs."""
        self._database = database
        self._clock = clock

    async def note(self, account: Account, what: str, about: str, number: int) -> None:
        """Note a look, before what was found is shown."""
        act = Act(account.actor(), f"{what}.look", about, {"number": str(number)})
        await audit.note(self._database, act, self._clock())


def own_router(guard: Guard, reader: Reader) -> APIRouter:
    """Who am I."""
    routes = APIRouter(tags=["people"])
    own: Any = guard.needs(Permission.OWN)
    own_page: Any = guard.needs(Permission.OWN, page=True)

    def scope_name(account: Account) -> Name:
        return reader.name(account.scope) or Name(vi=account.scope, en=account.scope)

    @routes.get("/v1/me", summary="Who signed in", responses=documented(401, 503))
    async def me(account: Annotated[Account, own]) -> Me:
        return Me(
            id=account.id,
            name=account.name,
            role=account.role,
            scope=account.scope,
            scope_name=scope_name(account),
            permissions=_permissions(account.role),
        )

    @routes.get("/me", include_in_schema=False)
    async def me_page(
        request: Request,
        account: Annotated[Account, own_page],
        lang: Language = "vi",
        password: Literal["changed"] | None = None,
    ) -> Response:
        values = {
            "password": password,
            "account": account,
            "role": ROLE_NAMES[account.role].model_dump(),
            "scope": scope_name(account).model_dump(),
            "permissions": [PERMISSION_NAMES[p].model_dump() for p in _permissions(account.role)],
            "sees_alerts": Permission.ALERTS_READ in ALLOWED[account.role],
            "sees_suspicions": Permission.SUSPICIONS_READ in ALLOWED[account.role],
            "sees_cases": Permission.CASES_READ in ALLOWED[account.role],
            "sees_appeals": Permission.APPEALS_READ in ALLOWED[account.role],
        }
        return page(request, "me.html", lang, values)

    return routes


def accounts_router(
    guard: Guard, accounts: Accounts, registry: Cached[Registry], looks: Looks
) -> APIRouter:
    """The accounts."""
    routes = APIRouter(prefix="/v1/accounts", tags=["people"], max_body_size=_MAX_BODY)
    reads: Any = guard.needs(Permission.ACCOUNTS_READ)
    writes: Any = guard.needs(Permission.ACCOUNTS_WRITE)

    @routes.get("", summary="Every account", responses=documented(401, 403, 503))
    async def listing(account: Annotated[Account, reads]) -> AccountList:
        found = await accounts.all()
        await looks.note(account, "accounts", "all", len(found))
        return AccountList(accounts=found)

    @routes.post(
        "",
        status_code=201,
        summary="Add an account",
        responses=documented(400, 401, 403, 413, 422, 503),
    )
    async def add(account: Annotated[Account, writes], new: NewAccount) -> Account:
        try:
            return await accounts.add(new, registry.value, account.actor())
        except AccountError as error:
            raise _broken(error) from None

    @routes.patch(
        "/{id}",
        summary="Change an account and end its sessions",
        responses=documented(400, 401, 403, 404, 413, 422, 503),
    )
    async def change(account: Annotated[Account, writes], id: str, change: Change) -> Account:  # noqa: A002  # as the path has it
        try:
            return await accounts.change(id, change, registry.value, account.actor())
        except AccountError as error:
            raise _broken(error) from None
        except UnknownAccountError:
            raise ProblemError(404, "unknown-account", "There is no such account.") from None

    return routes


def reading_router(guard: Guard, comments: Comments, database: Database, looks: Looks) -> APIRouter:
    """Comments and the audit trail."""
    routes = APIRouter(prefix="/v1", tags=["people"])
    reads_audit: Any = guard.needs(Permission.AUDIT)
    reads_comments: Any = guard.needs_within(Permission.COMMENTS)

    @routes.get(
        "/audit", summary="The audit trail, newest first", responses=documented(401, 403, 422, 503)
    )
    async def trail(
        account: Annotated[Account, reads_audit],
        before: Annotated[int | None, Query(ge=1, description="Only entries below this")] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> EntryList:
        found = await audit.entries(database, before, limit)
        await looks.note(account, "audit", "all", len(found))
        more = found[-1].number if found and found[-1].number > 1 else None
        return EntryList(entries=found, next=more)

    @routes.get(
        "/comments",
        summary="What citizens wrote to the offices of a scope, newest first",
        responses=documented(401, 403, 404, 422, 503),
    )
    async def written(
        account: Annotated[Account, reads_comments],
        scope: AgencyScope,
        days: Annotated[int, Query(ge=1, le=400, description="How far back")] = 30,
        after: Annotated[
            str | None, Query(pattern=CURSOR_PATTERN, description="`next` of the page before")
        ] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> CommentList:
        found = await comments.read(scope, days, after, limit)
        await looks.note(account, "comments", scope, len(found.comments))
        return found

    return routes
