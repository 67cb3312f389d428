"""The change charts of units: moved with the counts, in the same transaction; their trends beside.

A chart takes answers in the order of their source offsets. All answers of a unit are in one
partition, so the order is the same whoever owns it, and where batches are cut does not matter.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final

from pymongo import UpdateOne

from method.change import Chart, design, follow
from method.definition import definition_on
from method.index import Signs
from method.period import day_key, local_day
from schemas.collections import CHARTS, TALLIES
from schemas.figure import LEVELS
from schemas.index import ChangeFigures, TrendFigures
from schemas.instrument import OVERALL
from schemas.scope import Scope
from services.runtime.database import Database, Document, Session
from services.scoring import trends
from services.scoring.counting import News

_AT_ONCE: Final = 500
_UNIT: Final = "unit:"


def _chart(document: Document) -> Chart:
    return Chart(**{name: document[name] for name in Chart.__dataclass_fields__})


def _reference(document: Document) -> float:
    return float(document.get("reference", design().reference(0, 0)))


async def move(database: Database, session: Session, news: News) -> None:
    """Take answers in that are counted in this transaction."""
    if not news:
        return
    query = {"_id": {"$in": list(news)}}
    known = {chart["_id"]: chart async for chart in database[CHARTS].find(query, session=session)}
    moved: list[UpdateOne] = []
    for unit, answers in news.items():
        before = known.get(unit)
        chart = _chart(before) if before else Chart()
        after = follow(chart, answers, _reference(before or {}), design())
        moved.append(UpdateOne({"_id": unit}, {"$set": vars(after)}, upsert=True))
    await database[CHARTS].bulk_write(moved, ordered=False, session=session)


def figures(chart: Chart, reference: float) -> ChangeFigures:
    """What is told of a chart and the share that is usual at its unit. Pure."""
    return ChangeFigures(
        statistic=round(chart.statistic, 4),
        usual=round(100 * (1 - reference), 2),
        since=chart.since,
        n=chart.n,
        unsatisfied=chart.unsatisfied,
    )


def _signs(document: Document) -> Signs:
    trend = document.get("trend")
    return Signs(
        figures(_chart(document), _reference(document)),
        TrendFigures.model_validate(trend) if trend else None,
    )


async def read(database: Database, scopes: Iterable[Scope]) -> dict[Scope, Signs]:
    """What the charts of those scopes say that are units and have one."""
    units = [scope.removeprefix(_UNIT) for scope in scopes if scope.startswith(_UNIT)]
    return {
        _UNIT + document["_id"]: _signs(document)
        async for document in database[CHARTS].find({"_id": {"$in": units}})
    }


async def renew_references(database: Database, now: datetime) -> None:
    """Measure every unit against its past as of today, once a local day, and make its trend.

    What the charts have counted stays as it is; only later answers are measured anew.
    """
    today = local_day(now)
    how = design()
    first, last = how.past(today)
    old = {"referenced_on": {"$ne": day_key(today)}}
    while units := [
        document["_id"] async for document in database[CHARTS].find(old, {"_id": 1}).limit(_AT_ONCE)
    ]:
        past = await _past(database, units, first, last)
        days = await trends.days_of(database, [_UNIT + unit for unit in units], today)
        renewed: list[UpdateOne] = []
        for unit in units:
            usual = past.get(unit, (0, 0))
            trend = trends.figures(days.get(_UNIT + unit, {}), today, *usual)
            values = {
                "reference": how.reference(*usual),
                "referenced_on": day_key(today),
                "trend": trend.model_dump() if trend else None,
            }
            renewed.append(UpdateOne({"_id": unit}, {"$set": values}))
        await database[CHARTS].bulk_write(renewed, ordered=False)


async def _past(
    database: Database, units: Sequence[str], first: date, last: date
) -> dict[str, tuple[int, int]]:
    """Answers, and those not satisfied, by unit, of local days with both ends."""
    satisfied_from = definition_on(last).satisfied_from
    of_units = {
        "scope": {"$in": [_UNIT + unit for unit in units]},
        "item": OVERALL,
        "period": {"$gte": day_key(first), "$lte": day_key(last)},
    }

    def total(levels: Iterable[int]) -> dict[str, Any]:
        return {"$sum": {"$add": [f"$n{level}" for level in levels]}}

    group = {
        "_id": "$scope",
        "answers": total(LEVELS),
        "unsatisfied": total(level for level in LEVELS if level < satisfied_from),
    }
    return {
        found["_id"].removeprefix(_UNIT): (found["answers"], found["unsatisfied"])
        async for found in database.aggregate(TALLIES, [{"$match": of_units}, {"$group": group}])
    }
