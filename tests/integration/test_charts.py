"""Change charts on real servers: what moves them, what does not, and what an alert says of it."""

from datetime import datetime, timedelta

from method.change import Chart, design, follow
from method.period import day_key, local_day, local_midnight
from schemas.collections import ALERTS, CHARTS, INDICES, REGISTRY, TALLIES
from schemas.feedback import FeedbackAccepted
from schemas.index import IndexUpdated, TrendFigures
from schemas.registry import Registry
from services.notify.alerts.moving import Alerts
from services.notify.delivery.directory import Directories
from services.notify.rules.file import RuleFile
from services.runtime.cached import Cached
from services.runtime.database import Database
from services.scoring import charts
from services.scoring.indices import refresh_indices
from services.scoring.ledger import Ledger
from services.scoring.tallies import refresh_tallies
from services.scoring.touched import touched_since
from services.scoring.trends import figures
from tests.builders import (
    NOW,
    OTHER_UNIT,
    UNIT,
    accepted,
    load_small_registry,
    record,
    records,
)

RULES = RuleFile.model_validate(
    {
        "version": 1,
        "rules": [
            {
                "id": "change",
                "kind": "change",
                "window": "7d",
                "for": "0s",
                "keep_firing_for": "0s",
                "severity": "critical",
            }
        ],
    }
).rules
DRIFT = RuleFile.model_validate(
    {
        "version": 1,
        "rules": [
            {
                "id": "drift",
                "kind": "drift",
                "window": "30d",
                "for": "0s",
                "keep_firing_for": "2d",
                "severity": "warning",
            }
        ],
    }
).rules
SCOPE = f"unit:{UNIT}"


def answers(pattern: str, first: int = 0) -> list[FeedbackAccepted]:
    """`x` is not satisfied; the newest answer is of now, one a minute before it."""
    last = first + len(pattern) - 1
    return [
        accepted(
            first + i,
            2 if mark == "x" else 5,
            occurred_at=NOW - timedelta(minutes=last - first - i),
        )
        for i, mark in enumerate(pattern)
    ]


async def index(database: Database) -> IndexUpdated:
    """The index of the unit, refreshed."""
    await refresh_tallies(database, await touched_since(database, 0, -1, NOW))
    (found,) = await refresh_indices(database, [SCOPE], NOW)
    return found


async def test_answers_move_the_chart_of_their_own_unit(database: Database) -> None:
    ledger = Ledger(database)
    events = answers("..x.xx")
    await ledger.handle(0, records(events))
    await ledger.handle(0, records([accepted(6, 1, unit=OTHER_UNIT, occurred_at=NOW)], first=6))
    came = [event.occurred_at if event.answers["overall"] == 2 else None for event in events]
    expected = follow(Chart(), came, design().reference(0, 0), design())
    change = (await charts.read(database, [SCOPE, "province:01"]))[SCOPE].change
    assert change is not None
    assert (change.statistic, change.usual) == (round(expected.statistic, 4), 80.0)
    assert (change.n, change.unsatisfied, change.since) == (4, 3, events[2].occurred_at)


async def test_an_import_of_the_past_is_counted_and_moves_no_chart(database: Database) -> None:
    long_ago = NOW - timedelta(days=60)
    old = [accepted(n, 1, occurred_at=long_ago, received_at=NOW) for n in range(20)]
    await Ledger(database).handle(0, records(old))
    assert await database[CHARTS].count_documents({}) == 0


async def test_a_unit_is_measured_against_its_own_past_from_the_next_local_day(
    database: Database,
) -> None:
    await Ledger(database).handle(0, records(answers(".")))
    today = local_day(NOW)

    async def past(days_ago: int, satisfied: int, unsatisfied: int) -> None:
        day = day_key(today - timedelta(days=days_ago))
        levels = {"n1": unsatisfied, "n2": 0, "n3": 0, "n4": satisfied, "n5": 0}
        key = {"scope": SCOPE, "item": "overall", "period": day}
        await database[TALLIES].insert_one(key | levels)

    how = design()
    await past(how.lag_days, 0, 5_000)  # too new to be its own measure
    await past(how.lag_days + 1, 450, 50)
    await past(how.lag_days + how.reference_days, 450, 50)
    await past(how.lag_days + how.reference_days + 1, 0, 5_000)  # too old
    await charts.renew_references(database, NOW)
    chart = await database[CHARTS].find_one({"_id": UNIT})
    assert chart is not None
    assert chart["reference"] == how.reference(1000, 100)
    await past(200, 0, 400)
    await charts.renew_references(database, NOW + timedelta(hours=1))
    assert await database[CHARTS].find_one({"_id": UNIT}) == chart, "once a day"
    await charts.renew_references(database, NOW + timedelta(days=1))
    renewed = await database[CHARTS].find_one({"_id": UNIT})
    assert renewed is not None
    assert renewed["reference"] > chart["reference"]
    assert renewed["statistic"] == chart["statistic"]


async def test_a_trend_is_made_of_complete_days_once_a_day_and_late_answers_are_in_the_next(
    database: Database,
) -> None:
    today = local_day(NOW)
    days = {today - timedelta(days=age): (0, 0, 2, 0, 8) for age in (0, 1, 3, 90, 91)}
    for day, levels in days.items():
        counted = {f"n{level}": n for level, n in enumerate(levels, start=1)}
        key = {"scope": SCOPE, "item": "overall", "period": day_key(day)}
        await database[TALLIES].insert_one(key | counted)

    async def trend(now: datetime) -> TrendFigures | None:
        await charts.renew_references(database, now)
        return (await charts.read(database, [SCOPE]))[SCOPE].trend

    await Ledger(database).handle(0, records(answers(".")))
    first = await trend(NOW)
    assert first == figures(
        {day: levels for day, levels in days.items() if day < today}, today, 0, 0
    )
    assert first is not None
    assert (first.index, first.usual, first.end) == (80.0, 80.0, local_midnight(today))
    assert first.n == 20, "of the three days the oldest hardly weighs"
    late = {"period": day_key(today - timedelta(days=1))}
    await database[TALLIES].update_one(late, {"$set": {"n1": 10}})
    assert await trend(NOW + timedelta(hours=1)) == first, "once a day"
    second = await trend(NOW + timedelta(days=1))
    assert second is not None
    assert second.index < 75
    assert await trend(NOW + timedelta(days=100)) is None, "nobody answered for 90 days"


async def test_an_office_that_drifts_is_told_of_with_its_trend(database: Database) -> None:
    await load_small_registry(database)
    registry = Cached(database, REGISTRY, Registry.of_documents)
    await registry.refresh()
    alerts = Alerts(database, Directories(registry), DRIFT, lambda: NOW)
    await Ledger(database).handle(0, records(answers("." * 20)))
    for age in range(1, 60):
        levels = {"n1": 0 if age > 20 else 12, "n2": 0, "n3": 0, "n4": 0, "n5": 48}
        period = {"period": day_key(local_day(NOW) - timedelta(days=age))}
        tally = {"scope": SCOPE, "item": "overall", **period, **levels}
        await database[TALLIES].insert_one(tally)
    await charts.renew_references(database, NOW)
    await alerts.handle(0, [record(await index(database), 0)])
    (alert,) = await database[ALERTS].find({}).to_list(None)
    evidence = alert["event"]["evidence"]["trend"]
    assert (alert["state"], alert["event"]["kind"]) == ("firing", "drift")
    assert evidence["index"] < evidence["usual"] - 5
    assert evidence["deviation"] > 3.25


async def test_an_office_that_falls_is_alarmed_with_the_moment_and_recovers(
    database: Database,
) -> None:
    await load_small_registry(database)
    registry = Cached(database, REGISTRY, Registry.of_documents)
    await registry.refresh()
    alerts = Alerts(database, Directories(registry), RULES, lambda: NOW)
    ledger = Ledger(database)
    place = 0

    async def come(pattern: str) -> None:
        nonlocal place
        events = answers(pattern, place)
        await ledger.handle(0, records(events, first=place))
        place += len(events)
        await alerts.handle(0, [record(await index(database), 0)])

    await come("." * 8 + "x" + "." * 8)
    assert await database[ALERTS].count_documents({}) == 0
    await come("xxxxxxxx.xxxxxxxxx")
    alert = await database[ALERTS].find_one({"scope": SCOPE})
    assert alert is not None
    assert alert["state"] == "firing"
    evidence = alert["event"]["evidence"]["change"]
    assert (evidence["n"], evidence["unsatisfied"]) == (18, 17)
    assert evidence["usual"] == 80.0
    await come("." * 100)
    alert = await database[ALERTS].find_one({"scope": SCOPE})
    assert alert is not None
    assert alert["state"] == "resolved"


async def test_only_the_headline_of_a_unit_has_a_chart(database: Database) -> None:
    event = accepted(0, 2, occurred_at=NOW, answers={"overall": 2, "access": 1})
    await Ledger(database).handle(0, records([event]))
    await refresh_indices(database, [SCOPE, "country"], NOW)
    found = {doc["_id"]: doc["change"] async for doc in database[INDICES].find({})}
    assert all(change is None for key, change in found.items() if key != f"{SCOPE}|overall")
