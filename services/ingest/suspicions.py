"""Looks at the answers of days for what is too good, once an hour, and writes down what it finds.

What is written follows from the stored responses: to look again, or twice at a time, changes
nothing. Nothing else is touched; every answer goes on counting.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final

from method.period import day_key, local_day, local_hour_start
from method.suspicion import Finding, Sums, honesty_on, of_day, of_month, together
from schemas.collections import SUSPICIONS
from schemas.suspicion import Seen, Suspicion
from services.ingest.device_days import Past, between, keep, offices_of, rows_of
from services.runtime import metrics
from services.runtime.clock import Clock
from services.runtime.database import Database, Document

_LATE_DAYS: Final = 7
"""So long a kiosk may hold answers back: they land in days that are over."""

_ROWS_AT_ONCE: Final = 1000

_DAY = timedelta(days=1)


def days_to_look_at(now: datetime) -> list[date]:
    """Today, yesterday, and by turns one of the days before, oldest first.

    So each day for which answers may still come is looked at four times in 24 hours.
    """
    today = local_day(now)
    back = 2 + local_hour_start(now).hour % (_LATE_DAYS - 1)
    return [today - back * _DAY, today - _DAY, today]


class Suspicions:
    """The look at all offices."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Hold what the work needs."""
        self._database = database
        self._clock = clock

    async def run(self) -> None:
        """Look at the days whose turn it is."""
        now = self._clock()
        for day in days_to_look_at(now):
            await self.look(day, now)

    async def look(self, day: date, now: datetime) -> None:
        """Look at one local day of all offices; at the month until then, if the day is over.

        Raises:
            DatabaseError: when the answers cannot be read, or what is found cannot be written.
        """
        honest = honesty_on(day)
        month = day.replace(day=1)
        history = await between(self._database, month - honest.history_days * _DAY, month - _DAY)
        rows: list[Document] = []
        async for unit, devices in offices_of(self._database, day):
            rows += rows_of(unit, day, devices)
            if len(rows) >= _ROWS_AT_ONCE:
                await keep(self._database, rows)
                rows.clear()
            past = history.get(unit, {})
            per_hour = {
                device: known.per_hour
                for device, known in past.items()
                if known.per_hour is not None
            }
            for finding in of_day(devices, per_hour, honest):
                await self._write(unit, day, day, finding, now)
        await keep(self._database, rows)
        if day < local_day(now):
            await self._look_at_month(month, day, history, now)

    async def _look_at_month(
        self, first: date, last: date, history: Mapping[str, Mapping[str, Past]], now: datetime
    ) -> None:
        offices = {
            unit: {device: known.sums for device, known in devices.items()}
            for unit, devices in (await between(self._database, first, last)).items()
        }
        own = {unit: together(devices.values()) for unit, devices in offices.items()}
        country = together(own.values())
        for unit, devices in offices.items():
            others = Sums(*(a - b for a, b in zip(country, own[unit], strict=True)))
            usual = {device: known.sums for device, known in history.get(unit, {}).items()}
            for finding in of_month(devices, usual, others, honesty_on(last)):
                await self._write(unit, first, last, finding, now)

    async def _write(
        self, unit: str, first: date, last: date, finding: Finding, now: datetime
    ) -> None:
        """Write a finding down, beside those before it if it says something else."""
        name = f"{finding.kind.value}/{unit}/{day_key(first)}"
        seen = Seen(at=now, **{k: v for k, v in finding._asdict().items() if k != "kind"})
        one = Suspicion(
            id=name, kind=finding.kind.value, unit=unit, first=first, last=last, seen=[seen]
        )
        new = _document(one)
        written = await self._database[SUSPICIONS].update_one(
            {"_id": name}, {"$setOnInsert": new}, upsert=True
        )
        if written.upserted_id is not None:
            metrics.INGEST_SUSPICIONS.labels(finding.kind.value).inc()
            return
        await self._database[SUSPICIONS].update_one(
            {"_id": name, "seen.figures": {"$ne": seen.figures}},
            {"$push": {"seen": new["seen"][0]}, "$max": {"last": new["last"]}},
        )


def _document(suspicion: Suspicion) -> Document:
    fields = suspicion.model_dump(mode="python", exclude={"id"})
    days = {"first": day_key(suspicion.first), "last": day_key(suspicion.last)}
    return fields | days
