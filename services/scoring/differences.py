"""How stored buckets differ from what the responses say. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.counts import LEVEL_FIELDS
from services.runtime.database import Document


@dataclass
class Wrong:
    """How stored buckets differ from what they must be.

    Attributes:
        missing: buckets that were not there.
        superfluous: buckets that nobody has answered for.
        other: buckets that were there and said something else.
        hours: of all buckets, those whose counts were others.
        short: answers that were not counted.
        over: answers that were counted and not given.
    """

    missing: int = 0
    superfluous: int = 0
    other: int = 0
    hours: int = 0
    short: int = 0
    over: int = 0

    @property
    def buckets(self) -> int:
        """All that differ."""
        return self.missing + self.superfluous + self.other

    def __add__(self, more: "Wrong") -> "Wrong":
        """Both together."""
        pairs = zip(vars(self).values(), vars(more).values(), strict=True)
        return Wrong(*(mine + its for mine, its in pairs))


def compare(stored: Mapping[str, Document], expected: Mapping[str, Document]) -> Wrong:
    """What is wrong with stored buckets. Pure."""
    wrong = Wrong()
    for name in stored.keys() | expected.keys():
        was, must = stored.get(name), expected.get(name)
        if was == must:
            continue
        wrong.missing += was is None
        wrong.superfluous += must is None
        wrong.other += was is not None and must is not None
        before, after = _levels(was or {}), _levels(must or {})
        moved = [
            key for key in before.keys() | after.keys() if before.get(key, 0) != after.get(key, 0)
        ]
        wrong.hours += len({hour for hour, _ in moved})
        steps = [after.get(key, 0) - before.get(key, 0) for key in moved]
        wrong.short += sum(step for step in steps if step > 0)
        wrong.over -= sum(step for step in steps if step < 0)
    return wrong


def _levels(bucket: Document) -> dict[tuple[str, str], int]:
    """Its answers by hour and level."""
    return {
        (hour, name): counts[name]
        for hour, counts in bucket.get("h", {}).items()
        for name in LEVEL_FIELDS
        if name in counts
    }
