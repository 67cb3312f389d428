"""The durable outbox: what has to be told to whom, until it is told or given up.

An entry is written in the transaction of the transition that it tells of, so neither can be there
without the other. Its id stays the same over every attempt: receivers can recognise a repetition.
What becomes of it afterwards: `waiting`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schemas.alert import AlertChanged
from schemas.scope import Scope
from services.notify.alerts.findings import Findings
from services.notify.delivery import content
from services.notify.delivery.content import Content
from services.notify.storage import OUTBOX
from services.runtime import tracing
from services.runtime.database import Database, Document, Session


class Channel(StrEnum):
    """How a message goes out. `topic` is alert.changed.v1, for the rest of the system."""

    TOPIC = "topic"
    WEBHOOK = "webhook"
    EMAIL = "email"
    CHAT = "chat"


class EntryState(StrEnum):
    """Where a message stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


def receiver_name(channel: Channel, agency: Scope, route: str | None = None) -> str:
    """`webhook/unit:000.00.19.H26`: to whom, and how; a route of the agency is another part."""
    return f"{channel}/{agency}" + (f"/{route}" if route else "")


@dataclass(frozen=True)
class Entry:
    """A message to one receiver.

    Attributes:
        channel: how it goes out.
        agency: to whom.
        event: what it tells.
        findings: what there is to say beside the figures: for people alone, never on the topic.
        route: which contact of the agency; None for its own address in the registry.
    """

    channel: Channel
    agency: Scope
    event: Content
    findings: Findings | None = None
    route: str | None = None

    @property
    def receiver(self) -> str:
        """To whom, and how."""
        return receiver_name(self.channel, self.agency, self.route)

    @property
    def alert(self) -> AlertChanged:
        """The change of one alert, for channels that take nothing else.

        Raises:
            TypeError: when it tells of something else.
        """
        if not isinstance(self.event, AlertChanged):
            msg = f"{self.channel} takes changes of one alert alone"
            raise TypeError(msg)
        return self.event

    @property
    def id(self) -> str:
        """`msg_` and a fingerprint: no dots, as Standard Webhooks asks of message ids."""
        name = f"{content.identity(self.event)}/{self.receiver}"
        return "msg_" + hashlib.sha256(name.encode()).hexdigest()[:32]

    def document(self, now: datetime) -> Document:
        """As MongoDB keeps it."""
        return {
            "_id": self.id,
            "receiver": self.receiver,
            "channel": self.channel.value,
            "agency": self.agency,
            "route": self.route,
            **content.to_document(self.event),
            "findings": self.findings.model_dump(mode="json") if self.findings else None,
            "attempts": 0,
            "version": 0,
            "state": EntryState.WAITING.value,
            "traceparent": tracing.current(),
            "due_at": now,
            "created_at": now,
            "history": [],
        }


async def put(
    database: Database, entries: Sequence[Entry], now: datetime, session: Session
) -> None:
    """Write messages, inside the transaction of their transition."""
    if entries:
        await database[OUTBOX].insert_many([e.document(now) for e in entries], session=session)
