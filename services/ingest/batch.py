"""The records of one partition, from raw to published: the whole work of ingest in one place."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence

from method.counted import Exclusion
from schemas.feedback import SourcePosition, Violation
from schemas.registry import Registry
from schemas.topics import FEEDBACK_ACCEPTED, FEEDBACK_QUARANTINED, FEEDBACK_SUBMITTED
from services.ingest import quarantine, responses, spent, voices
from services.ingest.examining import Examined, Examiner, Ready
from services.ingest.limit import InvalidShare, Verdict
from services.ingest.quarantine import Suspect
from services.ingest.reading import Rejection
from services.ingest.responses import Outcome, Stored
from services.ingest.settings import IngestSettings
from services.runtime import metrics, tracing
from services.runtime.cached import Cached
from services.runtime.clock import Clock
from services.runtime.consumer import HaltError, Records
from services.runtime.database import Database
from services.runtime.producer import Encoded, Producer

log = logging.getLogger(__name__)

_NEWS = {Exclusion.UNKNOWN_UNIT, Exclusion.UNKNOWN_FIELD}
"""The registry may have been loaded anew: a record names something that we do not know."""

Dealt = tuple[Stored, Outcome | Rejection]
"""A response and what storing it came to; a rejection when MongoDB cannot take it."""


class Ingest:
    """Deals with submitted records, one partition at a time."""

    def __init__(
        self,
        database: Database,
        producer: Producer,
        registry: Cached[Registry],
        settings: IngestSettings,
        clock: Clock,
    ) -> None:
        """Hold what the work needs."""
        self._database = database
        self._producer = producer
        self._registry = registry
        self._examiner = Examiner(settings, producer)
        self._share = InvalidShare(settings)
        self._clock = clock
        rules = [exclusion.value for exclusion in Exclusion]
        metrics.from_zero(metrics.INGEST_RECORDS, sorted({*_NAMES.values(), *rules}))

    async def handle(self, partition: int, records: Records) -> None:
        """Check, store and publish, each response in its trace; safe to repeat after any failure.

        The order is what makes it safe: a response is stored with its source before it is
        published, and published before Kafka learns that the record is done.

        Raises:
            HaltError: when so much would be set aside that rather we are wrong.
        """
        with tracing.each("store", tracing.newest(records)) as steps:
            traces = {r.offset: steps.get(came, came) for r in records if (came := tracing.of(r))}
            await self._deal_with(partition, records, traces)

    async def _deal_with(self, partition: int, records: Records, traces: Mapping[int, str]) -> None:
        found = {one.source.offset: one for one in await self._examined(partition, records)}
        aside = await quarantine.known(
            self._database, FEEDBACK_SUBMITTED.name, [one.source for one in found.values()]
        )
        seen = await self._seen_before(
            [one for offset, one in found.items() if offset not in aside]
        )
        rejections = aside | {
            offset: one.result
            for offset, one in found.items()
            if isinstance(one.result, Rejection) and offset not in aside.keys() | seen.keys()
        }
        fresh = [offset for offset in found if offset not in aside]
        self._share.check(_verdicts(fresh, rejections))
        items = [
            one.result.item if isinstance(one.result, Ready) else seen[offset]
            for offset, one in found.items()
            if offset not in rejections
        ]
        now = self._clock()
        used = await spent.spend(self._database, items, now)
        rejections |= dict.fromkeys(used, _TOKEN_USED)
        outcomes = await responses.store(
            self._database, [item for item in items if item.source.offset not in used]
        )
        refused = {
            item.source.offset: outcome
            for item, outcome in outcomes
            if isinstance(outcome, Rejection)
        }
        if refused:
            self._share.check(_verdicts(fresh, rejections | refused))
        rejections |= refused | {
            item.source.offset: _REUSED[outcome]
            for item, outcome in outcomes
            if isinstance(outcome, Outcome) and outcome in _REUSED
        }
        suspects = [_suspect(found[offset], rejections[offset]) for offset in rejections]
        await quarantine.keep(self._database, suspects, now)
        counted = [item for item, outcome in outcomes if outcome in _COUNTED]
        # Before scoring hears of them: an alert that they raise finds what was written.
        await voices.keep(self._database, counted, now)
        await self._producer.send_in_order(
            FEEDBACK_ACCEPTED,
            partition,
            (
                self._event(item, outcome, found[item.source.offset]).in_trace(
                    traces.get(item.source.offset)
                )
                for item, outcome in outcomes
                if outcome in _COUNTED
            ),
        )
        await self._producer.send(FEEDBACK_QUARANTINED, [s.event(now) for s in suspects])
        self._share.remember(_verdicts(fresh, rejections))
        _tell([suspect for suspect in suspects if suspect.source.offset not in aside])
        _count(outcomes, suspects)

    async def _examined(self, partition: int, records: Records) -> list[Examined]:
        sources = [SourcePosition(partition=partition, offset=r.offset) for r in records]

        def examine(registry: Registry) -> list[Examined]:
            return [
                self._examiner.examine(source, record.value, registry)
                for source, record in zip(sources, records, strict=True)
            ]

        before = self._registry.value
        found = examine(before)
        if any(isinstance(one.result, Rejection) and one.result.reason in _NEWS for one in found):
            await self._registry.refresh()
            if self._registry.value is not before:
                return examine(self._registry.value)
        return found

    async def _seen_before(self, found: Sequence[Examined]) -> dict[int, Stored]:
        """Records that were stored once, though they would not be now, by source offset.

        A record that is read again gets the verdict that it got first, even if the registry was
        loaded anew meanwhile or our code has changed: it may have been published by that.
        """
        doubted = [one for one in found if isinstance(one.result, Rejection)]
        unreadable = [one.source for one in doubted if one.response is None]
        if (source := await responses.stored_at(self._database, unreadable)) is not None:
            message = (
                f"record {source.offset} was stored as a response before and cannot be read now: "
                "mend the code"
            )
            raise HaltError(message)
        readable = [(one.source, one.response) for one in doubted if one.response is not None]
        return await responses.seen_before(self._database, readable)

    def _event(self, item: Stored, outcome: Outcome | Rejection, one: Examined) -> Encoded:
        if outcome is Outcome.NEW and isinstance(one.result, Ready):
            return one.result.event
        return self._examiner.event(item)


def _reused(reason: Exclusion, field: str, rule: str) -> Rejection:
    return Rejection(reason, (Violation(field=field, rule=rule),))


_REUSED = {
    Outcome.ID_REUSED: _reused(
        Exclusion.ID_REUSED, "id", "must not have been used for other content"
    ),
    Outcome.SEQUENCE_REUSED: _reused(
        Exclusion.SEQUENCE_REUSED, "sequence", "must not have been used by the device before"
    ),
}
_COUNTED = {Outcome.NEW, Outcome.REDELIVERED}
_TOKEN_USED = _reused(Exclusion.TOKEN_USED, "dossier_token", "must not have voted before")


def _suspect(one: Examined, rejection: Rejection) -> Suspect:
    device = one.response.device if one.response else None
    return Suspect(FEEDBACK_SUBMITTED.name, one.source, one.value, one.unit, rejection, device)


def _verdicts(offsets: Sequence[int], rejections: Mapping[int, Rejection]) -> list[Verdict]:
    return [rejections[offset].reason if offset in rejections else None for offset in offsets]


def _tell(suspects: Sequence[Suspect]) -> None:
    """Log what our own code failed on, once it is set aside: not with every try of a batch."""
    for suspect in suspects:
        if suspect.rejection.reason is Exclusion.ERROR:
            log.warning("%s is set aside: %s", suspect.id, suspect.rejection.violations[0].rule)


_NAMES = {
    Outcome.NEW: "accepted",
    Outcome.REDELIVERED: "redelivered",
    Outcome.DUPLICATE: Exclusion.DUPLICATE.value,
}


def _count(outcomes: Sequence[Dealt], suspects: Sequence[Suspect]) -> None:
    counts = Counter(
        _NAMES[outcome]
        for _, outcome in outcomes
        if isinstance(outcome, Outcome) and outcome in _NAMES
    )
    counts.update(suspect.rejection.reason.value for suspect in suspects)
    for name, number in counts.items():
        metrics.INGEST_RECORDS.labels(name).inc(number)
