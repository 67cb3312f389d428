"""One record on its own: ready to be counted, or the reason why it is not.

Everything that our code does for a record before it is stored happens here, so that whatever it
raises befalls this record alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

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
from services.ingest.reading import Rejection, read_response
from services.ingest.responses import Stored
from services.ingest.rules import judge
from services.ingest.settings import IngestSettings
from services.runtime.blame import blame
from services.runtime.producer import Encoded


@dataclass(frozen=True)
class Ready:
    """A response that counts, and its event as Kafka gets it."""

    item: Stored
    event: Encoded


@dataclass(frozen=True)
class Examined:
    """A record, the response that it holds, if it can be read, and what it turned out to be."""

    source: SourcePosition
    value: bytes | None
    response: FeedbackSubmitted | None
    result: Ready | Rejection

    @property
    def unit(self) -> str | None:
        """The unit that it names, if it can be read."""
        return self.response.unit if self.response else None


def accepted(item: Stored) -> FeedbackAccepted:
    """What the rest of the system learns of a response that counts."""
    # Every value is checked already.
    said = {name: getattr(item.response, name) for name in Answered.model_fields}
    return FeedbackAccepted.model_construct(
        **said, received_at=item.response.received_at, above=item.above, source=item.source
    )


class Examiner:
    """Examines records by what this process knows now."""

    def __init__(
        self, settings: IngestSettings, encode: Callable[[FeedbackAccepted], Encoded]
    ) -> None:
        """Hold what the work needs; `encode` makes of an event what Kafka gets."""
        self._settings = settings
        self._encode = encode

    def examine(self, source: SourcePosition, value: bytes | None, registry: Registry) -> Examined:
        """Read, judge and prepare one record; an error of ours is a verdict like any other."""
        response: FeedbackSubmitted | None = None
        try:
            found = read_response(value)
            if isinstance(found, Rejection):
                return Examined(source, value, None, found)
            response = found
            return Examined(source, value, response, self._judged(source, response, registry))
        except MemoryError:  # speaks of this process, not of the record
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, it is this record's
            # Without the error itself: its message may hold what was written.
            rule = Violation(field="record", rule=f"must not make our code raise: {blame(error)}")
            return Examined(source, value, response, Rejection(Exclusion.ERROR, (rule,)))

    def _judged(
        self, source: SourcePosition, response: FeedbackSubmitted, registry: Registry
    ) -> Ready | Rejection:
        rejection = judge(response, instruments(), registry, self._settings)
        if rejection is not None:
            return rejection
        above = registry.above(f"unit:{response.unit}", local_day(response.occurred_at))
        item = Stored(response, source, above)
        _ = item.document  # it keeps it; what cannot be written as BSON must raise here
        return Ready(item, self._encode(accepted(item)))
