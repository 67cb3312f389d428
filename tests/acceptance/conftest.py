"""One stack for the acceptance tests; each test has offices of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.stack import Running, running_stack

RULES = """
version: 1
rules:
  - id: low
    kind: below_target
    scopes: [unit]
    window: 24h
    target: 80
    for: 2s
    keep_firing_for: 3s
    severity: warning
"""


@pytest_asyncio.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    folder: Path = tmp_path_factory.mktemp("stack")
    rules = folder / "rules.yaml"
    rules.write_text(RULES, encoding="utf-8")
    async with running_stack(folder / "data", rules) as running:
        yield running
