"""One attempt to deliver one message, and what is noted of it."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from method.period import local_day
from schemas.alert import AlertChanged
from schemas.topics import ALERT_CHANGED
from services.notify.delivery import waiting
from services.notify.delivery.channels import Deliver, GoneError, NotDeliveredError
from services.notify.delivery.directory import Directories
from services.notify.delivery.outbox import Channel, Entry
from services.notify.delivery.schedule import Jitter, next_attempt
from services.notify.delivery.waiting import Taken
from services.notify.wording import letters
from services.runtime import metrics, tracing
from services.runtime.blame import blame
from services.runtime.clock import Clock
from services.runtime.database import Database, Document

log = logging.getLogger(__name__)

_OUTCOMES = ("delivered", "retried", "given_up", "gone")

_TOPIC_PAUSE = timedelta(seconds=1)
"""The topic is ours: it is tried until it works."""


def _observe_age(entry: Entry, now: datetime) -> None:
    if entry.channel is Channel.TOPIC or not isinstance(entry.event, AlertChanged):
        return
    for since, moment in (
        ("occurred", entry.event.latest_occurred_at),
        ("received", entry.event.latest_received_at),
    ):
        if moment is not None:
            age = (now - moment).total_seconds()
            metrics.AGE_AT_DELIVERY_SECONDS.labels(since).observe(age)


class Attempt:
    """Attempts of one process."""

    def __init__(
        self,
        database: Database,
        directories: Directories,
        channels: Mapping[Channel, Deliver],
        public_url: str,
        clock: Clock,
        jitter: Jitter,
    ) -> None:
        """Hold what the work needs."""
        self._database = database
        self._directories = directories
        self._channels = channels
        self._public_url = public_url
        self._clock = clock
        self._jitter = jitter
        names = [channel.value for channel in channels]
        metrics.from_zero(metrics.NOTIFY_DELIVERIES, names, _OUTCOMES)
        metrics.from_zero(metrics.NOTIFY_DELIVERY_SECONDS, names)

    async def __call__(self, taken: Taken) -> Document:
        """Try once and note what came of it.

        Returns:
            What the receiver asked for, as `endpoints.release` takes it.
        """
        address = self._address(taken)
        try:
            entry = await self._hand_over(taken, address)
        except NotDeliveredError as error:
            return await self._failed(taken, address, error)
        except Exception as error:  # noqa: BLE001  # ours, with this message: the others go on
            problem = NotDeliveredError(f"our code raised: {blame(error)}")
            return await self._failed(taken, address, problem)
        now = self._clock()
        await waiting.delivered(self._database, taken, now)
        metrics.NOTIFY_DELIVERIES.labels(taken.channel.value, "delivered").inc()
        waited = (now - taken.content["created_at"]).total_seconds()
        metrics.NOTIFY_DELIVERY_SECONDS.labels(taken.channel.value).observe(waited)
        _observe_age(entry, now)
        return {}

    def _address(self, taken: Taken) -> str | None:
        """That of today, perhaps another than on the day when the message was written."""
        if taken.channel is Channel.TOPIC:
            return ALERT_CHANGED.name
        day = local_day(self._clock())
        return self._directories.value.address(taken.channel, taken.agency, taken.route, day)

    async def _hand_over(self, taken: Taken, address: str | None) -> Entry:
        if address is None:
            msg = "neither the registry nor a route holds an address"
            raise NotDeliveredError(msg)
        entry, registry = taken.entry(), self._directories.value.registry
        message = letters.write(entry.event, registry, self._public_url, entry.findings)
        with tracing.span(f"deliver by {entry.channel}", "client", {"message": entry.id}):
            await self._channels[entry.channel](entry, address, message)
        return entry

    async def _failed(
        self, taken: Taken, address: str | None, error: NotDeliveredError
    ) -> Document:
        now, number = self._clock(), taken.attempts + 1
        gone = isinstance(error, GoneError)
        again_at: datetime | None
        if taken.channel is Channel.TOPIC:
            again_at = now + _TOPIC_PAUSE
        else:
            again_at = next_attempt(number, error.wait, now, self._jitter)
        if gone:  # its message is kept, for when it is back or has moved
            outcome, again_at = "gone", again_at or now
        else:
            outcome = "retried" if again_at else "given_up"
        log.warning("%s to %s, attempt %d: %s, %s", taken.id, taken.agency, number, error, outcome)
        if not await waiting.not_delivered(self._database, taken, str(error), again_at, now):
            log.info("%s has moved on meanwhile", taken.id)
        metrics.NOTIFY_DELIVERIES.labels(taken.channel.value, outcome).inc()
        if gone:
            return {"disabled": {"at": now, "target": address}}
        return {"not_before": now + error.wait} if error.wait else {}
