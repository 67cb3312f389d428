"""The records of one partition, from raw to published: the whole work of ingest in one place."""

from collections import Counter
from collections.abc import Sequence

from method.counted import Exclusion
from method.period import local_day
from schemas.feedback import (
    Answered,
    FeedbackAccepted,
    FeedbackSubmitted,
    SourcePosition,
    Violation,
)
from schemas.instrument import instruments
from schemas.registry import Registry
from schemas.topics import FEEDBACK_ACCEPTED, FEEDBACK_QUARANTINED, FEEDBACK_SUBMITTED
from services.ingest import quarantine, responses, spent
from services.ingest.quarantine import Suspect
from services.ingest.reading import Rejection, read_response
from services.ingest.responses import Outcome, Stored
from services.ingest.rules import judge
from services.ingest.settings import IngestSettings
from services.runtime import metrics
from services.runtime.cached import Cached
from services.runtime.clock import Clock
from services.runtime.consumer import Records
from services.runtime.database import Database
from services.runtime.producer import Producer

Read = tuple[SourcePosition, bytes | None, FeedbackSubmitted | Rejection]
"""A record: where it stood, its value, and what it turned out to be."""


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
        self._settings = settings
        self._clock = clock

    async def handle(self, partition: int, records: Records) -> None:
        """Check, store and publish; safe to repeat after any failure.

        The order is what makes it safe: a response is stored with its source before it is
        published, and published before Kafka learns that the record is done.
        """
        read: list[Read] = [
            (SourcePosition(partition=partition, offset=r.offset), r.value, read_response(r.value))
            for r in records
        ]
        if any(isinstance(item, FeedbackSubmitted) and self._is_news(item) for _, _, item in read):
            await self._registry.refresh()
        verdicts = await self._verdicts(read)
        items: list[Stored] = []
        suspects: list[Suspect] = []
        for source, value, item in read:
            verdict = verdicts[source.offset]
            if verdict is None and isinstance(item, FeedbackSubmitted):
                day = local_day(item.occurred_at)
                above = self._registry.value.above(f"unit:{item.unit}", day)
                items.append(Stored(item, source, above))
            elif verdict is not None:
                unit = item.unit if isinstance(item, FeedbackSubmitted) else None
                suspects.append(Suspect(FEEDBACK_SUBMITTED.name, source, value, unit, verdict))
        now = self._clock()
        values = {source.offset: value for source, value, _ in read}
        used = await spent.spend(self._database, items, now)
        outcomes = await responses.store(
            self._database, [item for item in items if item.source.offset not in used]
        )
        suspects += [
            self._reused(item, values[item.source.offset], Exclusion.TOKEN_USED)
            for item in items
            if item.source.offset in used
        ]
        suspects += [
            self._reused(item, values[item.source.offset], _REUSED[outcome])
            for item, outcome in outcomes
            if outcome in _REUSED
        ]
        await quarantine.keep(self._database, suspects, now)
        await self._producer.send_in_order(
            FEEDBACK_ACCEPTED,
            partition,
            (
                _accepted(item)
                for item, outcome in outcomes
                if outcome in {Outcome.NEW, Outcome.REDELIVERED}
            ),
        )
        await self._producer.send(FEEDBACK_QUARANTINED, [s.event(now) for s in suspects])
        _count(outcomes, suspects)

    async def _verdicts(self, read: Sequence[Read]) -> dict[int, Rejection | None]:
        """Why each record does not count, by source offset; None where it does.

        A record that is read again gets the verdict that it got first, even if the registry was
        loaded anew meanwhile: it may have been published by that.
        """
        aside = await quarantine.known(
            self._database, FEEDBACK_SUBMITTED.name, [source for source, _, _ in read]
        )
        verdicts: dict[int, Rejection | None] = {}
        doubted: list[tuple[SourcePosition, FeedbackSubmitted]] = []
        for source, _, item in read:
            verdict = aside.get(source.offset)
            if verdict is None:
                verdict = item if isinstance(item, Rejection) else self._judge(item)
                if verdict is not None and isinstance(item, FeedbackSubmitted):
                    doubted.append((source, item))
            verdicts[source.offset] = verdict
        seen = await responses.seen_before(self._database, doubted)
        return verdicts | dict.fromkeys(seen)

    def _is_news(self, response: FeedbackSubmitted) -> bool:
        """Whether the registry may have been loaded anew: it names something we do not know."""
        registry = self._registry.value
        return not registry.knows(f"unit:{response.unit}") or (
            response.field is not None and not registry.knows(f"field:{response.field}")
        )

    def _judge(self, response: FeedbackSubmitted) -> Rejection | None:
        return judge(response, instruments(), self._registry.value, self._settings)

    @staticmethod
    def _reused(item: Stored, value: bytes | None, reason: Exclusion) -> Suspect:
        rejection = Rejection(reason, (_REUSE_RULES[reason],))
        said = item.response
        return Suspect(
            FEEDBACK_SUBMITTED.name, item.source, value, said.unit, rejection, said.device
        )


def _accepted(item: Stored) -> FeedbackAccepted:
    # Every value is checked already.
    said = {name: getattr(item.response, name) for name in Answered.model_fields}
    return FeedbackAccepted.model_construct(
        **said, received_at=item.response.received_at, above=item.above, source=item.source
    )


_REUSED = {
    Outcome.ID_REUSED: Exclusion.ID_REUSED,
    Outcome.SEQUENCE_REUSED: Exclusion.SEQUENCE_REUSED,
}
_REUSE_RULES = {
    Exclusion.ID_REUSED: Violation(field="id", rule="must not have been used for other content"),
    Exclusion.SEQUENCE_REUSED: Violation(
        field="sequence", rule="must not have been used by the device before"
    ),
    Exclusion.TOKEN_USED: Violation(field="dossier_token", rule="must not have voted before"),
}
_NAMES = {
    Outcome.NEW: "accepted",
    Outcome.REDELIVERED: "redelivered",
    Outcome.DUPLICATE: Exclusion.DUPLICATE.value,
}


def _count(outcomes: Sequence[tuple[Stored, Outcome]], suspects: Sequence[Suspect]) -> None:
    counts = Counter(_NAMES[outcome] for _, outcome in outcomes if outcome in _NAMES)
    counts.update(suspect.rejection.reason.value for suspect in suspects)
    for name, number in counts.items():
        metrics.INGEST_RECORDS.labels(name).inc(number)
