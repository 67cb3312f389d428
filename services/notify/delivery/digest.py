"""The daily digest of an agency: made once a day, whatever crashes and however many make it."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import NamedTuple

from pymongo.errors import DuplicateKeyError

from method.period import LOCAL_ZONE, local_day
from schemas.alert import AlertChanged, AlertState, Handling, Severity
from schemas.collections import ALERTS
from schemas.scope import Scope
from schemas.workload import Workload
from services.notify.alerts.documents import to_alert, to_event
from services.notify.delivery import outbox, soft_falls, workloads
from services.notify.delivery.content import Digest
from services.notify.delivery.directory import Directories
from services.notify.delivery.gathering import Into, addressed, event_of, newest
from services.notify.delivery.outbox import Channel, Entry
from services.notify.delivery.recipients import mailed
from services.notify.rules.kinds import Rule
from services.notify.storage import DIGESTS, GATHERED
from services.runtime import metrics
from services.runtime.clock import Clock
from services.runtime.database import Database, Document, Session


class _Waits(NamedTuple):
    """What waits for an agency: alerts that nobody has answered, and work at the desk."""

    unanswered: tuple[AlertChanged, ...]
    work: Workload | None


def due_since(now: datetime, at: time) -> datetime | None:
    """When the digest of today became due; None when it is not yet. Pure."""
    moment = datetime.combine(local_day(now), at, LOCAL_ZONE)
    return moment if now >= moment else None


class Digests:
    """Makes the digests of one process; several may be at it."""

    def __init__(
        self,
        database: Database,
        directories: Directories,
        rules: Callable[[], Mapping[str, Rule]],
        at: time,
        rate: float,
        clock: Clock,
    ) -> None:
        """Hold what the work needs.

        Args:
            database: of notify.
            directories: who is mailed about what.
            rules: those in force.
            at: local time of the day.
            rate: false discovery rate of soft falls.
            clock: the present.
        """
        self._database = database
        self._directories = directories
        self._rules = rules
        self._at = at
        self._rate = rate
        self._clock = clock

    async def run(self) -> None:
        """Make the digests of today, once they are due and as far as they are not made."""
        now = self._clock()
        until = due_since(now, self._at)
        if until is None:
            return
        day = local_day(now)
        if await self._database[DIGESTS].find_one({"_id": day.isoformat()}):
            return
        for agency, waits in sorted((await self._readers(until, now)).items()):
            await self._make(agency, waits, until, now)
        await self._database[DIGESTS].update_one(
            {"_id": day.isoformat()}, {"$setOnInsert": {"made_at": now}}, upsert=True
        )

    async def _readers(self, until: datetime, now: datetime) -> dict[Scope, _Waits]:
        """Agencies for whom there may be something to say, with what waits for them."""
        directory = self._directories.value
        work = await workloads.by_reader(self._database, directory, local_day(now))
        query: Document = {"into": Into.DIGEST.value, "at": {"$lt": until}}
        gathered = await self._database[GATHERED].distinct("agency", query)
        unanswered: dict[Scope, list[AlertChanged]] = {agency: [] for agency in gathered}
        query = {
            "open": True,
            "state": AlertState.FIRING.value,
            "held": {"$ne": True},
            "event.severity": Severity.CRITICAL.value,
            "event.handling": Handling.WAITING.value,
        }
        async for document in self._database[ALERTS].find(query).sort("opened_at", 1):
            alert = to_alert(document)
            if alert.told_at is None or alert.told_at >= until:
                continue
            event = to_event(alert)
            for entry in mailed(event, directory, now):
                unanswered.setdefault(entry.agency, []).append(event)
        return {
            agency: _Waits(tuple(unanswered.get(agency, ())), work.get(agency))
            for agency in {*unanswered, *work}
        }

    async def _make(self, agency: Scope, waits: _Waits, until: datetime, now: datetime) -> None:
        day = local_day(now)
        name = f"{day.isoformat()}/{agency}"

        async def work(session: Session) -> bool:
            if await self._database[DIGESTS].find_one({"_id": name}, session=session):
                return False
            query = {"into": Into.DIGEST.value, "agency": agency, "at": {"$lt": until}}
            order = [("at", 1), ("number", 1)]
            found = self._database[GATHERED].find(query, session=session).sort(order)
            items = await self._not_held([item async for item in found], session)
            digest = await self._compose(agency, items, waits, day, until)
            await self._database[DIGESTS].insert_one({"_id": name, "made_at": now}, session=session)
            names = [item["_id"] for item in items]
            await self._database[GATHERED].delete_many({"_id": {"$in": names}}, session=session)
            if digest.empty:
                return False
            mail = Entry(Channel.EMAIL, agency, digest)
            mails = addressed(mail, self._directories.value, Severity.WARNING, now)
            await outbox.put(self._database, mails, now, session)
            return True

        try:
            made = await self._database.transaction(work)
        except DuplicateKeyError:  # another instance was faster
            return
        if made:
            metrics.NOTIFY_DIGESTS.inc()

    async def _not_held(self, items: list[Document], session: Session) -> list[Document]:
        """Without what is silenced or held back by now: that is for a later digest."""
        query = {"_id": {"$in": [item["series"] for item in items]}, "held": True}
        found = self._database[ALERTS].find(query, {"_id": 1}, session=session)
        held = {document["_id"] async for document in found}
        return [item for item in items if item["series"] not in held]

    async def _compose(
        self,
        agency: Scope,
        items: list[Document],
        waits: _Waits,
        day: date,
        until: datetime,
    ) -> Digest:
        events = [event_of(item) for item in items]
        warnings = newest(one for one in events if one.severity is Severity.WARNING)
        soft = [one for one in events if one.severity is Severity.INFO]
        signals, tested = await soft_falls.to_tell(
            self._database,
            self._directories.value,
            self._rules().values(),
            self._rate,
            *(agency, soft, day),
        )
        return Digest(
            day=day,
            at=until,
            unanswered=waits.unanswered,
            opened=tuple(one for one in warnings if one.state is AlertState.FIRING),
            closed=tuple(one for one in warnings if one.state is AlertState.RESOLVED),
            signals=signals,
            tested=tested,
            rate=self._rate,
            work=waits.work,
        )
