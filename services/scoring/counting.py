"""From answers to what is added to which bucket and which chart. Pure."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple

from method.change import design
from method.definition import definition_on
from method.period import day_key, local_day, local_hour_start
from schemas.figure import LEVELS
from schemas.instrument import OVERALL
from schemas.scope import Scope
from services.scoring.reading import Answer

NO_FIELD = "-"
"""Stands for a missing service field in a bucket's key."""

News = dict[str, list[tuple[datetime, bool]]]
"""By unit, when each answer to the headline occurred and whether it is not satisfied, in the order
of their source offsets; but for those that are past, not news."""

_AGES_KEPT: Final = 5_000
_HOUR_SECONDS: Final = 3600


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


class Age(NamedTuple):
    """When a counted response occurred and was received, in seconds since 1970."""

    offset: int
    occurred: float
    received: float


class _Hour(NamedTuple):
    """A local hour.

    Attributes:
        day: its day's key.
        of_day: "07".
        satisfied_from: lowest level that counts as satisfied on that day.
    """

    day: str
    of_day: str
    satisfied_from: int


@lru_cache(maxsize=4096)
def _hour(hours_since_1970: int) -> _Hour:
    """Local hours begin with those of UTC (method/period.py)."""
    moment = datetime.fromtimestamp(hours_since_1970 * _HOUR_SECONDS, UTC)
    day = local_day(moment)
    of_day = f"{local_hour_start(moment).hour:02d}"
    return _Hour(day_key(day), of_day, definition_on(day).satisfied_from)


@dataclass
class Delta:
    """What is added to one bucket.

    Attributes:
        hours: numbers of answers at levels 1 to 5, by local hour "07".
        offset: source offset of the last response in it.
        moved: the same for every local hour.
        above: scopes over the unit, as of that response.
        latest_occurred_at: newest of its responses.
        latest_received_at: newest of its responses.
    """

    offset: int
    above: list[Scope]
    latest_occurred_at: datetime
    latest_received_at: datetime
    hours: dict[str, list[int]] = field(default_factory=dict)
    moved: dict[str, int] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """Numbers of answers: `n4` of the day, `h.07.n4` of the hour; those above 0."""
        found: dict[str, int] = {}
        for hour, levels in self.hours.items():
            for level, n in zip(LEVELS, levels, strict=True):
                if n:
                    found[f"h.{hour}.n{level}"] = n
                    found[f"n{level}"] = found.get(f"n{level}", 0) + n
        return found


class Sums:
    """What answers of one partition add up to beyond its position; memory follows the buckets.

    Attributes:
        applied: position that they follow.
        last: source offset of the newest of them; the position, if there are none.
        answers: how many.
        buckets: what they add.
        news: for the charts.
        ages: of some of them, the first.
    """

    def __init__(self, applied: int) -> None:
        """Begin with nothing."""
        self.applied = self.last = applied
        self.answers = 0
        self.buckets: dict[BucketKey, Delta] = {}
        self.news: News = defaultdict(list)
        self.ages: list[Age] = []
        self._late = design().late

    def add(self, answer: Answer) -> None:
        """Take in an answer, unless it came before; nothing of it if this raises."""
        offset = answer.source.offset
        if offset <= self.last:
            return
        occurred_at, received_at = answer.occurred_at, answer.received_at
        occurred = occurred_at.timestamp()
        day, hour, satisfied_from = _hour(int(occurred // _HOUR_SECONDS))
        late = self._late(occurred_at, received_at)
        unit, service = answer.unit, answer.field or NO_FIELD
        for item, level in answer.answers.items():
            key = BucketKey(unit, service, day, item)
            delta = self.buckets.get(key)
            if delta is None:
                delta = self.buckets[key] = Delta(offset, answer.above, occurred_at, received_at)
            levels = delta.hours.get(hour)
            if levels is None:
                levels = delta.hours[hour] = [0] * len(LEVELS)
            levels[level - 1] += 1
            delta.offset = delta.moved[hour] = offset
            delta.above = answer.above
            delta.latest_occurred_at = max(delta.latest_occurred_at, occurred_at)
            delta.latest_received_at = max(delta.latest_received_at, received_at)
            if item == OVERALL and not late:
                self.news[unit].append((occurred_at, level < satisfied_from))
        if len(self.ages) < _AGES_KEPT:
            self.ages.append(Age(offset, occurred, received_at.timestamp()))
        self.last = offset
        self.answers += 1
