"""A small OpenID provider over real HTTP: discovery, keys, authorization code with PKCE, ID tokens.

It lets `subject` in without asking. What a test puts into `twist` is wrong about the next tokens.
"""

import base64
import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import ECKey, KeyParameters, KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.serving import serving

CLIENT, SECRET = "langnghe", "a secret between two machines"

Algorithm = Literal["RS256", "ES256"]


def new_key(algorithm: Algorithm) -> RSAKey | ECKey:
    """A key to sign with."""
    parameters: KeyParameters = {"kid": f"key-{algorithm}"}
    if algorithm == "RS256":
        return RSAKey.generate_key(2048, parameters)
    return ECKey.generate_key("P-256", parameters)


@dataclass
class Provider:
    """A provider, and what is to go wrong at it."""

    algorithm: Algorithm
    subject: str = "7f3c-lan"
    issuer: str = ""
    published_issuer: str | None = None
    twist: dict[str, Any] = field(default_factory=dict)
    """Claims that replace the true ones; None leaves one out."""
    error: str | None = None
    forge: Callable[[dict[str, Any]], str] | None = None
    """Makes the ID token of its claims, in place of signing it."""
    asked: list[dict[str, str]] = field(default_factory=list)
    """The authorization requests that came."""

    def __post_init__(self) -> None:
        """Make keys: the published one, and the one in use."""
        self.published = self.key = new_key(self.algorithm)
        self._codes: dict[str, dict[str, str]] = {}

    def app(self) -> Starlette:
        """The provider's side of HTTP."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/keys", self._keys),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _discovery(self, _: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.published_issuer or self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [self.algorithm, "HS256", "none"],
            }
        )

    async def _keys(self, _: Request) -> Response:
        return JSONResponse(KeySet([self.published]).as_dict(private=False))

    async def _authorize(self, request: Request) -> Response:
        query = dict(request.query_params)
        self.asked.append(query)
        if self.error:
            answer = {"error": self.error, "state": query["state"]}
        else:
            code = secrets.token_urlsafe()
            self._codes[code] = query
            answer = {"code": code, "state": query["state"]}
        return RedirectResponse(f"{query['redirect_uri']}?{urlencode(answer)}", 302)

    async def _token(self, request: Request) -> Response:
        form = await request.form()
        # It takes a code twice: that a way back leads back once is for us to see to.
        asked = self._codes.get(str(form["code"]))
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        digest = hashlib.sha256(str(form.get("code_verifier")).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            asked is None
            or request.headers.get("authorization") != f"Basic {basic}"
            or (asked["code_challenge_method"], asked["code_challenge"]) != ("S256", challenge)
            or asked["redirect_uri"] != form["redirect_uri"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        token = {"access_token": "unused", "token_type": "Bearer", "expires_in": 60}
        return JSONResponse({**token, "id_token": self._id_token(asked)})

    def _id_token(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **self.twist,
        }
        known = {name: value for name, value in claims.items() if value is not None}
        if self.forge:
            return self.forge(known)
        header = {"alg": self.algorithm, "kid": self.published.kid}
        return jwt.encode(header, known, self.key)


@asynccontextmanager
async def provider(algorithm: Algorithm) -> AsyncIterator[Provider]:
    """A provider on a port of this machine."""
    running = Provider(algorithm)
    async with serving(running.app()) as url:
        running.issuer = url
        yield running
