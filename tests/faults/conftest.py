"""A stack of its own for each fault test: nothing is shared with what was killed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from deploy.local.stack import DEFAULT_RULES
from tests.builders import small_registry
from tests.stack import Running, running_stack


@pytest_asyncio.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_stack(tmp_path / "data", DEFAULT_RULES) as running:
        await running.load(small_registry())
        yield running
