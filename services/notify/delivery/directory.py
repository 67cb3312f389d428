"""Where agencies are reached: by the registry, and by routes beside it. Pure, but for its holder.

An agency has a channel when the registry holds its address or a route does. Whom of it is told:

    routes that take the severity at this hour      all of them
    else the registry's address                     that one
    else its routes                                 all: hours are no reason to tell nobody

Chat services have no address in the registry: only those are told that take it now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from method.period import local_day
from schemas.alert import Severity
from schemas.registry import Registry, RegistryEntry
from schemas.scope import COUNTRY, Scope
from services.notify.delivery.outbox import Channel
from services.notify.delivery.routes import Route
from services.runtime.cached import Cached


def line_of(registry: Registry, scope: Scope, day: date) -> list[RegistryEntry]:
    """The scope's own entry and those above it, nearest first."""
    keys = [scope, *registry.above(scope, day)]
    found = (registry.on(key, day) for key in keys if key != COUNTRY)
    return [entry for entry in found if entry is not None]


def levels_above(registry: Registry, scope: Scope, day: date) -> int:
    """How many agencies stand above a scope."""
    return max(0, len(line_of(registry, scope, day)) - 1)


@dataclass(frozen=True)
class Directory:
    """All addresses, as they are at present."""

    registry: Registry
    routes: Sequence[Route] = ()

    def _general(self, channel: Channel, agency: Scope, day: date) -> str | None:
        known = self.registry.latest(agency, day)
        if known is None or channel not in {Channel.WEBHOOK, Channel.EMAIL}:
            return None
        return known.webhook if channel is Channel.WEBHOOK else known.email

    def _routes(self, channel: Channel, agency: Scope) -> list[Route]:
        return [one for one in self.routes if one.agency == agency and one.channel is channel]

    def address(self, channel: Channel, agency: Scope, route: str | None, day: date) -> str | None:
        """Where a receiver is reached; None where nothing says.

        Args:
            channel: by which.
            agency: of the receiver.
            route: its route; when that is gone, the agency's own address stands in.
            day: local.
        """
        for one in self._routes(channel, agency):
            if one.id == route:
                return one.address.get_secret_value()
        return self._general(channel, agency, day)

    def _has(self, channel: Channel, agency: Scope, day: date) -> bool:
        """Whether an agency is reached by a channel at all."""
        return bool(self._general(channel, agency, day) or self._routes(channel, agency))

    def nearest(self, channel: Channel, scope: Scope, day: date, level: int = 0) -> Scope | None:
        """Which agency is told of a scope by a channel: its own, or the nearest above with it.

        Args:
            channel: by which; nobody above stands in for the chat of an agency that has none.
            scope: of the alert.
            day: local.
            level: 0 is the scope's own agency, 1 the one above it.
        """
        line = line_of(self.registry, scope, day)[level:]
        near = line[:1] if channel is Channel.CHAT else line
        return next((entry.key for entry in near if self._has(channel, entry.key, day)), None)

    def receivers(
        self, channel: Channel, agency: Scope, severity: Severity, now: datetime
    ) -> list[str | None]:
        """Who of an agency is told at a moment: ids of routes, None for its own address."""
        routes = self._routes(channel, agency)
        found: list[str | None] = [one.id for one in routes if one.takes(severity, now)]
        if found or channel is Channel.CHAT:
            return found
        if self._general(channel, agency, local_day(now)) or not routes:
            return [None]
        return [one.id for one in routes]


class Directories:
    """The directory of one process, as it stands at each moment."""

    def __init__(self, registry: Cached[Registry], routes: Sequence[Route] = ()) -> None:
        """Begin with these routes."""
        self.registry = registry
        self._routes = routes

    def use(self, routes: Sequence[Route]) -> None:
        """Reach agencies by these routes from now on."""
        self._routes = tuple(routes)

    @property
    def value(self) -> Directory:
        """As it is now."""
        return Directory(self.registry.value, self._routes)
