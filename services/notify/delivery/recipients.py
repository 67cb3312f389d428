"""Who is told of a change: the agency responsible by the registry, and those above it."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from method.period import local_day
from schemas.alert import AlertChanged, AlertState, Severity
from schemas.scope import Scope
from services.notify.delivery.directory import Directory
from services.notify.delivery.outbox import Channel, Entry


def channels_for(severity: Severity) -> tuple[Channel, ...]:
    """By which channels agencies are told of an alert."""
    if severity is Severity.INFO:
        return (Channel.EMAIL,)
    return Channel.WEBHOOK, Channel.EMAIL, Channel.CHAT


def entries_for(event: AlertChanged, directory: Directory, now: datetime) -> list[Entry]:
    """The messages that tell agencies of a change: by each channel, the nearest agency that has it.

    An office without an e-mail address of its own is told through the commune or province above. Of
    an alert that went up for want of an answer, that level is told; that it is over, and of a
    reminder, all who were. Of `info` nobody is told but of a fall, by e-mail, when it begins: the
    digest weighs it (`soft_falls`). Whom of an agency a mail goes to is settled when it is written
    (`gathering`).
    """
    if event.severity is Severity.INFO:
        begins = event.state is AlertState.FIRING and not event.escalated
        soft = begins and event.kind == "drop"
        return _messages(event, directory, now, [0]) if soft else []
    again = event.reminder or event.state is AlertState.RESOLVED
    levels = range(event.escalated + 1) if again else [event.escalated]
    return _messages(event, directory, now, levels)


def mailed(event: AlertChanged, directory: Directory, now: datetime) -> list[Entry]:
    """What would tell, by e-mail, all who were told of an alert."""
    messages = _messages(event, directory, now, range(event.escalated + 1))
    return [entry for entry in messages if entry.channel is Channel.EMAIL]


class Reached(NamedTuple):
    """Who is told: an agency, and which contact of it; None for its own address."""

    agency: Scope
    route: str | None


def reached(
    directory: Directory,
    scope: Scope,
    level: int,
    channel: Channel,
    severity: Severity,
    now: datetime,
) -> list[Reached]:
    """Who is told by a channel when a level is.

    Args:
        directory: of addresses.
        scope: of the alert.
        level: 0 is the scope's own agency, 1 the one above it.
        channel: how.
        severity: of the alert.
        now: the moment.
    """
    agency = directory.nearest(channel, scope, local_day(now), level)
    if agency is None:
        return []
    routes = directory.receivers(channel, agency, severity, now)
    return [Reached(agency, route) for route in routes]


def _messages(
    event: AlertChanged,
    directory: Directory,
    now: datetime,
    levels: Iterable[int],
) -> list[Entry]:
    messages: dict[str, Entry] = {}
    for level in levels:
        for channel in channels_for(event.severity):
            found = reached(directory, event.scope, level, channel, event.severity, now)
            for agency, route in found:
                gathered = channel is Channel.EMAIL
                entry = Entry(channel, agency, event, route=None if gathered else route)
                messages[entry.receiver] = entry
    return list(messages.values())
