"""Notify as a process: its rule file is changed, broken and mended while indices come in."""

import itertools
from pathlib import Path

import aiohttp
import pytest

from schemas.collections import ALERTS
from schemas.topics import INDEX_UPDATED
from services.notify.main import build
from services.notify.settings import NotifySettings
from services.runtime.database import Database
from services.runtime.producer import Producer
from tests.builders import OTHER_UNIT, UNIT, load_small_registry
from tests.integration.test_commands import langnghe
from tests.integration.test_notify import BAD, KEY, index
from tests.servers import DATABASE, Servers, eventually
from tests.serving import serving


def rules(name: str, target: str = "99") -> str:
    return f"""
version: 1
rules:
  - id: {name}
    kind: below_target
    scopes: [unit]
    window: 7d
    target: {target}
    for: 0s
    keep_firing_for: 1h
    severity: info
"""


def replace(path: Path, text: str) -> None:
    """Put a whole file in place of another: half of one would be read as one that is broken."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


async def refused(url: str, file: str = "rules") -> bool:
    """Whether the service says that a file of it is refused."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    metric = f'langnghe_notify_file_refused{{file="{file}"}}'
    (line,) = [line for line in lines if line.startswith(metric)]
    return float(line.split()[1]) == 1


async def test_a_changed_rule_file_is_in_force_without_a_restart_and_a_broken_one_is_not(
    servers: Servers, database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await load_small_registry(database)
    path = tmp_path / "rules.yaml"
    path.write_text(rules("first"))
    where = {"KAFKA_URL": servers.kafka_url, "MONGO_URL": servers.mongo_url, "database": DATABASE}
    settings = NotifySettings.model_validate({**where, "rules": path, "webhook_key": KEY})
    producer = Producer(servers.kafka_url, "scoring")
    versions = itertools.count(1)

    async def firing() -> set[tuple[str, str]]:
        found = database[ALERTS].find({"state": "firing"})
        return {(document["rule"], document["scope"]) async for document in found}

    async def fires(rule: str, unit: str) -> None:
        """Bad news of an office come in until this rule has read them."""

        async def is_firing() -> bool:
            await producer.send(INDEX_UPDATED, [index(next(versions), BAD, unit=unit)])
            return (rule, f"unit:{unit}") in await firing()

        await eventually(is_firing, f"{rule} fires at {unit}")

    await producer.start()
    try:
        await producer.connected()
        async with serving(build(settings).app()) as url:
            await fires("first", UNIT)

            replace(path, rules("second"))
            await fires("second", UNIT)

            replace(path, rules("third", target="high"))
            await eventually(lambda: refused(url), "the metric says that the file is refused")
            await fires("second", OTHER_UNIT)
            assert await refused(url), "it says so as long as the file is broken"

            replace(path, rules("third"))
            await fires("third", OTHER_UNIT)
            assert not await refused(url)
    finally:
        await producer.stop()

    here, there = f"unit:{UNIT}", f"unit:{OTHER_UNIT}"
    assert await firing() == {
        ("first", here),  # its rule is gone: it stays as it was
        ("second", here),
        ("second", there),
        ("third", there),
    }
    told = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert len(told) == 1, "one line, however often it looks"
    assert f"{path}:8:13: rules.0.target: Input should be a valid number" in told[0]


async def test_without_a_rule_file_that_can_be_used_it_does_not_start(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(rules("first", target="high"))
    said = await langnghe("run", "notify", LANGNGHE_RULES=str(path), LANGNGHE_WEBHOOK_KEY=KEY)
    assert said.code == 2
    assert f"{path}:8:13: rules.0.target: Input should be a valid number" in said.notes
