"""Signing in and out: who proved to be whom gets a session, and the trail says so."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from services.gateway import audit
from services.gateway.audit import Act, Actor, audited
from services.gateway.limits import address
from services.gateway.people.access import Permission
from services.gateway.people.accounts import ACCOUNTS, Account, Accounts, Identity
from services.gateway.people.guard import (
    COOKIE,
    PUBLIC,
    SIGN_IN,
    Guard,
    refuse_other_origins,
)
from services.gateway.people.pages import Language, page
from services.gateway.people.passwords import Passwords
from services.gateway.people.sessions import (
    SameSite,
    Sessions,
    cookie_name,
    delete_cookie,
    end_all,
    set_cookie,
)
from services.gateway.people.throttle import RETRY_AFTER_SECONDS, Throttle
from services.runtime.clock import Clock
from services.runtime.database import Database, Session

How = Literal["password", "oidc"]
Refusal = Literal["wrong", "too_many", "not_linked", "not_proven", "provider_away"]

STATUS: Final[dict[Refusal, int]] = {
    "wrong": 401,
    "too_many": 429,
    "not_linked": 403,
    "not_proven": 403,
    "provider_away": 503,
}

_MAX_BODY: Final = 8 * 1024


class SignIn:
    """Turns proof of who somebody is into a session."""

    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        passwords: Passwords,
        sessions: Sessions,
        clock: Clock,
    ) -> None:
        """Hold what the work needs."""
        self._database = database
        self._accounts = accounts
        self._passwords = passwords
        self._sessions = sessions
        self._clock = clock

    async def by_password(self, name: str, password: str) -> str | None:
        """The token of a new session, None for a wrong name or password: which, nobody learns."""
        known = await self._accounts.credentials(name)
        stored = known.hash if known else None
        right = await self._passwords.verify(stored, password)
        if known is None or stored is None or not right:
            await self.refuse(known.account if known else None, "password")
            return None
        renewed: dict[str, Any] = {}
        if self._passwords.outdated(stored):
            renewed = {"hash": await self._passwords.hash(password)}
        return await self._let_in(known.account, {"hash": stored}, renewed, "password")

    async def by_identity(self, identity: Identity) -> str | None:
        """The token of a new session, None if nobody linked the identity to an account."""
        account = await self._accounts.of_identity(identity)
        if account is None:
            await self.refuse(None, "oidc")
            return None
        return await self._let_in(account, {"identity": identity.model_dump()}, {}, "oidc")

    async def _let_in(
        self, account: Account, proven: dict[str, Any], renewed: dict[str, Any], how: How
    ) -> str | None:
        now = self._clock()
        act = Act(account.actor(), "account.sign_in", account.id, {"how": how})
        token = await self.begin(account, proven, {"signed_in_at": now, **renewed}, act, now)
        if token is None:
            await self.refuse(account, how)
        return token

    async def begin(
        self,
        account: Account,
        proven: dict[str, Any],
        changed: dict[str, Any],
        act: Act,
        now: datetime,
        *,
        alone: bool = False,
    ) -> str | None:
        """Begin a session, unless what was proven has changed or the account is disabled.

        It writes the account too, so that a change at the same time either comes before and shows
        in the condition, or comes after and ends this session.

        Args:
            account: whose.
            proven: fields of the account, as they were when the proof was looked at.
            changed: what is written into the account.
            act: for the trail.
            now: when.
            alone: whether every other session of the account ends.

        Returns:
            The token of the session; None where none was begun, and then nothing was written.
        """
        valid = {"_id": account.id, "disabled": False, **proven}

        async def work(session: Session) -> tuple[str | None, Act | None]:
            written = await self._database[ACCOUNTS].update_one(
                valid, {"$set": changed}, session=session
            )
            if not written.matched_count:
                return None, None
            if alone:
                await end_all(self._database, session, account.id)
            return await self._sessions.begin(session, account.id), act

        return await audited(self._database, work, now)

    async def refuse(self, account: Account | None, how: How) -> None:
        """Note that somebody was not let in; a name only if there is such an account.

        What is typed into the wrong field may be a password.
        """
        name = account.id if account else "unknown"
        actor = Actor(kind="account", name=name, role="nobody")
        act = Act(actor, "account.sign_in_failed", name, {"how": how})
        await audit.note(self._database, act, self._clock())


def welcome(request: Request, token: str, language: Language, same_site: SameSite) -> Response:
    """Hand the session over and show who one is."""
    response = RedirectResponse(f"/me?lang={language}", 303)
    set_cookie(request, response, COOKIE, token, same_site)
    return response


class Door:
    """The page to sign in on, with what went wrong, if anything did."""

    def __init__(self, *, with_provider: bool) -> None:
        """Show a way to the OpenID provider, or none."""
        self._with_provider = with_provider

    def show(
        self, request: Request, language: Language, problem: Refusal | None = None
    ) -> Response:
        """The page."""
        return page(
            request,
            "sign-in.html",
            language,
            {"problem": problem, "with_provider": self._with_provider},
            status=STATUS[problem] if problem else 200,
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)} if problem == "too_many" else None,
        )


def router(
    sign_in: SignIn, sessions: Sessions, throttle: Throttle, guard: Guard, door: Door
) -> APIRouter:
    """The routes of signing in with a password, and out."""
    routes = APIRouter(include_in_schema=False, max_body_size=_MAX_BODY)

    @routes.get(SIGN_IN, dependencies=[PUBLIC])
    async def show(request: Request, lang: Language = "vi") -> Response:
        return door.show(request, lang)

    @routes.post(SIGN_IN, dependencies=[PUBLIC])
    async def by_password(
        request: Request,
        name: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
        lang: Language = "vi",
    ) -> Response:
        refuse_other_origins(request)
        name = name.strip().lower()
        if not await throttle.admits_address(address(request)):
            return door.show(request, lang, "too_many")
        if not await throttle.admits_name(name):
            return door.show(request, lang, "too_many")
        token = await sign_in.by_password(name, password)
        if token is None:
            return door.show(request, lang, "wrong")
        await throttle.forgive(name)
        return welcome(request, token, lang, "strict")

    @routes.post("/sign-out", dependencies=[guard.needs(Permission.OWN, page=True)])
    async def sign_out(request: Request, lang: Language = "vi") -> Response:
        await sessions.end(request.cookies[cookie_name(request, COOKIE)])
        response = RedirectResponse(f"{SIGN_IN}?lang={lang}", 303)
        delete_cookie(request, response, COOKIE)
        return response

    return routes
