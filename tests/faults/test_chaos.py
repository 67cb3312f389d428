"""A short run of chaos: everything that can be done to the system, each once, while kiosks send."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from langnghe.chaos.schedule import LASTS


@pytest.mark.timeout(600)
async def test_whatever_is_done_to_it_every_answer_is_counted_once(tmp_path: Path) -> None:
    chaos = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "langnghe", "chaos", "--json", "--seed", "11"),
        *("--events", "6000", "--faults", str(len(LASTS)), "--data", str(tmp_path / "chaos")),
        env={k: v for k, v in os.environ.items() if k not in {"KAFKA_URL", "MONGO_URL"}},
        stdout=PIPE,
        stderr=PIPE,
    )
    printed, said = await chaos.communicate()
    assert chaos.returncode == 0, printed.decode() + said.decode()[-20_000:]
    outcome = json.loads(printed)
    wrong = ("lost", "counted_twice", "out_of_place", "phantom", "unacknowledged")
    assert {name: outcome[name] for name in wrong} == dict.fromkeys(wrong, 0)
    assert outcome["recount_differences"] == []
    assert outcome["alerts"] == {"expected": 3, "missed": [], "elsewhere": [], "two_ids": []}
    assert len(outcome["schedule"]) == len(LASTS)
    assert outcome["counted"] > 5000
    assert outcome["duplicates"] > 0
    assert outcome["refused"] > 0
