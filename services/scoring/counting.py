"""From answers to what is added to which bucket and which chart. Pure."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain
from typing import Final, NamedTuple

from method.change import Said, design
from method.definition import definition_on
from method.period import day_key, local_day, local_hour_start
from schemas.counts import LEVEL_FIELDS
from schemas.figure import LEVELS
from schemas.instrument import OVERALL
from services.scoring.reading import Answer

NO_FIELD: Final = "-"
"""Stands for a missing service field in a bucket's key."""

News = dict[str, list[Said]]
"""By unit, the answers to the headline in the order of their source offsets; but for those that are
past, not news."""

_AGES_KEPT: Final = 5_000
_HOUR: Final = timedelta(hours=1)
_HOURS_A_DAY: Final = 24
_LEVELS: Final = len(LEVELS)
_HOURS: Final = [f"{hour:02d}" for hour in range(_HOURS_A_DAY)]
_COUNT_PATHS: Final = [f"h.{hour}.{level}" for hour in _HOURS for level in LEVEL_FIELDS]
_OFFSET_PATHS: Final = [f"h.{hour}.offset" for hour in _HOURS]
_1970: Final = datetime(1970, 1, 1, tzinfo=UTC)


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
    """A local hour: its day, 7 of that, and the lowest level that counts as satisfied on it."""

    begins: datetime
    ends: datetime
    day: str
    of_day: int
    satisfied_from: int


@lru_cache(maxsize=4096)
def _hour(hours_since_1970: int) -> _Hour:
    """Local hours begin with those of UTC (method/period.py)."""
    begins = _1970 + hours_since_1970 * _HOUR
    day = local_day(begins)
    of_day = local_hour_start(begins).hour
    return _Hour(begins, begins + _HOUR, day_key(day), of_day, definition_on(day).satisfied_from)


class Delta:
    """What is added to one bucket.

    Attributes:
        offset: source offset of the last response in it.
        above: scopes over the unit, as of that response.
        latest_occurred_at: newest of its responses.
        latest_received_at: newest of its responses.
    """

    __slots__ = (
        "_levels",
        "_offsets",
        "above",
        "latest_occurred_at",
        "latest_received_at",
        "offset",
    )

    def __init__(self, first: Answer) -> None:
        """Begin with nothing of a response that will be added."""
        self.offset = first.source.offset
        self.above = first.above
        self.latest_occurred_at = first.occurred_at
        self.latest_received_at = first.received_at
        self._levels = [0] * (_HOURS_A_DAY * _LEVELS)
        self._offsets: list[int | None] = [None] * _HOURS_A_DAY

    def add(self, answer: Answer, hour: int, level: int) -> None:
        """Take in a level of a response that is behind the last one."""
        self.offset = self._offsets[hour] = answer.source.offset
        self.above = answer.above
        # This runs for every answer of a backlog: two calls of max() would add a tenth.
        if answer.occurred_at > self.latest_occurred_at:  # noqa: PLR1730
            self.latest_occurred_at = answer.occurred_at
        if answer.received_at > self.latest_received_at:  # noqa: PLR1730
            self.latest_received_at = answer.received_at
        self._levels[hour * _LEVELS + level - 1] += 1

    def hours(self) -> Iterator[tuple[str, dict[str, int], int]]:
        """Its local hours: "07", the numbers of answers by `n4`, source offset of the last."""
        for hour, offset in enumerate(self._offsets):
            if offset is not None:
                levels = self._levels[hour * _LEVELS : (hour + 1) * _LEVELS]
                counts = zip(LEVEL_FIELDS, levels, strict=True)
                yield _HOURS[hour], {name: n for name, n in counts if n}, offset

    def counts(self) -> dict[str, int]:
        """The numbers of answers by where they stand in a bucket: `n4` and `h.07.n4`."""
        of_day = ((name, sum(self._levels[at::_LEVELS])) for at, name in enumerate(LEVEL_FIELDS))
        of_hours = zip(_COUNT_PATHS, self._levels, strict=True)
        return {path: n for path, n in chain(of_day, of_hours) if n}

    def offsets(self) -> dict[str, int]:
        """Source offset of the last answer of each hour by where it stands: `h.07.offset`."""
        of_hours = zip(_OFFSET_PATHS, self._offsets, strict=True)
        return {path: offset for path, offset in of_hours if offset is not None}


class Sums:
    """What answers of one partition add up to beyond its position.

    Memory follows the buckets that they fall into, and the charts' news of each.

    Attributes:
        applied: position that they follow.
        last: source offset of the newest of them; the position, if there are none.
        answers: how many.
        repeated: how many came that had come before.
        news: for the charts.
        ages: of some of them, the first.
    """

    def __init__(self, applied: int) -> None:
        """Begin with nothing."""
        self.applied = self.last = applied
        self.answers = self.repeated = 0
        self.news: News = defaultdict(list)
        self.ages: list[Age] = []
        self._deltas: dict[tuple[str, str | None, str, str], Delta] = {}
        self._late_after = design().late_after
        self._hour = _hour(0)

    @property
    def buckets(self) -> int:
        """How many they fall into."""
        return len(self._deltas)

    def add(self, answer: Answer) -> None:
        """Take in an answer, unless it came before; nothing of it if this raises."""
        offset = answer.source.offset
        if offset <= self.last:
            self.repeated += 1
            return
        occurred_at, received_at = answer.occurred_at, answer.received_at
        hour = self._hour  # mostly that of the answer before
        if not hour.begins <= occurred_at < hour.ends:
            hour = self._hour = _hour((occurred_at - _1970) // _HOUR)
        for item, level in answer.answers.items():
            # A plain tuple: this runs for every answer of a backlog, and a named one costs more.
            key = (answer.unit, answer.field, hour.day, item)
            delta = self._deltas.get(key)
            if delta is None:
                delta = self._deltas[key] = Delta(answer)
            delta.add(answer, hour.of_day, level)
            if item == OVERALL and received_at - occurred_at <= self._late_after:
                said = occurred_at if level < hour.satisfied_from else None
                self.news[answer.unit].append(said)
        if len(self.ages) < _AGES_KEPT:
            self.ages.append(Age(offset, occurred_at.timestamp(), received_at.timestamp()))
        self.last = offset
        self.answers += 1

    def deltas(self) -> dict[BucketKey, Delta]:
        """What they add, by bucket."""
        return {
            BucketKey(unit, field or NO_FIELD, day, item): delta
            for (unit, field, day, item), delta in self._deltas.items()
        }
