"""Signing in with an OpenID Connect provider: code flow with PKCE and nonce.

The provider says who somebody is, never what they may: an administrator links its `sub` to an
account first. What has to be remembered in between is kept here, under the hash of a cookie, and is
taken away by its first use.
"""

import logging
from datetime import timedelta
from typing import Any, Final

import httpx
from authlib.integrations.starlette_client import OAuth, OAuthError
from fastapi import APIRouter, Request
from joserfc.errors import JoseError
from pymongo import IndexModel
from starlette.responses import Response

from services.gateway.limits import address
from services.gateway.people.accounts import Identity
from services.gateway.people.guard import PUBLIC
from services.gateway.people.pages import Language
from services.gateway.people.sessions import (
    cookie_name,
    delete_cookie,
    fingerprint,
    new_token,
    set_cookie,
)
from services.gateway.people.signin import Door, SignIn, welcome
from services.gateway.people.throttle import Throttle
from services.gateway.settings import GatewaySettings
from services.runtime.clock import Clock
from services.runtime.database import Database

log = logging.getLogger(__name__)

ERRANDS: Final = "gateway.sign_in_errands"
"""Owner: gateway. One document for somebody who was sent to the provider, `_id` the hash of their
cookie: state, nonce and PKCE verifier, language, ends_at."""

INDEXES: Final = [IndexModel("ends_at", expireAfterSeconds=0)]

_COOKIE: Final = "langnghe-errand"
_TIME: Final = timedelta(minutes=10)

_ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
"""Only signatures with a private key: whatever else a provider offers is not proof."""


class NotProvenError(Exception):
    """What came back does not prove who somebody is."""


class Provider:
    """The OpenID provider of the settings."""

    def __init__(self, issuer: str, settings: GatewaySettings) -> None:
        """Prepare; the provider is asked when somebody signs in."""
        secret = settings.oidc_client_secret
        self._issuer = issuer
        self._client_id = settings.oidc_client_id
        self._client = OAuth().register(
            "people",
            client_id=settings.oidc_client_id,
            client_secret=secret.get_secret_value() if secret else None,
            server_metadata_url=f"{issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={"scope": "openid", "code_challenge_method": "S256"},
        )

    async def _discover(self) -> None:
        metadata = await self._client.load_server_metadata()
        if metadata.get("issuer") != self._issuer:
            msg = "the discovery document is another issuer's"
            raise NotProvenError(msg)
        offered = metadata.get("id_token_signing_alg_values_supported", ())
        metadata["id_token_signing_alg_values_supported"] = [
            algorithm for algorithm in offered if algorithm in _ALGORITHMS
        ]

    async def send(self, request: Request, back: str) -> Response:
        """Send the browser to the provider; `request.session` is then what to remember.

        Raises:
            NotProvenError: when what answers is not the provider.
            httpx.HTTPError: when it does not answer.
        """
        await self._discover()
        response: Response = await self._client.authorize_redirect(request, back)
        return response

    async def identify(self, request: Request) -> Identity:
        """Who came back, by an ID token for us, signed by the provider, for this very errand.

        Raises:
            NotProvenError: when any of it is wrong.
            httpx.HTTPError: when the provider does not answer.
        """
        claims: dict[str, Any] = {
            "iss": {"values": [self._issuer]},
            "aud": {"values": [self._client_id]},
        }
        try:
            await self._discover()
            token = await self._client.authorize_access_token(request, claims_options=claims)
        except (OAuthError, JoseError, ValueError) as error:
            raise NotProvenError(repr(error)) from error
        if "userinfo" not in token:
            msg = "there was no ID token"
            raise NotProvenError(msg)
        return Identity(issuer=self._issuer, subject=token["userinfo"]["sub"])


class Errands:
    """Who was sent to the provider and has not come back."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Hold what the work needs."""
        self._database = database
        self._clock = clock

    async def keep(self, token: str, session: dict[str, Any]) -> None:
        """Remember an errand."""
        await self._database[ERRANDS].insert_one(
            {"_id": fingerprint(token), "session": session, "ends_at": self._clock() + _TIME}
        )

    async def take(self, token: str) -> dict[str, Any] | None:
        """What was remembered, once."""
        found = await self._database[ERRANDS].find_one_and_delete({"_id": fingerprint(token)})
        if found is None or found["ends_at"] <= self._clock():
            return None
        session: dict[str, Any] = found["session"]
        return session


def router(
    provider: Provider, errands: Errands, sign_in: SignIn, throttle: Throttle, door: Door
) -> APIRouter:
    """The way to the provider and back."""
    routes = APIRouter(prefix="/sign-in/oidc", include_in_schema=False, dependencies=[PUBLIC])

    @routes.get("")
    async def go(request: Request, lang: Language = "vi") -> Response:
        if not await throttle.admits_address(address(request)):
            return door.show(request, lang, "too_many")
        request.scope["session"] = {"lang": lang}
        try:
            response = await provider.send(request, str(request.url_for("come_back")))
        except httpx.HTTPError:
            return door.show(request, lang, "provider_away")
        except (NotProvenError, ValueError) as error:
            log.warning("the OpenID provider cannot be used: %r", error)
            return door.show(request, lang, "not_proven")
        token = new_token()
        await errands.keep(token, request.session)
        # Coming back is a navigation from another site: a strict cookie would stay behind.
        set_cookie(request, response, _COOKIE, token, "lax")
        return response

    @routes.get("/back")
    async def come_back(request: Request) -> Response:
        token = request.cookies.get(cookie_name(request, _COOKIE))
        session = await errands.take(token) if token else None
        if session is None:
            return door.show(request, "vi", "not_proven")
        lang: Language = session.pop("lang")
        request.scope["session"] = session
        try:
            identity = await provider.identify(request)
        except httpx.HTTPError:
            return door.show(request, lang, "provider_away")
        except NotProvenError as error:
            log.warning("a sign-in was not proven: %s", error)
            await sign_in.refuse(None, "oidc")
            return door.show(request, lang, "not_proven")
        begun = await sign_in.by_identity(identity)
        if begun is None:
            return door.show(request, lang, "not_linked")
        response = welcome(request, begun, lang, "lax")
        delete_cookie(request, response, _COOKIE)
        return response

    return routes
