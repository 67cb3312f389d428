"""Who is told, and where: the agency responsible by the registry."""

from datetime import date

from schemas.alert import AlertChanged, AlertState, Severity
from schemas.registry import Registry, RegistryEntry
from schemas.scope import COUNTRY, Scope
from services.notify.outbox import Channel, Entry


def _line(registry: Registry, scope: str, day: date) -> list[RegistryEntry]:
    """The scope's own entry and those above it, nearest first."""
    keys = [scope, *registry.above(scope, day)]
    found = (registry.on(key, day) for key in keys if key != COUNTRY)
    return [entry for entry in found if entry is not None]


def levels_above(scope: str, registry: Registry, day: date) -> int:
    """How many agencies stand above a scope."""
    return max(0, len(_line(registry, scope, day)) - 1)


def address_of(registry: Registry, channel: Channel, agency: Scope, day: date) -> str | None:
    """Where an agency is reached by webhook or e-mail; None where the registry does not say."""
    known = registry.latest(agency, day)
    if known is None:
        return None
    return known.webhook if channel is Channel.WEBHOOK else known.email


def entries_for(event: AlertChanged, registry: Registry, day: date) -> list[Entry]:
    """The messages that tell agencies of a change: by each channel, the nearest agency that has it.

    An office without an e-mail address of its own is told through the commune or province above. Of
    an alert that went up for want of an answer, that level is told; that it is over, and of a
    reminder, all who were. Of `info` nobody is told: it is on the screen.
    """
    if event.severity is Severity.INFO:
        return []
    line = _line(registry, event.scope, day)
    again = event.reminder or event.state is AlertState.RESOLVED
    messages: dict[tuple[Channel, str], Entry] = {}
    for level in range(event.escalated + 1) if again else (event.escalated,):
        for channel, name in ((Channel.WEBHOOK, "webhook"), (Channel.EMAIL, "email")):
            for agency in line[level:]:
                if target := getattr(agency, name):
                    messages[channel, agency.key] = Entry(channel, agency.key, target, event)
                    break
    return list(messages.values())
