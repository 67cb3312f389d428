"""From accepted responses to what is added to which bucket. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from method.period import LOCAL_ZONE
from schemas.feedback import FeedbackAccepted
from schemas.scope import Scope

NO_FIELD = "-"
"""Stands for a missing service field in a bucket's key."""


class BucketKey(NamedTuple):
    """Unit × service field × local day × item."""

    unit: str
    field: str
    day: str
    item: str

    @property
    def id(self) -> str:
        """The `_id` of the bucket."""
        return "|".join(self)


@dataclass
class Delta:
    """What is added to one bucket.

    Attributes:
        counts: `n4` for the day, `h.07.n4` for the hour, to the number of answers.
        offset: source offset of the last response in it.
        hours: the same for every local hour that is added to, "07" to offset.
        above: scopes over the unit, as of that response.
        latest_occurred_at: newest of its responses.
        latest_received_at: newest of its responses.
    """

    offset: int
    above: list[Scope]
    latest_occurred_at: datetime
    latest_received_at: datetime
    counts: Counter[str] = field(default_factory=Counter)
    hours: dict[str, int] = field(default_factory=dict)


def deltas(events: Iterable[FeedbackAccepted]) -> dict[BucketKey, Delta]:
    """The sums to add, by bucket; events in the order of their source offsets."""
    result: dict[BucketKey, Delta] = {}
    for event in events:
        local = event.occurred_at.astimezone(LOCAL_ZONE)
        day, hour = local.date().isoformat(), f"{local.hour:02d}"
        for item, level in event.answers.items():
            key = BucketKey(event.unit, event.field or NO_FIELD, day, item)
            delta = result.get(key)
            if delta is None:
                delta = result[key] = Delta(
                    event.source.offset, event.above, event.occurred_at, event.received_at
                )
            delta.counts[f"n{level}"] += 1
            delta.counts[f"h.{hour}.n{level}"] += 1
            delta.offset = delta.hours[hour] = event.source.offset
            delta.above = event.above
            delta.latest_occurred_at = max(delta.latest_occurred_at, event.occurred_at)
            delta.latest_received_at = max(delta.latest_received_at, event.received_at)
    return result
