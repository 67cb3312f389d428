"""From answers to what is added to which bucket and which chart. Pure."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from method.change import Said, design
from method.definition import definition_on
from method.period import day_key, local_day, local_hour_start
from schemas.counts import LEVEL_FIELDS
from schemas.figure import LEVELS
from schemas.instrument import OVERALL
from schemas.scope import Scope
from services.scoring.reading import Answer

NO_FIELD: Final = "-"
"""Stands for a missing service field in a bucket's key."""

News = dict[str, list[Said]]
"""By unit, the answers to the headline in the order of their source offsets; but for those that are
past, not news."""

_AGES_KEPT: Final = 5_000
_HOUR: Final = timedelta(hours=1)
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
    """A local hour: "07" of a day, the lowest level that counts as satisfied on it, and what its
    counts are called in a bucket."""

    day: str
    of_day: str
    satisfied_from: int
    counts: tuple[str, ...]


@lru_cache(maxsize=4096)
def _hour(hours_since_1970: int) -> _Hour:
    """Local hours begin with those of UTC (method/period.py)."""
    moment = _1970 + hours_since_1970 * _HOUR
    day = local_day(moment)
    of_day = f"{local_hour_start(moment).hour:02d}"
    counts = tuple(f"h.{of_day}.{name}" for name in LEVEL_FIELDS)
    return _Hour(day_key(day), of_day, definition_on(day).satisfied_from, counts)


class _Cell:
    """What is added to one hour of a bucket; `offset` and `above` are of the last answer in it."""

    __slots__ = ("above", "latest_occurred_at", "latest_received_at", "levels", "offset")

    def __init__(self, first: Answer) -> None:
        self.offset = first.source.offset
        self.above = first.above
        self.latest_occurred_at = first.occurred_at
        self.latest_received_at = first.received_at
        self.levels = [0] * len(LEVELS)


@dataclass
class Delta:
    """What is added to one bucket.

    Attributes:
        offset: source offset of the last response in it.
        above: scopes over the unit, as of that response.
        latest_occurred_at: newest of its responses.
        latest_received_at: newest of its responses.
        counts: numbers of answers: `n4` of the day, `h.07.n4` of the hour.
        hours: source offset of the last response in each local hour, by "07".
    """

    offset: int
    above: list[Scope]
    latest_occurred_at: datetime
    latest_received_at: datetime
    counts: Counter[str] = field(default_factory=Counter)
    hours: dict[str, int] = field(default_factory=dict)

    def add(self, hour: _Hour, cell: _Cell) -> None:
        """Take in what is added to one of its hours, each of them once."""
        for of_day, of_hour, n in zip(LEVEL_FIELDS, hour.counts, cell.levels, strict=True):
            if n:
                self.counts[of_day] += n
                self.counts[of_hour] = n
        self.hours[hour.of_day] = cell.offset
        if cell.offset > self.offset:
            self.offset, self.above = cell.offset, cell.above
        self.latest_occurred_at = max(self.latest_occurred_at, cell.latest_occurred_at)
        self.latest_received_at = max(self.latest_received_at, cell.latest_received_at)


class Sums:
    """What answers of one partition add up to beyond its position.

    Memory follows the hours that they fall into, and the charts' news of each.

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
        self._cells: dict[tuple[str, str | None, int, str], _Cell] = {}
        self._late_after = design().late_after

    def add(self, answer: Answer) -> None:
        """Take in an answer, unless it came before; nothing of it if this raises."""
        offset = answer.source.offset
        if offset <= self.last:
            self.repeated += 1
            return
        occurred_at, received_at = answer.occurred_at, answer.received_at
        hour = (occurred_at - _1970) // _HOUR
        satisfied_from = _hour(hour).satisfied_from
        for item, level in answer.answers.items():
            # A plain tuple: this runs for every answer of a backlog, and a named one costs more.
            key = (answer.unit, answer.field, hour, item)
            cell = self._cells.get(key)
            if cell is None:
                cell = self._cells[key] = _Cell(answer)
            cell.levels[level - 1] += 1
            cell.offset, cell.above = offset, answer.above
            cell.latest_occurred_at = max(cell.latest_occurred_at, occurred_at)
            cell.latest_received_at = max(cell.latest_received_at, received_at)
            if item == OVERALL and received_at - occurred_at <= self._late_after:
                self.news[answer.unit].append(occurred_at if level < satisfied_from else None)
        if len(self.ages) < _AGES_KEPT:
            self.ages.append(Age(offset, occurred_at.timestamp(), received_at.timestamp()))
        self.last = offset
        self.answers += 1

    def deltas(self) -> dict[BucketKey, Delta]:
        """What they add, by bucket."""
        found: dict[BucketKey, Delta] = {}
        for (unit, service, number, item), cell in self._cells.items():
            hour = _hour(number)
            key = BucketKey(unit, service or NO_FIELD, hour.day, item)
            if key not in found:
                found[key] = Delta(
                    *(cell.offset, cell.above, cell.latest_occurred_at, cell.latest_received_at)
                )
            found[key].add(hour, cell)
        return found
