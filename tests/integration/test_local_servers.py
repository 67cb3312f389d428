"""Servers of tests that end in the middle of them: a failed test says which, and why."""

import signal
from pathlib import Path

import pytest

from deploy.local.servers import local_servers
from tests.servers import Servers, eventually, reset


@pytest.mark.parametrize(
    ("which", "blow", "words"),
    [
        pytest.param("kafka", signal.SIGKILL, "kafka ended by itself, with -9", id="kafka"),
        pytest.param("mongo", signal.SIGABRT, "Got signal: 6", id="mongod"),
    ],
)
async def test_a_server_that_ended_by_itself_is_named_with_its_last_words(
    tmp_path: Path, which: str, blow: signal.Signals, words: str
) -> None:
    async with local_servers(tmp_path) as local:
        assert local.ended() is None
        getattr(local, which).process.signal(blow)

        async def gone() -> bool:
            return local.ended() is not None

        await eventually(gone, f"{which} ends")
        servers = Servers(local.kafka.url, local.mongo.url, local.ended)
        with pytest.raises(pytest.fail.Exception, match=words) as told:
            await reset(servers)
    assert len(str(told.value).splitlines()) > 1
