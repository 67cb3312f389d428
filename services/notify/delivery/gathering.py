"""Mails that are told of together with others: those of one moment in one, softer ones in a digest.

    severity   webhook    e-mail
    critical   at once    together with what else the agency is told of within `group_wait`
    warning    at once    in the digest of the day
    info       never      a fall (`drop`) in the digest of the day, if it is believed (`soft_falls`)

What is to be mailed is gathered in the transaction of the transition that it tells of, and leaves
in the one that writes the mail to the outbox: a crash loses none of it and tells none of it twice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from schemas.alert import AlertChanged, AlertState, Severity
from schemas.scope import Scope
from services.notify.alerts.findings import Findings
from services.notify.delivery import content, outbox
from services.notify.delivery.content import Together
from services.notify.delivery.directory import Directories, Directory
from services.notify.delivery.outbox import Channel, Entry, EntryState
from services.notify.storage import GATHERED, OUTBOX
from services.runtime import tracing
from services.runtime.clock import Clock
from services.runtime.database import Database, Document, Session


class Into(StrEnum):
    """What a gathered change becomes part of."""

    TOGETHER = "together"
    DIGEST = "digest"


def _document(entry: Entry, now: datetime) -> Document:
    critical = entry.alert.severity is Severity.CRITICAL
    return {
        "_id": entry.id,
        "into": (Into.TOGETHER if critical else Into.DIGEST).value,
        "agency": entry.agency,
        "at": now,
        "traceparent": tracing.current(),
        "findings": entry.findings.model_dump(mode="json") if entry.findings else None,
        **content.to_document(entry.alert),
    }


async def put(
    database: Database, entries: Sequence[Entry], now: datetime, session: Session
) -> None:
    """Write messages, inside the transaction of their transition: mails are gathered first."""
    mails = [entry for entry in entries if entry.channel is Channel.EMAIL]
    await outbox.put(database, [one for one in entries if one not in mails], now, session)
    if mails:
        documents = [_document(entry, now) for entry in mails]
        await database[GATHERED].insert_many(documents, session=session)


def event_of(item: Document) -> AlertChanged:
    """The change that was gathered."""
    found = content.of_document(item)
    assert isinstance(found, AlertChanged), "nothing else is gathered"  # noqa: S101
    return found


def newest(events: Iterable[AlertChanged]) -> list[AlertChanged]:
    """Of each alert where it stands after all changes, which come the oldest first. Pure."""
    return list({event.alert: event for event in events}.values())


def worth_a_mail(events: Sequence[AlertChanged]) -> list[AlertChanged]:
    """What one mail says of changes, the oldest first: of each alert where it stands now. Pure.

    Of one that began to fire and is over in the same mail it says nothing: nobody heard of it.
    """
    began = {event.alert for event in events if _begins(event)}
    return [
        event
        for event in newest(events)
        if not (event.state is AlertState.RESOLVED and event.alert in began)
    ]


def _begins(event: AlertChanged) -> bool:
    return event.state is AlertState.FIRING and not event.reminder and event.escalated == 0


def _mail(agency: Scope, items: Sequence[Document], now: datetime) -> Entry | None:
    """What is written of gathered changes, the oldest first; None where it is not worth a mail."""
    events = worth_a_mail([event_of(item) for item in items])
    match events:
        case []:
            return None
        case [event]:
            item = next(one for one in reversed(items) if one["series"] == event.alert)
            found = Findings.model_validate(item["findings"]) if item["findings"] else None
            return Entry(Channel.EMAIL, agency, event, found)
        case _:
            return Entry(Channel.EMAIL, agency, Together(at=now, events=tuple(events)))


def addressed(mail: Entry, directory: Directory, severity: Severity, now: datetime) -> list[Entry]:
    """A mail to an agency as one to each contact of it that takes the severity now. Pure."""
    routes = directory.receivers(Channel.EMAIL, mail.agency, severity, now)
    return [replace(mail, route=route) for route in routes]


class Gathering:
    """Mails of one moment: critical changes that one agency is told of."""

    def __init__(
        self, database: Database, directories: Directories, wait: timedelta, clock: Clock
    ) -> None:
        """Hold what the work needs.

        Args:
            database: of notify.
            directories: whom of an agency a mail goes to.
            wait: how long a change waits for others.
            clock: the present.
        """
        self._database = database
        self._directories = directories
        self._wait = wait
        self._clock = clock

    async def run(self) -> None:
        """Write the mails whose first change has waited long enough."""
        now = self._clock()
        rows = self._database.aggregate(
            GATHERED,
            [
                {"$match": {"into": Into.TOGETHER.value}},
                {"$group": {"_id": "$agency", "oldest": {"$min": "$at"}}},
                {"$match": {"oldest": {"$lte": now - self._wait}}},
                {"$sort": {"_id": 1}},
            ],
        )
        for agency in [row["_id"] async for row in rows]:
            await self._write(agency, now)

    async def _write(self, agency: str, now: datetime) -> None:
        async def work(session: Session) -> None:
            query = {"into": Into.TOGETHER.value, "agency": agency}
            order = [("at", 1), ("number", 1)]
            found = self._database[GATHERED].find(query, session=session).sort(order)
            items = [item async for item in found]
            behind = await self._behind(agency, [item["series"] for item in items], session)
            ready = [item for item in items if item["series"] not in behind]
            names = [item["_id"] for item in ready]
            await self._database[GATHERED].delete_many({"_id": {"$in": names}}, session=session)
            if (mail := _mail(agency, ready, now)) is not None:
                directory = self._directories.value
                mails = addressed(mail, directory, Severity.CRITICAL, now)
                # Told together, they go out as part of the newest one's trace.
                with tracing.continuing(ready[-1].get("traceparent")):
                    await outbox.put(self._database, mails, now, session)

        await self._database.transaction(work)

    async def _behind(self, agency: str, alerts: list[str], session: Session) -> set[str]:
        """Alerts of which an earlier mail still waits: what comes next is gathered until then."""
        found = self._database[OUTBOX].find(
            {
                "state": EntryState.WAITING.value,
                "channel": Channel.EMAIL.value,
                "agency": agency,
                "tells.of": {"$in": alerts},
            },
            {"tells": 1},
            session=session,
        )
        return {told["of"] async for document in found for told in document["tells"]}
