"""What anybody may read, over real HTTP: no small figure, and none that can be worked out."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import product
from random import Random
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from method.definition import definitions
from method.figure import figure
from method.period import local_day
from schemas.alert import AlertChanged, AlertState, Evidence, Severity
from schemas.collections import ALERTS, INDICES, REGISTRY
from schemas.feedback import FeedbackAccepted
from schemas.registry import EntryKind, Registry, RegistryEntry
from schemas.topics import ALERT_CHANGED
from services.gateway.main import build
from services.gateway.published.daily import Days
from services.gateway.published.disclosure import Disclosure
from services.gateway.registry.store import write
from services.gateway.settings import GatewaySettings
from services.runtime.cached import Cached
from services.runtime.database import Database
from services.runtime.producer import Producer
from services.scoring.ledger import Ledger
from services.scoring.refresh import Refresh
from tests.builders import accepted, entry, records
from tests.servers import DATABASE, Servers, eventually
from tests.serving import serving_gateway

FROM = definitions()[-1].publish_from
SMALL, MIDDLE, LARGE = "unit:000.00.01.H26", "unit:000.00.02.H26", "unit:000.00.03.H26"
WINDOWS = ("24h", "7d", "30d", "90d")


def registry() -> list[RegistryEntry]:
    """Two provinces and a ministry; an office of the second province is closed by now."""
    return [
        entry(EntryKind.PROVINCE, "01"),
        entry(EntryKind.PROVINCE, "02"),
        entry(EntryKind.MINISTRY, "G09"),
        entry(EntryKind.COMMUNE, "00004", "province:01"),
        entry(EntryKind.UNIT, "000.00.01.H26", "province:01"),
        entry(EntryKind.UNIT, "000.00.02.H26", "province:01"),
        entry(EntryKind.UNIT, "000.00.03.H26", "province:01"),
        entry(EntryKind.UNIT, "000.00.04.H26", "commune:00004"),
        entry(EntryKind.UNIT, "000.00.05.H26", "commune:00004"),
        entry(EntryKind.UNIT, "000.00.01.H49", "province:02"),
        entry(EntryKind.UNIT, "000.00.02.H49", "province:02", valid_to=date(2020, 1, 1)),
        entry(EntryKind.UNIT, "000.00.01.G09", "ministry:G09"),
        entry(EntryKind.FIELD, "ho-tich"),
        entry(EntryKind.FIELD, "dat-dai"),
    ]


PARENTS = {item.key: item.parent for item in registry()}


def above(unit: str) -> list[str]:
    chain = [PARENTS[unit]]
    while chain[-1] != "country":
        chain.append(PARENTS[chain[-1]])
    return chain


@dataclass
class Town:
    """A gateway, a page that follows it, and scoring to feed it."""

    session: aiohttp.ClientSession
    url: str
    operations: str
    ledger: Ledger
    database: Database
    producer: Producer
    counted: int = 0
    seen: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def get(self, path: str) -> Any:
        async with self.session.get(self.url + path) as answer:
            assert answer.status == 200, (path, await answer.text())
            return await answer.json()

    async def count(self, events: Iterable[dict[str, Any]]) -> None:
        """Count answers and announce the indices, as scoring does."""
        made: list[FeedbackAccepted] = []
        for changes in events:
            unit = changes.pop("unit")
            now = datetime.now(UTC)
            values = {"occurred_at": now, "received_at": now, **changes}
            made.append(
                accepted(self.counted, unit=unit.removeprefix("unit:"), above=above(unit), **values)
            )
            self.counted += 1
        await self.ledger.handle(0, records(made, first=self.counted - len(made)))
        await Refresh(
            self.database, self.producer, self.ledger, lambda: {0}, lambda: datetime.now(UTC)
        ).run()

    async def follow(self) -> None:
        """Read the live updates, as a page does."""
        async with self.session.get(f"{self.url}/v1/live") as stream:
            kind = ""
            async for raw in stream.content:
                name, _, value = raw.decode().strip().partition(": ")
                if name == "event":
                    kind = value
                elif name == "data":
                    self.seen.append((kind, json.loads(value)))

    def last_seen(self, scope: str) -> dict[str, Any]:
        """The newest live update of a scope."""
        found = [data for kind, data in self.seen if kind == "index" and data["scope"] == scope]
        return found[-1] if found else {}

    async def settled(self) -> None:
        """Wait until every read agrees with the database and two looks at everything are equal."""

        async def same() -> bool:
            first = [await self.get(f"/v1/indices/{scope}") for scope in ("country", *PARENTS)]
            await asyncio.sleep(1)
            return first == [
                await self.get(f"/v1/indices/{scope}") for scope in ("country", *PARENTS)
            ]

        await eventually(same, "the decisions have settled")


@asynccontextmanager
async def following(town: Town) -> AsyncIterator[None]:
    """A page open, as long as the block runs."""
    page = asyncio.create_task(town.follow())

    async def open_() -> bool:
        async with town.session.get(f"{town.operations}/metrics") as answer:
            return "langnghe_gateway_live_clients 1.0" in await answer.text()

    await eventually(open_, "the page follows")
    try:
        yield
    finally:
        page.cancel()
        await asyncio.gather(page, return_exceptions=True)


@pytest_asyncio.fixture
async def town(servers: Servers, database: Database) -> AsyncIterator[Town]:
    await write(database, registry())
    settings = GatewaySettings(
        KAFKA_URL=servers.kafka_url, MONGO_URL=servers.mongo_url, database=DATABASE
    )
    producer = Producer(servers.kafka_url, "scoring")
    await producer.start()
    await producer.connected()
    session = aiohttp.ClientSession(read_bufsize=2**20)
    async with serving_gateway(build(settings), "field:dat-dai") as at, session:
        yield Town(session, at.public, at.operations, Ledger(database), database, producer)
    await producer.stop()


def withheld(shown: dict[str, Any]) -> bool:
    """Whether a figure says that it is withheld, and nothing else."""
    if not shown.get("withheld"):
        assert isinstance(shown["n"], int)
        return False
    assert {value for key, value in shown.items() if key != "withheld"} == {None}, shown
    assert set(shown) == {"withheld", "n", "counts", "index", "low", "high", "mean", "shares"}
    return True


def figures(value: Any) -> Iterator[dict[str, Any]]:
    """Everything in some JSON that is a figure."""
    if isinstance(value, dict):
        if "n" in value and "index" in value:
            yield value
        for inner in value.values():
            yield from figures(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from figures(inner)


def answers(unit: str, count: int, **changes: Any) -> list[dict[str, Any]]:
    return [{"unit": unit, "field": "ho-tich", **changes} for _ in range(count)]


async def test_a_small_office_and_one_beside_it_are_withheld_wherever_they_are_shown(
    town: Town,
) -> None:
    async with following(town):
        await town.count(answers(MIDDLE, 30) + answers(LARGE, 50))
        await eventually(lambda: _is(town, MIDDLE, hidden=False), "the page sees the middle office")
        middle = await town.get(f"/v1/indices/{MIDDLE}")
        assert [day["figure"]["n"] for day in middle["history"]] == [30]
        await town.count(answers(SMALL, 4))
        await eventually(
            lambda: _is(town, MIDDLE, hidden=True), "the page is told that it is withheld now"
        )
        await eventually(lambda: _is(town, SMALL, hidden=True), "so is the small one")
    lists = ("?parent=province:01", "?parent=province:01&kind=unit", "?parent=country&kind=unit")
    for query, window in product(lists, WINDOWS):
        listed = (await town.get(f"/v1/indices{query}"))["indices"]
        hidden = {v["scope"] for v in listed if withheld(v["windows"][window]["current"])}
        assert hidden == {SMALL, MIDDLE}, (query, window)
    for unit in (SMALL, MIDDLE):
        own = await town.get(f"/v1/indices/{unit}")
        assert all(withheld(own["windows"][window]["current"]) for window in WINDOWS)
        assert [withheld(day["figure"]) for day in own["history"]] == [True]
        assert own["latest_received_at"] is None
    large = await town.get(f"/v1/indices/{LARGE}")
    assert large["windows"]["90d"]["current"]["n"] == 50
    assert [day["figure"]["n"] for day in large["history"]] == [50]
    province = await town.get("/v1/indices/province:01")
    assert province["windows"]["90d"]["current"]["n"] == 84
    # What the services and the agencies work with is whole.
    stored = await town.database[INDICES].find_one({"_id": f"{SMALL}|overall"})
    assert stored is not None
    assert stored["windows"]["90d"]["current"]["n"] == 4


async def _is(town: Town, scope: str, *, hidden: bool) -> bool:
    update = town.last_seen(scope)
    return bool(update) and withheld(update["windows"]["90d"]["current"]) is hidden


async def test_other_questions_are_withheld_by_their_own_numbers(town: Town) -> None:
    both = {"overall": 5, "staff": 4}
    await town.count(answers(LARGE, 40, answers=both) + answers(MIDDLE, 40))
    await town.count(answers(MIDDLE, 3, answers=both))
    await town.settled()
    for unit in (MIDDLE, LARGE):
        view = await town.get(f"/v1/indices/{unit}")
        assert not withheld(view["windows"]["7d"]["current"])
        assert withheld(view["items"]["staff"]["7d"]["current"]), unit
    province = await town.get("/v1/indices/province:01")
    assert province["items"]["staff"]["7d"]["current"]["n"] == 43


async def test_a_closed_office_still_is_a_part_of_its_province(town: Town) -> None:
    closed, beside = "unit:000.00.02.H49", "unit:000.00.01.H49"
    await town.count(answers(closed, 4) + answers(beside, 60) + answers(LARGE, 50))
    await town.settled()
    listed = (await town.get("/v1/indices?parent=province:02"))["indices"]
    assert [(v["scope"], withheld(v["windows"]["7d"]["current"])) for v in listed] == [
        (beside, True)
    ]
    assert withheld((await town.get(f"/v1/indices/{closed}"))["windows"]["7d"]["current"])
    province = await town.get("/v1/indices/province:02")
    assert province["windows"]["7d"]["current"]["n"] == 64


async def test_decisions_follow_what_moved_and_now_and_then_everything(town: Town) -> None:
    registry = Cached(town.database, REGISTRY, Registry.of_documents)
    await registry.refresh()
    moment = datetime.now(UTC)
    disclosure = Disclosure(town.database, registry, lambda: moment)
    await town.count(answers(LARGE, 50))
    await disclosure.refresh()
    assert disclosure.withheld("overall", LARGE) == frozenset()
    await town.count(answers(SMALL, 4))
    assert await disclosure.refresh() == set(), "nobody said that anything moved"
    disclosure.moved([SMALL, "province:01", "country"])
    assert {SMALL, LARGE} <= await disclosure.refresh()
    assert "90d/current" in disclosure.withheld("overall", LARGE)
    await town.count(answers(SMALL, 20))
    moment += timedelta(minutes=1)
    assert LARGE in await disclosure.refresh(), "an announcement may be missed"
    assert disclosure.withheld("overall", LARGE) == frozenset()


async def test_a_page_is_told_of_an_office_that_was_counted_before_it_was_entered(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = entry(EntryKind.UNIT, "000.00.06.H26", "province:01")
    monkeypatch.setitem(PARENTS, new.key, new.parent)
    async with following(town):
        await town.count(answers(new.key, 40) + answers(LARGE, 50))
        await eventually(lambda: _is(town, LARGE, hidden=False), "the page sees one it knows")
        assert not town.last_seen(new.key)
        await write(town.database, [*registry(), new])
        await eventually(lambda: _is(town, new.key, hidden=False), "the page sees the new one")


async def test_days_are_decided_once_for_all_readers_until_the_windows_are_decided_anew(
    town: Town,
) -> None:
    registry = Cached(town.database, REGISTRY, Registry.of_documents)
    await registry.refresh()
    moment = datetime.now(UTC)
    disclosure = Disclosure(town.database, registry, lambda: moment)
    days = Days(town.database, disclosure, lambda: moment)
    await town.count(answers(LARGE, 50) + answers(MIDDLE, 30))
    await disclosure.refresh()
    assert await days.withheld(LARGE, 7) == frozenset()
    await town.count(answers(SMALL, 4))
    assert await days.withheld(MIDDLE, 7) == frozenset(), "nobody said that anything moved"
    disclosure.moved([SMALL, "province:01", "country"])
    await disclosure.refresh()
    today = {local_day(moment)}
    assert await days.withheld(SMALL, 7) == await days.withheld(MIDDLE, 7) == today
    assert await days.withheld(LARGE, 7) == frozenset()
    moment += timedelta(days=1)
    assert await days.withheld(MIDDLE, 7) == today, "they are a day older"


async def test_scoring_writes_parts_before_wholes(town: Town) -> None:
    async with town.database[INDICES].watch() as changes:
        await town.count(answers("unit:000.00.04.H26", 3) + answers(LARGE, 3))
        written: list[str] = []
        while "country" not in written:
            written.append((await changes.next())["documentKey"]["_id"].partition("|")[0])
    for unit in ("unit:000.00.04.H26", LARGE):
        chain = [written.index(scope) for scope in (unit, *above(unit))]
        assert chain == sorted(chain), written
    assert written[-1] == "country", written


def alert(scope: str, n: int, number: int) -> AlertChanged:
    now = datetime.now(UTC)
    of_n = figure((n, 0, 0, 0, 0), definitions()[-1])
    return AlertChanged(
        alert=f"a/{number}",
        revision=1,
        rule="drop",
        kind="drop",
        severity=Severity.WARNING,
        scope=scope,
        state=AlertState.FIRING,
        opened_at=now,
        changed_at=now,
        evidence=Evidence(window="7d", as_of=now, current=of_n, previous=of_n, baseline=80.0),
        latest_received_at=now,
    )


async def test_alerts_show_no_figure_that_is_withheld_elsewhere(
    town: Town, servers: Servers
) -> None:
    await town.count(answers(SMALL, 4) + answers(MIDDLE, 30) + answers(LARGE, 50))
    await town.settled()
    events = [
        alert(s, n, place)
        for place, (s, n) in enumerate([(SMALL, 4), (MIDDLE, 30), (LARGE, 50), (LARGE, 9)])
    ]
    await town.database[ALERTS].insert_many(
        {
            "_id": event.alert,
            "state": event.state.value,
            "changed_at": event.changed_at,
            "event": event.model_dump(mode="json"),
        }
        for event in events
    )

    def check(alerts: list[dict[str, Any]]) -> None:
        hidden = {a["alert"]["alert"]: withheld(a["alert"]["evidence"]["current"]) for a in alerts}
        assert hidden == {"a/0": True, "a/1": True, "a/2": False, "a/3": True}
        for shown in alerts:
            told = shown["alert"]
            moments = (told["latest_received_at"], told["evidence"]["baseline"])
            assert (None in moments) is hidden[told["alert"]]
            assert shown["name"]["vi"].startswith("Đơn vị")

    check((await town.get("/v1/alerts"))["alerts"])
    async with following(town):
        producer = Producer(servers.kafka_url, "notify")
        await producer.start()
        await producer.connected()
        await producer.send(ALERT_CHANGED, events)
        await producer.stop()

        async def told() -> bool:
            return sum(kind == "alert" for kind, _ in town.seen) == len(events)

        await eventually(told, "the page is told of the alerts")
    check([data for kind, data in town.seen if kind == "alert"])


def scattered(random: Random) -> list[dict[str, Any]]:
    """Answers here and there over seven weeks, few at some offices, some without a field."""
    now = datetime.now(UTC)
    found: list[dict[str, Any]] = []
    for unit in [key for key in PARENTS if key.startswith("unit:")]:
        for _ in range(random.choice([3, 12, 40, 120])):
            ago = timedelta(days=random.choice([0, 0, 1, 2, 5, 8, 13, 20, 45]))
            moment = now - ago - timedelta(hours=random.random() * 3)
            found.append(
                {
                    "unit": unit,
                    "field": random.choice(["ho-tich", "ho-tich", "dat-dai", None]),
                    "answers": {"overall": random.randint(1, 5)}
                    | ({"staff": random.randint(1, 5)} if random.random() < 0.3 else {}),
                    "occurred_at": moment,
                    "received_at": moment,
                }
            )
    return found


def n_of(shown: dict[str, Any]) -> int | None:
    return None if withheld(shown) else int(shown["n"])


Truth = dict[tuple[str, str, str], int]
"""Answers by scope, item and window, as the database has them."""


async def truth(database: Database) -> Truth:
    return {
        (index["scope"], index["item"], f"{name}/{side}"): index["windows"][name][side]["n"]
        async for index in database[INDICES].find({})
        for name, side in product(WINDOWS, ("current", "previous"))
    }


def attack(whole: int | None, parts: dict[Any, int | None], true: Truth, what: object) -> int:
    """Take the shown parts from a shown whole; how many parts were withheld."""
    hidden = [key for key, n in parts.items() if n is None]
    if whole is not None:
        left = whole - sum(n for n in parts.values() if n is not None)
        assert left == 0 or left >= FROM, (what, whole, parts)
        if len(hidden) == 1 and hidden[0] in true:
            assert left > true[hidden[0]], f"{what}: {hidden[0]} follows exactly"
    return len(hidden)


async def test_nothing_small_can_be_read_or_worked_out_from_any_route(town: Town) -> None:
    async with following(town):
        for seed in (1, 2, 3):
            await town.count(scattered(Random(seed)))
        await town.settled()
    pages = {
        scope: await town.get(f"/v1/indices/{scope}?days=90") for scope in ("country", *PARENTS)
    }
    true = await truth(town.database)
    hidden = 0
    for item, window, side in product((None, "staff"), WINDOWS, ("current", "previous")):

        def shown(
            scope: str, item: str | None = item, window: str = window, side: str = side
        ) -> int | None:
            page = pages[scope]
            windows = page["windows"] if item is None else page["items"].get(item)
            return n_of(windows[window][side]) if windows else 0

        for parent, fields in {(PARENTS[key], key.startswith("field:")) for key in PARENTS}:
            under = [
                key
                for key, up in PARENTS.items()
                if up == parent and key.startswith("field:") == fields
            ]
            parts = {(key, item or "overall", f"{window}/{side}"): shown(key) for key in under}
            hidden += attack(shown(parent), parts, true, (item, window, side, parent, fields))
    for scope, page in pages.items():
        of = {
            f"{name}/{side}": n_of(page["windows"][name][side])
            for name, side in product(WINDOWS, ("current", "previous"))
        }
        for whole, inside in (
            ("90d/current", ("30d/current", "30d/previous")),
            ("30d/current", ("7d/current", "7d/previous")),
            ("7d/current", ("24h/current", "24h/previous")),
        ):
            shorter = {(scope, "overall", part): of[part] for part in inside}
            hidden += attack(of[whole], shorter, true, (scope, whole))
    assert hidden > 20, "there was something to hide"
    # The days of a parent and of what is under it, and the days of a window.
    days = {
        scope: {day["day"]: n_of(day["figure"]) for day in page["history"]}
        for scope, page in pages.items()
    }
    for parent, day in {(p, day) for p in set(PARENTS.values()) for day in days[p]}:
        under = [key for key, up in PARENTS.items() if up == parent and "field" not in key]
        attack(days[parent][day], {key: days[key].get(day, 0) for key in under}, {}, (parent, day))
    for scope, by_day in days.items():
        week = pages[scope]["windows"]["7d"]
        first = local_day(datetime.fromisoformat(week["start"])).isoformat()
        in_week = {day: n for day, n in by_day.items() if day >= first}
        attack(n_of(week["current"]), in_week, {}, (scope, "days of the week"))
    await _walk(town)


async def _walk(town: Town) -> None:
    """Every public route that answers with JSON, with every scope and kind there is."""
    async with town.session.get(f"{town.operations}/openapi.json") as described:
        document = await described.json()
    scopes = ["country", *PARENTS]
    kinds = ["", *(f"&kind={kind.value}" for kind in EntryKind)]
    states = "&".join(f"state={state.value}" for state in AlertState)
    known = {
        "/v1/indices": [f"?parent={scope}{kind}" for scope in scopes for kind in kinds],
        "/v1/indices/{scope}": [f"/{scope}?days=400" for scope in scopes],
        "/v1/alerts": [f"?{states}"],
    }
    reads = {
        path
        for path, route in document["paths"].items()
        if "get" in route
        and "application/json" in route["get"]["responses"]["200"]["content"]
        and "401" not in route["get"]["responses"]
    }
    assert known.keys() <= reads
    addresses = [
        path.removesuffix("/{scope}") + query
        for path in sorted(reads)
        for query in known.get(path, [""])
    ]
    seen = [data for _, data in town.seen] + [await town.get(path) for path in addresses]
    found = list(figures(seen))
    small = [one for one in found if not withheld(one) and 0 < one["n"] < FROM]
    assert small == []
    assert sum(map(withheld, found)) > 100
    assert sum(not withheld(one) and one["n"] >= FROM for one in found) > 100
