"""One record on its own: ready to be counted, or the reason why it is not.

Everything that our code does for a record before it is stored happens here, so that whatever it
raises befalls this record alone.
"""

from typing import Final, NamedTuple

import msgspec

from method.counted import Exclusion
from method.period import local_day
from schemas.feedback import Answered, FeedbackSubmitted, SourcePosition, Violation
from schemas.instrument import instruments
from schemas.registry import Registry
from schemas.topics import FEEDBACK_ACCEPTED
from services.ingest.reading import Rejection, read_response
from services.ingest.responses import Stored
from services.ingest.rules import judge
from services.ingest.settings import IngestSettings
from services.runtime.blame import blame
from services.runtime.producer import Encoded, Producer


class Ready(NamedTuple):
    """A response that counts, and its event as Kafka gets it."""

    item: Stored
    event: Encoded


class Examined(NamedTuple):
    """A record, the response that it holds, if it can be read, and what it turned out to be."""

    source: SourcePosition
    value: bytes | None
    response: FeedbackSubmitted | None
    result: Ready | Rejection

    @property
    def unit(self) -> str | None:
        """The unit that it names, if it can be read."""
        return self.response.unit if self.response else None


_SAID: Final = (*Answered.model_fields, "received_at")


def accepted(item: Stored) -> bytes:
    """What the rest of the system learns of a response that counts: a `FeedbackAccepted`.

    Every value is checked already, so no model is made of them, which takes five times as long.
    """
    response = item.response
    said = {name: value for name in _SAID if (value := getattr(response, name)) is not None}
    return msgspec.json.encode(said | {"above": item.above, "source": vars(item.source)})


class Examiner:
    """Examines records by what this process knows now."""

    def __init__(self, settings: IngestSettings, producer: Producer) -> None:
        """Hold what the work needs."""
        self._settings = settings
        self._producer = producer

    def event(self, item: Stored) -> Encoded:
        """What Kafka gets of a response that counts."""
        return self._producer.encode(FEEDBACK_ACCEPTED, item.response, accepted(item))

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
        return Ready(item, self.event(item))
