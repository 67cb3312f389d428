"""The README's first command, as a person runs it."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from deploy.local import ports
from langnghe.demo.run import FALLING

Demo = asyncio.subprocess.Process


@asynccontextmanager
async def running(folder: Path, *arguments: str) -> AsyncIterator[Demo]:
    """A demo; if the block fails, it ends and takes its servers with it."""
    demo = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "langnghe", "demo", "--json"),
        *("--data", str(folder), "--port", str(ports.choose()), *arguments),
        env={k: v for k, v in os.environ.items() if k not in {"KAFKA_URL", "MONGO_URL"}},
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        yield demo
    finally:
        if demo.returncode is None:
            demo.terminate()
            await demo.communicate()


async def outcome(demo: Demo) -> dict[str, Any]:
    """Wait for the end and read what was printed."""
    async with asyncio.timeout(240):
        printed, said = await demo.communicate()
    assert demo.returncode == 0, said.decode() + printed.decode()
    values: dict[str, Any] = json.loads(printed)
    return values


async def test_the_failing_office_is_told_and_no_answer_is_lost(tmp_path: Path) -> None:
    async with running(tmp_path / "demo", "--for", "45", "--rate", "40") as demo:
        values = await outcome(demo)
    assert values["lost"] == values["counted_twice"] == values["recount_differences"] == 0
    # Two days of history, and 45 s of live answers without the late and the malformed ones.
    assert values["acknowledged"] > values["counted"] > 45 * 40
    assert values["duplicates"] > 0
    assert values["quarantined"]["late"] > 0
    assert values["refused"] > 0
    assert values["falling"] == FALLING
    assert values["delivered"] == {"email": 1, "webhook": 1}
    assert values["alerts_elsewhere"] == []
    assert values["first_alert_seconds"] > 0
    assert values["visible_seconds"]["answers"] > 45 * 40 * 0.9


async def test_ctrl_c_ends_the_load_and_the_reckoning_follows(tmp_path: Path) -> None:
    async with running(tmp_path / "demo") as demo:
        assert demo.stderr is not None
        async with asyncio.timeout(90):
            while b"answers a second" not in (line := await demo.stderr.readline()):
                assert line, "the demo ended before its load"
        await asyncio.sleep(3)
        demo.send_signal(signal.SIGINT)
        values = await outcome(demo)
    assert values["lost"] == values["counted_twice"] == values["recount_differences"] == 0
    assert values["counted"] > 0
