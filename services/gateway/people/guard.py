"""Every route says who may use it, and the application refuses to start if one does not.

A route's access is a dependency: it is declared by what enforces it. `check` is called once the
application is whole.
"""

from collections.abc import Collection
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.routing import iter_route_contexts
from starlette.responses import RedirectResponse

from method.period import local_day
from schemas.registry import Registry
from schemas.scope import COUNTRY
from services.gateway.people.access import ALLOWED, AgencyScope, Permission, covers
from services.gateway.people.accounts import Account, Accounts
from services.gateway.people.sessions import Sessions, cookie_name
from services.gateway.problems import ProblemError
from services.runtime.cached import Cached
from services.runtime.clock import Clock

COOKIE: Final = "langnghe"
SIGN_IN: Final = "/sign-in"

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Access:
    """Decides who may use a route. Subclasses are callable as a FastAPI dependency."""

    def __init__(self, name: str) -> None:
        """Name it, for people who ask what a route is open to."""
        self.name = name


class Open(Access):
    """Nobody is asked who they are."""

    async def __call__(self) -> None:
        """Let everybody through."""


PUBLIC: Final[Any] = Depends(Open("public"))
"""Anybody may read this: pages and figures for everyone."""

INTAKE: Final[Any] = Depends(Open("intake"))
"""Anybody may hand something in here; what comes in is checked by what it is."""


class SignInNeededError(Exception):
    """Sends the reader of a page to sign in."""


class UndeclaredRouteError(Exception):
    """Routes that nobody said who may use."""


def same_origin(request: Request) -> bool:
    """Whether a browser sent this from one of our own pages (Fetch Metadata, else Origin).

    Both headers are out of a foreign page's reach. A program that uses a cookie has to send one.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == request.headers.get("host")


def refuse_other_origins(request: Request) -> None:
    """End a request that another site had a browser send.

    Raises:
        ProblemError: 403.
    """
    if not same_origin(request):
        raise ProblemError(403, "cross-origin", "Send this from a page of this site.")


class Guard:
    """Makes the access of routes for people who signed in."""

    def __init__(
        self, accounts: Accounts, sessions: Sessions, registry: Cached[Registry], clock: Clock
    ) -> None:
        """Hold what the work needs."""
        self._accounts = accounts
        self._sessions = sessions
        self._registry = registry
        self._clock = clock

    async def who(self, request: Request) -> Account | None:
        """Who sent a request, None for nobody or an account that is disabled."""
        token = request.cookies.get(cookie_name(request, COOKIE))
        key = await self._sessions.account(token) if token else None
        account = await self._accounts.find(key) if key else None
        return account if account and not account.disabled else None

    def covers(self, account: Account, scope: str) -> bool:
        """Whether an account's rights hold for a scope, by today's registry."""
        return covers(account.scope, scope, self._registry.value, local_day(self._clock()))

    def needs(self, permission: Permission, *, page: bool = False) -> Any:
        """Access for roles with a permission; the dependency's value is the account.

        Args:
            permission: that the route asks for.
            page: whether a reader who is nobody is sent to sign in, in place of a 401.
        """
        return Depends(_Needs(self, permission, page))

    def needs_within(self, permission: Permission) -> Any:
        """The same for a route with a `scope` in its query: the account's own, or one below it."""
        return Depends(_NeedsWithin(self, permission))


class _Needs(Access):
    def __init__(self, guard: Guard, permission: Permission, page: bool) -> None:
        super().__init__(permission.value)
        self._guard = guard
        self._permission = permission
        self._page = page

    async def __call__(self, request: Request, response: Response) -> Account:
        account = await self._guard.who(request)
        if account is None:
            if self._page:
                raise SignInNeededError
            raise ProblemError(401, "not-signed-in", f"Sign in at {SIGN_IN}.")
        if request.method not in _READING:
            refuse_other_origins(request)
        if self._permission not in ALLOWED[account.role]:
            raise ProblemError(
                403, "not-allowed", f"The role {account.role} lacks {self._permission}."
            )
        response.headers["Cache-Control"] = "no-store"
        return account


class _NeedsWithin(_Needs):
    def __init__(self, guard: Guard, permission: Permission) -> None:
        super().__init__(guard, permission, page=False)

    async def __call__(  # type: ignore[override]  # FastAPI reads the parameters of each by itself
        self, request: Request, response: Response, scope: Annotated[AgencyScope, Query()]
    ) -> Account:
        account = await super().__call__(request, response)
        if not self._guard.covers(account, scope):
            if account.scope == COUNTRY:
                raise ProblemError(404, "unknown-scope", f"{scope} is not in the registry.")
            raise ProblemError(403, "out-of-scope", f"{scope} is not below {account.scope}.")
        return account


def install(app: FastAPI) -> None:
    """Send readers of pages to sign in."""

    async def on_nobody(_: Request, __: Exception) -> Response:
        return RedirectResponse(SIGN_IN, 303)

    app.add_exception_handler(SignInNeededError, on_nobody)


def routes_of(app: FastAPI) -> dict[tuple[str, str], list[Access]]:
    """What every route declares, by method and path; mounts and bare routes declare nothing."""
    found: dict[tuple[str, str], list[Access]] = {}
    for route in iter_route_contexts(app.routes):
        dependant = getattr(route, "dependant", None)
        declared = [
            dependency.call
            for dependency in (dependant.dependencies if dependant else ())
            if isinstance(dependency.call, Access)
        ]
        for method in sorted((route.methods or {"*"}) - {"HEAD"}):
            found[method, route.path or ""] = declared
    return found


def check(app: FastAPI, open_paths: Collection[str]) -> None:
    """Make sure that every route declares its access, once.

    Args:
        app: the whole application.
        open_paths: mounts and bare routes that anybody may read.

    Raises:
        UndeclaredRouteError: naming what is undeclared, declared twice or not there.
    """
    routes = routes_of(app)
    wrong = {
        f"{method} {path}"
        for (method, path), declared in routes.items()
        if len(declared) != 1 and path not in open_paths
    }
    wrong |= set(open_paths) - {path for _, path in routes}
    if wrong:
        msg = f"who may use {', '.join(sorted(wrong))}? see services/gateway/people/guard.py"
        raise UndeclaredRouteError(msg)
