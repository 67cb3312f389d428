"""`langnghe up` itself: twice on one folder, killed, stopped."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import psutil

from deploy.local import ports
from schemas.collections import TALLIES
from services.gateway.registry.store import write
from services.runtime.database import Database
from tests.builders import UNIT, response, small_registry
from tests.devices import enrolled, hand_in
from tests.servers import eventually

Up = asyncio.subprocess.Process
READY = "ready; Ctrl-C stops everything"


async def start(folder: Path) -> Up:
    """Run `langnghe up` until it says that it is ready."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "langnghe", "up"),
        *("--data", str(folder), "--port", str(ports.choose())),
        env={k: v for k, v in os.environ.items() if k not in {"KAFKA_URL", "MONGO_URL"}},
        stdout=PIPE,
        stderr=asyncio.subprocess.STDOUT,
        # Whoever starts the tests with `&` hands down that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    said: list[str] = []
    async with asyncio.timeout(90):
        while line := (await process.stdout.readline()).decode():
            said.append(line)
            if READY in line:
                return process
    raise AssertionError("".join(said))


async def finish(process: Up, number: signal.Signals) -> int:
    """Signal, read what is still said, wait."""
    process.send_signal(number)
    async with asyncio.timeout(60):
        await process.communicate()
    assert process.returncode is not None
    return process.returncode


@asynccontextmanager
async def up(folder: Path) -> AsyncIterator[Up]:
    process = await start(folder)
    try:
        yield process
    finally:
        if process.returncode is None:
            await finish(process, signal.SIGTERM)


def state(folder: Path) -> dict[str, object]:
    values: dict[str, object] = json.loads((folder / "stack.json").read_text())
    return values


def alive(values: dict[str, object]) -> set[str]:
    """Which recorded processes still run."""
    found: set[str] = set()
    processes = values["processes"]
    assert isinstance(processes, dict)
    for name, known in processes.items():
        if psutil.pid_exists(known["pid"]):
            status = psutil.Process(known["pid"]).status()
            if status != psutil.STATUS_ZOMBIE:
                found.add(name)
    return found


async def test_a_second_up_on_the_same_data_says_so_and_harms_nothing(tmp_path: Path) -> None:
    async with up(tmp_path):
        second = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "langnghe", "up", "--data", str(tmp_path)),
            stdout=PIPE,
            stderr=PIPE,
        )
        _, said = await second.communicate()
        assert second.returncode == 3
        assert b"in use by process" in said
        assert str(state(tmp_path)["gateway_url"]).encode() in said
        async with aiohttp.ClientSession() as session:
            operations = state(tmp_path)["operations"]
            assert isinstance(operations, dict)
            for url in operations.values():
                async with session.get(f"{url}/health/ready") as answer:
                    assert answer.status == 200


async def test_ctrl_c_stops_everything_cleanly(tmp_path: Path) -> None:
    process = await start(tmp_path)
    before = state(tmp_path)
    assert len(alive(before)) == 6
    assert await finish(process, signal.SIGINT) == 0
    assert alive(before) == set()


async def test_who_is_tired_of_waiting_leaves_nothing_running(tmp_path: Path) -> None:
    process = await start(tmp_path)
    before = state(tmp_path)
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    while b"stopping" not in (line := await process.stdout.readline()):
        assert line, "it ended before the second Ctrl-C"
    assert await finish(process, signal.SIGINT) == 0
    assert alive(before) == set()


async def test_ctrl_c_again_and_again_leaves_nothing_running(tmp_path: Path) -> None:
    process = await start(tmp_path)
    before = state(tmp_path)
    reading = asyncio.create_task(process.communicate())
    async with asyncio.timeout(60):
        while not reading.done():
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
            await asyncio.sleep(0.005)
    assert alive(before) == set()


async def test_after_a_kill_the_next_up_clears_what_was_left_and_keeps_the_data(
    tmp_path: Path,
) -> None:
    process = await start(tmp_path)
    before = state(tmp_path)
    database = Database(str(before["mongo_url"]), "langnghe", application="test")
    await write(database, small_registry())
    signer = await enrolled(database)
    database.close()
    url = str(before["gateway_url"])
    async with aiohttp.ClientSession() as session:
        body = [response(occurred_at="2026-11-22T09:00:00+07:00", channel="import")]
        assert await hand_in(session, url, signer, *body) == 202
    process.kill()
    await process.wait()
    assert len(alive(before)) == 6, "children outlive a killed parent"
    async with up(tmp_path):
        assert alive(before) == set()
        database = Database(str(state(tmp_path)["mongo_url"]), "langnghe", application="test")

        async def counted() -> bool:
            # One answer is too few for the gateway to show.
            days = database[TALLIES].find({"scope": f"unit:{UNIT}"})
            return [day["n5"] for day in await days.to_list(None)] == [1]

        await eventually(counted, "the answer from before the kill is counted")
        database.close()
