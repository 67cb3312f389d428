"""Puts the part for people together."""

from datetime import timedelta

from fastapi import FastAPI

from schemas.registry import Registry
from services.gateway.people import guard, oidc, own_password, routes, signin
from services.gateway.people.accounts import Accounts
from services.gateway.people.comments import Comments
from services.gateway.people.guard import Guard
from services.gateway.people.oidc import Errands, Provider
from services.gateway.people.passwords import Passwords
from services.gateway.people.routes import Looks
from services.gateway.people.sessions import Sessions
from services.gateway.people.signin import Door, SignIn
from services.gateway.people.throttle import Throttle
from services.gateway.published.reading import Reader
from services.gateway.settings import GatewaySettings
from services.runtime.cached import Cached
from services.runtime.service import Service


def install(
    app: FastAPI,
    service: Service,
    registry: Cached[Registry],
    reader: Reader,
    settings: GatewaySettings,
) -> Guard:
    """Add the routes for people; the guard is for other routes that need a permission."""
    database, clock = service.database, service.clock
    passwords = Passwords()
    accounts = Accounts(database, passwords, settings.oidc_issuer, clock)
    sessions = Sessions(
        database,
        clock,
        timedelta(hours=settings.session_hours),
        timedelta(minutes=settings.session_idle_minutes),
    )
    keeper = Guard(accounts, sessions, registry, clock)
    throttle = Throttle()
    sign_in = SignIn(database, accounts, passwords, sessions, clock)
    door = Door(with_provider=settings.oidc_issuer is not None)
    looks = Looks(database, clock)

    guard.install(app)
    app.include_router(signin.router(sign_in, sessions, throttle, keeper, door))
    if settings.oidc_issuer is not None:
        provider = Provider(settings.oidc_issuer, settings)
        errands = Errands(database, clock)
        app.include_router(oidc.router(provider, errands, sign_in, throttle, door))
    app.include_router(routes.own_router(keeper, reader))
    own = own_password.OwnPassword(database, accounts, passwords, sign_in, throttle, clock)
    app.include_router(own_password.router(keeper, own))
    app.include_router(routes.accounts_router(keeper, accounts, registry, looks))
    comments = Comments(database, registry, clock)
    app.include_router(routes.reading_router(keeper, comments, database, looks))
    return keeper
