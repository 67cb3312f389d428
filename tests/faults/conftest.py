"""A stack of its own for each fault test: nothing is shared with what was killed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.builders import small_registry
from tests.stack import Running, below_target, running_stack


@pytest_asyncio.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_stack(
        tmp_path / "data", below_target(for_="1h", keep_firing_for="1h")
    ) as running:
        await running.load(small_registry())
        yield running
