"""A person's own password, changed by whoever knows the old one: then no administrator knows it."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from services.gateway import audit
from services.gateway.audit import Act
from services.gateway.people.access import Permission
from services.gateway.people.accounts import Account, Accounts
from services.gateway.people.guard import COOKIE, Guard
from services.gateway.people.pages import Language, page
from services.gateway.people.passwords import Passwords, Rule, broken_rule
from services.gateway.people.sessions import set_cookie
from services.gateway.people.signin import SignIn
from services.gateway.people.throttle import RETRY_AFTER_SECONDS, Throttle
from services.runtime.clock import Clock
from services.runtime.database import Database

Refusal = Literal["no_password", "too_many", "wrong_password", "not_again", "not_new"] | Rule

STATUS: Final[dict[Refusal, int]] = {
    "no_password": 409,
    "too_many": 429,
    "wrong_password": 403,
    "not_again": 422,
    "not_new": 422,
    "password_length": 422,
    "password_names": 422,
}

_MAX_BODY: Final = 8 * 1024


class RefusedError(Exception):
    """The password stays as it was."""

    def __init__(self, refusal: Refusal) -> None:
        """Keep why."""
        super().__init__(refusal)
        self.refusal = refusal


class OwnPassword:
    """Changes the password of somebody who signed in."""

    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        passwords: Passwords,
        sign_in: SignIn,
        throttle: Throttle,
        clock: Clock,
    ) -> None:
        """Hold what the work needs."""
        self._database = database
        self._accounts = accounts
        self._passwords = passwords
        self._sign_in = sign_in
        self._throttle = throttle
        self._clock = clock

    async def change(self, account: Account, old: str, new: str, again: str) -> str:
        """Put a new password in the place of the old one, and end every session of the account.

        Returns:
            The token of a new session.

        Raises:
            RefusedError: when the old password is wrong, or the new one breaks a rule.
        """
        known = await self._accounts.credentials(account.id)
        if known is None or known.hash is None:
            raise RefusedError("no_password")
        if new != again:
            raise RefusedError("not_again")
        if new == old:
            raise RefusedError("not_new")
        if rule := broken_rule(new, account.id, account.name):
            raise RefusedError(rule)
        # Somebody who found a browser open must not try passwords here more often than at the door.
        if not await self._throttle.admits_name(account.id):
            raise RefusedError("too_many")
        if not await self._passwords.verify(known.hash, old):
            act = Act(account.actor(), "account.change_failed", account.id, {"password": "wrong"})
            await audit.note(self._database, act, self._clock())
            raise RefusedError("wrong_password")
        proven, changed = {"hash": known.hash}, {"hash": await self._passwords.hash(new)}
        act = Act(account.actor(), "account.change", account.id, {"password": "changed"})
        now = self._clock()
        token = await self._sign_in.begin(account, proven, changed, act, now, alone=True)
        if token is None:  # an administrator was faster
            raise RefusedError("wrong_password")
        await self._throttle.forgive(account.id)
        return token


def router(guard: Guard, own: OwnPassword) -> APIRouter:
    """The page to change one's password on."""
    routes = APIRouter(include_in_schema=False, max_body_size=_MAX_BODY)
    signed_in: Any = guard.needs(Permission.OWN, page=True)

    def show(
        request: Request, account: Account, language: Language, problem: Refusal | None = None
    ) -> Response:
        if account.identity is not None:
            problem = "no_password"
        return page(
            request,
            "own-password.html",
            language,
            {"problem": problem, "account": account},
            status=STATUS[problem] if problem and request.method == "POST" else 200,
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)} if problem == "too_many" else None,
        )

    @routes.get("/me/password")
    async def form(
        request: Request, account: Annotated[Account, signed_in], lang: Language = "vi"
    ) -> Response:
        return show(request, account, lang)

    @routes.post("/me/password")
    async def change(
        request: Request,
        account: Annotated[Account, signed_in],
        old: Annotated[str, Form()] = "",
        new: Annotated[str, Form()] = "",
        again: Annotated[str, Form()] = "",
        lang: Language = "vi",
    ) -> Response:
        try:
            token = await own.change(account, old, new, again)
        except RefusedError as error:
            return show(request, account, lang, error.refusal)
        response = RedirectResponse(f"/me?lang={lang}&password=changed", 303)
        set_cookie(request, response, COOKIE, token, "strict")
        return response

    return routes
