"""One stack for the acceptance tests; each test has offices of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.stack import Running, below_target, running_stack

RULES = below_target(for_="2s", keep_firing_for="3s")


@pytest_asyncio.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    folder: Path = tmp_path_factory.mktemp("stack")
    async with running_stack(folder / "data", RULES) as running:
        yield running
