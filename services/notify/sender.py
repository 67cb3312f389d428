"""Delivers from the outbox, each channel in a line of its own, each message until it is taken."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from method.period import local_day
from schemas.registry import Registry
from services.notify import outbox
from services.notify.channels import Deliver, NotDeliveredError
from services.notify.message import compose
from services.notify.outbox import Channel, Entry
from services.runtime import metrics
from services.runtime.cached import Cached
from services.runtime.clock import Clock
from services.runtime.database import Database

log = logging.getLogger(__name__)

_TOPIC_PAUSE = timedelta(seconds=1)
# One at a time to the topic: it is compacted, so of one alert the newest revision must come last.
_AT_ONCE = {Channel.TOPIC: 1, Channel.WEBHOOK: 16, Channel.EMAIL: 4}


class Sender:
    """The delivery of one process; several may share an outbox."""

    def __init__(
        self,
        database: Database,
        registry: Cached[Registry],
        channels: Mapping[Channel, Deliver],
        public_url: str,
        clock: Clock,
    ) -> None:
        """Hold what the work needs."""
        self._database = database
        self._registry = registry
        self._channels = channels
        self._public_url = public_url
        self._clock = clock

    async def run(self) -> None:
        """Deliver everything that is due now."""
        due = await outbox.due(self._database, self._clock())
        async with asyncio.TaskGroup() as group:
            for channel, number in due.items():
                for _ in range(min(number, _AT_ONCE[channel])):
                    group.create_task(self._drain(channel))
        metrics.NOTIFY_WAITING.set(await outbox.waiting(self._database))

    async def _drain(self, channel: Channel) -> None:
        while entry := await outbox.claim(self._database, channel, self._clock()):
            await self._deliver(entry)

    async def _deliver(self, entry: Entry) -> None:
        day = local_day(entry.event.changed_at)
        office = self._registry.value.latest(entry.event.scope, day)
        message = compose(entry.event, office, self._public_url)
        try:
            await self._channels[entry.channel](entry, message)
        except NotDeliveredError as error:
            pause = (
                _TOPIC_PAUSE
                if entry.channel is Channel.TOPIC
                else outbox.pause_after(entry.attempts)
            )
            outcome = "failed" if pause is None else "retried"
            log.warning(
                "%s to %s, attempt %d: %s", entry.channel, entry.agency, entry.attempts, error
            )
            await outbox.not_delivered(self._database, entry, str(error), pause, self._clock())
        else:
            now = self._clock()
            outcome = "delivered"
            await outbox.delivered(self._database, entry, now)
            self._observe_age(entry, now)
        metrics.NOTIFY_DELIVERIES.labels(entry.channel.value, outcome).inc()

    @staticmethod
    def _observe_age(entry: Entry, now: datetime) -> None:
        if entry.channel is Channel.TOPIC:
            return
        for since, moment in (
            ("occurred", entry.event.latest_occurred_at),
            ("received", entry.event.latest_received_at),
        ):
            if moment is not None:
                age = (now - moment).total_seconds()
                metrics.AGE_AT_DELIVERY_SECONDS.labels(since).observe(age)
