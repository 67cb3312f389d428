"""Who is told, and where: the agency responsible by the registry."""

from collections.abc import Iterable, Sequence
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


def nearest(registry: Registry, channel: Channel, scope: Scope, day: date) -> Scope | None:
    """Which agency is told of a scope by a channel: its own, or the nearest above that has it."""
    keys = (entry.key for entry in _line(registry, scope, day))
    return next((key for key in keys if address_of(registry, channel, key, day)), None)


def entries_for(event: AlertChanged, registry: Registry, day: date) -> list[Entry]:
    """The messages that tell agencies of a change: by each channel, the nearest agency that has it.

    An office without an e-mail address of its own is told through the commune or province above. Of
    an alert that went up for want of an answer, that level is told; that it is over, and of a
    reminder, all who were. Of `info` nobody is told but of a fall, by e-mail, when it begins: the
    digest weighs it (`digest`).
    """
    if event.severity is Severity.INFO:
        begins = event.state is AlertState.FIRING and not event.escalated
        soft = begins and event.kind == "drop"
        return _messages(event, registry, day, [0], [Channel.EMAIL]) if soft else []
    again = event.reminder or event.state is AlertState.RESOLVED
    levels = range(event.escalated + 1) if again else [event.escalated]
    return _messages(event, registry, day, levels, [Channel.WEBHOOK, Channel.EMAIL])


def mailed(event: AlertChanged, registry: Registry, day: date) -> list[Entry]:
    """What would tell, by e-mail, all who were told of an alert."""
    return _messages(event, registry, day, range(event.escalated + 1), [Channel.EMAIL])


def _messages(
    event: AlertChanged,
    registry: Registry,
    day: date,
    levels: Iterable[int],
    channels: Sequence[Channel],
) -> list[Entry]:
    line = _line(registry, event.scope, day)
    messages: dict[tuple[Channel, str], Entry] = {}
    for level in levels:
        for channel in channels:
            for agency in line[level:]:
                if target := address_of(registry, channel, agency.key, day):
                    messages[channel, agency.key] = Entry(channel, agency.key, target, event)
                    break
    return list(messages.values())
