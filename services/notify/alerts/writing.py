"""Writes a move of an alert, its place in the alert's history and its messages, as one."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from pymongo.errors import DuplicateKeyError

from schemas.alert import AlertState
from schemas.collections import ALERTS
from schemas.history import Moment
from services.notify.alerts.documents import to_document, to_event
from services.notify.alerts.findings import look_up
from services.notify.alerts.lifecycle import Alert
from services.notify.alerts.telling import Telling
from services.notify.delivery import gathering
from services.notify.delivery.directory import Directories
from services.notify.delivery.outbox import Channel, Entry
from services.notify.delivery.recipients import entries_for
from services.notify.rules.kinds import Rule
from services.runtime import metrics, tracing
from services.runtime.blame import blame
from services.runtime.database import Database, DatabaseError, Session

log = logging.getLogger(__name__)


class _MovedOnError(Exception):
    """Somebody else changed the alert meanwhile."""


def remembering(before: Alert | None, after: Alert, messages: Sequence[Entry]) -> Alert:
    """The alert with what befell it just now; an answer is kept apart. Pure."""
    told = {entry.agency: None for entry in messages if entry.channel is not Channel.TOPIC}
    if before and _befallen(before) == _befallen(after) and not told:
        return after
    state, escalated, held = _befallen(after)
    moment = Moment(
        at=after.changed_at, state=state, escalated=escalated, held=held, told=tuple(told)
    )
    return replace(after, history=(*after.history, moment))


def _befallen(alert: Alert) -> tuple[AlertState, int, bool]:
    return alert.state, alert.escalated, alert.held is not None


class Writing:
    """What this process writes of alerts."""

    def __init__(self, database: Database, directories: Directories) -> None:
        """Hold what the work needs."""
        self._database = database
        self._directories = directories

    async def write(
        self, rule: Rule | None, before: Alert | None, telling: Telling, now: datetime
    ) -> bool:
        """Write a change and its messages in one transaction; False if another was faster."""
        after = telling.alert
        moved = before is None or before.revision != after.revision
        messages = self._messages(telling) if moved else []
        after = remembering(before, after, messages)
        messages = await self._with_findings(messages, after, rule, now)

        async def work(session: Session) -> None:
            # Whoever moves it when time has passed goes on where it was moved last.
            document = to_document(after, rule) | {"traceparent": tracing.current()}
            if before is None:
                await self._database[ALERTS].insert_one(document, session=session)
            else:
                # The version of the index tells apart two readings of one revision.
                result = await self._database[ALERTS].replace_one(
                    {
                        "_id": before.id,
                        "revision": before.revision,
                        "index_version": before.index_version,
                    },
                    document,
                    session=session,
                )
                if result.matched_count == 0:
                    raise _MovedOnError
            await gathering.put(self._database, messages, now, session)

        try:
            with tracing.span("write alert", attributes={"alert": after.id}):
                await self._database.transaction(work)
        except (_MovedOnError, DuplicateKeyError):
            log.info("alert %s was moved by another instance, looking again", after.id)
            return False
        if moved:
            self._tell(before, after)
        return True

    @staticmethod
    def _tell(before: Alert | None, after: Alert) -> None:
        if before is None or before.state is not after.state:
            metrics.NOTIFY_TRANSITIONS.labels(after.state.value).inc()
            log.info("alert %s is %s", after.id, after.state.value)
        if before is not None and before.escalated < after.escalated:
            metrics.NOTIFY_ESCALATIONS.inc()
            log.info("alert %s went up %d levels", after.id, after.escalated)
        if after.held is not None and (before is None or before.held is None):
            metrics.NOTIFY_HELD.labels(after.held.by.value).inc()
            log.info("alert %s is held back: %s", after.id, after.held.by.value)
        if before is not None and before.handling is not after.handling:
            log.info("alert %s is %s", after.id, after.handling.value)

    async def _with_findings(
        self, messages: list[Entry], after: Alert, rule: Rule | None, now: datetime
    ) -> list[Entry]:
        """The messages with what there is to say to people beside the figures.

        An error of ours in that keeps no alert from being told: it is told without.
        """
        to_people = [entry for entry in messages if entry.channel is not Channel.TOPIC]
        if after.state is not AlertState.FIRING or not to_people:
            return messages
        try:
            found = await look_up(self._database, after, rule, now)
        except DatabaseError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, the alert is what matters
            # Without the error itself: its message may hold what was written.
            log.error("alert %s is told without its evidence: %s", after.id, blame(error))  # noqa: TRY400
            return messages
        return [
            replace(entry, findings=found) if entry in to_people else entry for entry in messages
        ]

    def _messages(self, telling: Telling) -> list[Entry]:
        event = to_event(telling.alert)
        messages = [Entry(Channel.TOPIC, event.scope, event)]
        if telling.occasion is not None:
            messages += entries_for(event, self._directories.value, event.changed_at)
        return messages
