"""The rolling index of a scope, made of its counts. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

from method.definition import definition_on
from method.period import local_day, local_hour_start
from method.window import Windows
from schemas.figure import Counts
from schemas.index import ChangeFigures, IndexUpdated, TrendFigures
from schemas.scope import Scope


@dataclass
class Parts:
    """What there is of one scope and item.

    Attributes:
        counts: by name of segment (`method.window.segments`); one that is missing has no answers.
        latest_occurred_at: of the newest answer.
        latest_received_at: of the newest answer.
    """

    counts: dict[str, Counts] = field(default_factory=dict)
    latest_occurred_at: datetime | None = None
    latest_received_at: datetime | None = None


class Signs(NamedTuple):
    """What is told of a unit's headline besides its windows."""

    change: ChangeFigures | None = None
    trend: TrendFigures | None = None


NO_SIGNS: Final = Signs()
"""Of all else."""


@lru_cache(maxsize=64)
def windows_at(hour: datetime) -> Windows:
    """The windows that end with a local hour, by the definition of its day."""
    return Windows(definition_on(local_day(hour)), hour)


def rolling_index(
    scope: Scope,
    item: str,
    parts: Parts,
    now: datetime,
    version: int,
    signs: Signs = NO_SIGNS,
) -> IndexUpdated:
    """All windows of a scope as of now, by the definition of today.

    Args:
        scope: whose.
        item: question asked.
        parts: its answers.
        now: the time.
        version: grows with every recomputation.
        signs: of a unit's headline.
    """
    hour = local_hour_start(now)
    return IndexUpdated(
        scope=scope,
        item=item,
        basis="management_information",
        method=definition_on(local_day(hour)).version,
        as_of=hour,
        version=version,
        latest_occurred_at=parts.latest_occurred_at,
        latest_received_at=parts.latest_received_at,
        windows=windows_at(hour).figures(parts.counts),
        change=signs.change,
        trend=signs.trend,
    )
