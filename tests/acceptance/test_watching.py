"""What operators watch, on the whole stack: a real Prometheus with our rules reads every process,
and the queries of both dashboards find what they name."""

import asyncio
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import isnan
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import yaml

from deploy.local import ports
from schemas.registry import RegistryEntry
from tests.acceptance.test_main_job import answers, office
from tests.servers import eventually
from tests.stack import Running
from tests.tools import tool
from tests.watching import PROMETHEUS, RULE_FILES, all_rules, expressions, rules, targets

OFFICES = [f"000.00.{number}.H26" for number in range(50, 58)]
SPEED = {"LangNgheIndicesLate", "LangNgheTellingLate"}
"""How fast the machine of a test is, is no promise."""


def configuration(stack: Running, folder: Path) -> Path:
    """The shipped configuration, but for where the processes are, and for haste."""
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    del config["alerting"]
    for job in config["scrape_configs"]:
        del job["dns_sd_configs"]
        url = stack.addresses.operations[job["job_name"].removeprefix("langnghe-")]
        job["static_configs"] = [{"targets": [url.removeprefix("http://")]}]
    for name in RULE_FILES:
        text = (PROMETHEUS / name).read_text(encoding="utf-8")
        # Nobody wants to wait a minute for the first value.
        (folder / name).write_text(text.replace("offset 1m", "offset 5s"), encoding="utf-8")
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    return file


class Prometheus:
    """A Prometheus that runs."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        """Hold where it is."""
        self._session = session
        self._url = url

    async def ask(self, path: str, **parameters: str) -> Any:
        """The data of an answer; None while there is none."""
        try:
            async with self._session.get(f"{self._url}/api/v1/{path}", params=parameters) as found:
                if found.status == 503:
                    return None  # it still starts
                body = await found.json(content_type=None)
        except aiohttp.ClientConnectionError:
            return None
        assert body["status"] == "success", (parameters, body)
        return body["data"]

    async def values(self, expr: str) -> list[tuple[dict[str, str], float]]:
        """What an expression comes to now."""
        data = await self.ask("query", query=expr)
        return [(one["metric"], float(one["value"][1])) for one in data["result"]]


@asynccontextmanager
async def prometheus(stack: Running, folder: Path) -> AsyncIterator[Prometheus]:
    """Prometheus beside a stack, as long as the block runs."""
    program = tool(("prometheus",), "what operators watch is", "prometheus")
    port = ports.choose()
    process = await asyncio.create_subprocess_exec(
        program,
        f"--config.file={configuration(stack, folder)}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
        stdout=DEVNULL,
    )
    try:
        yield Prometheus(stack.session, f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        await process.wait()


@pytest_asyncio.fixture(scope="module")
async def watching(
    stack: Running, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Prometheus]:
    """A Prometheus that has seen answers come in, indices move and agencies be told."""
    entries: list[RegistryEntry] = office(OFFICES[0], stack)
    for code in OFFICES[1:]:
        entries += office(code, stack)[1:]
    await stack.load(entries)
    async with prometheus(stack, tmp_path_factory.mktemp("prometheus")) as watching:

        async def scraped() -> bool:
            data = await watching.ask("targets", state="active")
            health = [one["health"] for one in data["activeTargets"]] if data else []
            return health == ["up"] * 4

        await eventually(scraped, "every process is scraped")
        for code in OFFICES:
            await answers(stack, code, 5, 20)()
            await answers(stack, code, 1, 30)()
        yield watching


async def test_every_recorded_rule_has_a_value(watching: Prometheus) -> None:
    names = {rule["record"] for rule in rules("record")}

    async def recorded() -> bool:
        data = await watching.values('{__name__=~"langnghe:.+"}')
        return {labels["__name__"] for labels, value in data if not isnan(value)} == names

    await eventually(recorded, "every recorded rule has a value")


async def test_every_query_is_answered(watching: Prometheus) -> None:
    for expr in expressions():
        await watching.values(expr)
    groups = (await watching.ask("rules"))["groups"]
    health = {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}
    assert health.keys() == {rule.get("alert") or rule["record"] for rule in all_rules()}
    assert set(health.values()) == {"ok"}


async def test_what_never_happened_is_there_and_can_grow(watching: Prometheus) -> None:
    for never in (
        'langnghe_gateway_responses_total{outcome="unavailable"}',
        'langnghe_ingest_records_total{outcome="future"}',
        'langnghe_notify_deliveries_total{channel="chat", outcome="given_up"}',
        'langnghe_notify_delivery_seconds_count{channel="chat"}',
    ):
        assert [value for _, value in await watching.values(never)] == [0], never


async def test_nothing_is_missing_and_nothing_wakes_an_operator(watching: Prometheus) -> None:
    async def acknowledged() -> bool:
        found = await watching.values("langnghe:acknowledged:6h")
        return all(value > 50 * len(OFFICES) - 1 for _, value in found) and bool(found)

    await eventually(acknowledged, "what was acknowledged is known")

    async def accounted_for() -> bool:
        missing = {one["stage"]: value for one, value in await watching.values("langnghe:missing")}
        return missing.keys() == {"ingest", "scoring"} and max(missing.values()) < 20

    await eventually(accounted_for, "all of it is judged and counted")

    async def quiet() -> bool:
        alerts = (await watching.ask("alerts"))["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts} <= SPEED

    await eventually(quiet, "nothing wakes an operator, or is about to")


def picked(row: Any, selector: str) -> Any:
    """What a selector of a column finds; KeyError where there is nothing of that name."""
    for key in selector.split("."):
        row = row[key]
    return row


async def test_the_story_of_one_office_is_in_the_public_interface(stack: Running) -> None:
    unit = OFFICES[0]
    await stack.load(office(unit, stack))
    await answers(stack, unit, 1, 30)()

    async def rows(target: dict[str, Any]) -> list[Any]:
        path = target["url"].replace("${unit}", unit)
        async with stack.session.get(stack.addresses.gateway + path) as answer:
            assert answer.status == 200, path
            body = await answer.json()
        found = picked(body, target["root_selector"]) if target["root_selector"] else [body]
        if not target.get("filterExpression"):
            return list(found)
        assert target["filterExpression"] == 'scope == "unit:${unit}"'
        return [row for row in found if row["alert"]["scope"] == f"unit:{unit}"]

    queries = list(targets("langnghe"))
    assert queries
    for title, target in queries:

        async def there(target: dict[str, Any] = target) -> bool:
            return bool(await rows(target))

        await eventually(there, title)
        for row in await rows(target):
            for column in target["columns"]:
                picked(row, column["selector"])
