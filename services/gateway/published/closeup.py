"""One scope from close by, with every figure: its days, its questions, its hours of the day."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, Field

from method.definition import definition_on
from method.episode import Period
from method.figure import figure
from method.findings import Split, hours_standing_out, items_standing_out, split
from method.period import day_key
from schemas.collections import BUCKETS, TALLIES
from schemas.counts import by_day, by_hour, by_item, counts_of
from schemas.figure import NO_ANSWERS, Counts, Figure
from schemas.instrument import OVERALL, item_texts
from schemas.registry import EntryKind
from schemas.scope import Scope, scope_kind
from services.gateway.published.views import Name
from services.runtime.database import Database


class DayFigure(BaseModel):
    """One local day of a scope, with its figure."""

    day: date
    figure: Figure


class ItemFigures(BaseModel):
    """A question, since something began and before."""

    item: str
    name: Name
    since: Figure
    before: Figure
    stands_out: Annotated[
        bool,
        Field(description="More of the dissatisfaction is about it than before, beyond chance"),
    ]


class HourFigure(BaseModel):
    """A local hour of the day, over all days since something began."""

    hour: Annotated[int, Field(ge=0, le=23)]
    figure: Figure
    stands_out: Annotated[
        bool, Field(description="Less satisfied than the other hours, beyond chance")
    ]


def _splits(counts: Mapping[str, Counts], day: date) -> dict[str, Split]:
    definition = definition_on(day)
    return {name: split(one, definition) for name, one in counts.items()}


class CloseUp:
    """Reads what scoring counted."""

    def __init__(self, database: Database) -> None:
        """Hold what the work needs."""
        self._database = database

    async def _sums(self, collection: str, pipeline: Sequence[dict[str, Any]]) -> dict[str, Counts]:
        rows = self._database.aggregate(collection, pipeline)
        return {row["_id"]: counts_of(row) async for row in rows}

    async def days(self, scope: Scope, period: Period) -> list[DayFigure]:
        """The days that have answers, oldest first."""
        found = await self._sums(TALLIES, by_day(scope, *map(day_key, period)))
        return [
            DayFigure(day=day, figure=figure(counts, definition_on(day)))
            for day, counts in ((date.fromisoformat(key), one) for key, one in found.items())
        ]

    async def items(self, scope: Scope, since: Period, before: Period) -> list[ItemFigures]:
        """The questions that were answered since then; the overall one first."""
        now = await self._sums(TALLIES, by_item(scope, *map(day_key, since)))
        past = await self._sums(TALLIES, by_item(scope, *map(day_key, before)))
        splits = _splits(now, since.last)
        apart = {name: split for name, split in splits.items() if name != OVERALL}
        named = items_standing_out(apart, _splits(past, since.last))
        texts = item_texts()
        definition = definition_on(since.last)
        return [
            ItemFigures(
                item=item,
                name=Name(vi=texts[item].vi, en=texts[item].en)
                if item in texts
                else Name(vi=item, en=item),
                since=figure(now[item], definition),
                before=figure(past.get(item, NO_ANSWERS), definition),
                stands_out=item in named,
            )
            for item in sorted(now, key=lambda item: (item != OVERALL, item))
        ]

    async def hours(self, scope: Scope, period: Period) -> list[HourFigure]:
        """The hours of the day with answers; of offices alone, others have none."""
        if scope_kind(scope) != EntryKind.UNIT:
            return []
        code = scope.partition(":")[2]
        found = await self._sums(BUCKETS, by_hour(code, *map(day_key, period)))
        named = hours_standing_out(_splits(found, period.last))
        definition = definition_on(period.last)
        return [
            HourFigure(hour=int(hour), figure=figure(counts, definition), stands_out=hour in named)
            for hour, counts in found.items()
        ]
