"""`langnghe quarantine` as an operator runs it, on records that a running ingest set aside."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from langnghe.quarantine import acting
from schemas.collections import QUARANTINE, RESPONSES
from schemas.feedback import FeedbackSubmitted
from schemas.registry import EntryKind
from schemas.topics import FEEDBACK_SUBMITTED
from services.gateway import audit
from services.gateway.registry.store import write
from services.ingest import resolution
from services.ingest.main import build
from services.ingest.settings import IngestSettings
from services.runtime.database import Database, Document
from tests.builders import NOW, entry, load_small_registry, submitted
from tests.integration.test_commands import Said
from tests.integration.test_commands import langnghe as run
from tests.servers import DATABASE, Servers, eventually, published
from tests.world import CrashError

NEW_UNIT = "000.00.77.H26"
SAID = "Cán bộ chậm"


class Desk:
    """An operator beside an ingest that runs."""

    def __init__(self, servers: Servers, database: Database) -> None:
        self.servers = servers
        self.database = database

    async def langnghe(self, *arguments: str | Path, **environment: str) -> Said:
        return await run("quarantine", *arguments, **self.servers.environment() | environment)

    async def submit(self, value: FeedbackSubmitted | bytes) -> None:
        """A record straight on the topic."""
        producer = AIOKafkaProducer(bootstrap_servers=self.servers.kafka_url)
        await producer.start()
        try:
            data = value if isinstance(value, bytes) else value.to_json()
            await producer.send_and_wait(FEEDBACK_SUBMITTED.name, data, partition=0)
        finally:
            await producer.stop()

    async def aside(self, count: int) -> list[Document]:
        """All records that were set aside, oldest first, once there are so many."""

        async def there() -> bool:
            return await self.database[QUARANTINE].count_documents({}) == count

        await eventually(there, f"{count} records are set aside")
        return await self.database[QUARANTINE].find({}).sort("quarantined_at", 1).to_list(None)

    async def counted(self, event: FeedbackSubmitted, copies: int = 0) -> Document:
        """The stored response of an event, once it and its copies have come."""
        query: dict[str, Any] = {"_id": event.id}
        if copies:
            query["copies"] = {"$size": copies}

        async def there() -> bool:
            return await self.database[RESPONSES].count_documents(query) == 1

        await eventually(there, "the response counts")
        document = await self.database[RESPONSES].find_one(query)
        assert document is not None
        return document

    async def register(self) -> None:
        await write(self.database, [entry(EntryKind.UNIT, NEW_UNIT, "province:01")])

    async def on_topic(self) -> int:
        found = [await published(self.servers, FEEDBACK_SUBMITTED.name, p) for p in range(4)]
        return sum(map(len, found))

    async def trail(self) -> list[tuple[str, str]]:
        """What was done to what, oldest first."""
        assert (await audit.verify(self.database, None))[1] == []
        found = await audit.entries(self.database, None, 100)
        return [(one.action, one.about) for one in reversed(found)]


@pytest_asyncio.fixture
async def desk(servers: Servers, database: Database) -> AsyncIterator[Desk]:
    await load_small_registry(database)
    where = {"KAFKA_URL": servers.kafka_url, "MONGO_URL": servers.mongo_url, "database": DATABASE}
    async with build(IngestSettings.model_validate(where)).running():
        yield Desk(servers, database)


async def test_list_tells_how_many_wait_and_which(desk: Desk) -> None:
    said = await desk.langnghe("list")
    assert (said.code, said.out) == (0, "")
    for _ in range(2):
        await desk.submit(submitted(unit=NEW_UNIT, comment=SAID))
    await desk.submit(b'{"id": "\x1b[2J')
    kept = await desk.aside(3)
    said = await desk.langnghe("list")
    assert [line.split()[:2] for line in said.out.splitlines()] == [
        ["2", "unknown_unit"],
        ["1", "malformed"],
    ]
    assert "Đơn vị không có trong danh mục / The unit is not in the registry" in said.out
    assert json.loads((await desk.langnghe("list", "--json")).out) == {
        "unknown_unit": 2,
        "malformed": 1,
    }
    said = await desk.langnghe("list", "--reason", "unknown_unit", "--limit", "1")
    (line,) = said.out.splitlines()
    identity, day, _, unit, reason, rule = line.split(maxsplit=5)
    assert identity in {one["_id"] for one in kept}
    assert (unit, reason, rule) == (NEW_UNIT, "unknown_unit", "unit: must be in the registry")
    assert len(day) == 10
    said = await desk.langnghe("list", "--unit", NEW_UNIT, "--json")
    found = json.loads(said.out)
    assert len(found) == 2
    assert found[0]["violations"] == [{"field": "unit", "rule": "must be in the registry"}]
    assert SAID not in said.out
    assert await desk.trail() == [], "nobody saw what a citizen wrote"


async def test_show_is_a_look_that_is_written_down(desk: Desk) -> None:
    await desk.submit(submitted(unit=NEW_UNIT, comment=SAID))
    await desk.submit(b'{"id": "\x1b[2J')
    good, bad = await desk.aside(2)
    said = await desk.langnghe("show", good["_id"])
    assert said.code == 0
    assert f'"comment": "{SAID}"' in said.out
    assert "unit: must be in the registry" in said.out
    assert "audit head 1:" in said.notes, "it can be held against the trail"
    said = await desk.langnghe("show", bad["_id"])
    assert '{"id": "\\x1b[2J' in said.out
    assert "\x1b" not in said.out, "a record steers no terminal"
    said = await desk.langnghe("show", "feedback.submitted.v1/0/99")
    assert (said.code, "no such record" in said.notes) == (2, True)
    looks = [("quarantine.look", good["_id"]), ("quarantine.look", bad["_id"])]
    assert await desk.trail() == looks


async def test_a_replayed_record_counts_once_with_its_own_id_and_time_of_receipt(
    desk: Desk,
) -> None:
    # It was in time when it was received, a year ago.
    then = NOW - timedelta(days=365)
    event = submitted(
        unit=NEW_UNIT, occurred_at=then.isoformat(), received_at=then.isoformat(), comment=SAID
    )
    await desk.submit(event)
    (first,) = await desk.aside(1)
    # Too early: the registry does not know the unit yet, so it is set aside anew.
    said = await desk.langnghe("replay", first["_id"])
    assert (said.code, said.out) == (0, f"{first['_id']}: sent again\n")
    _, second = await desk.aside(2)
    said = await desk.langnghe("replay", first["_id"])
    assert said.code == 2
    assert "was replayed on" in said.notes
    await desk.register()
    assert (await desk.langnghe("replay", "--reason", "unknown_unit")).code == 0
    stored = await desk.counted(event)
    assert (stored["received_at"], stored["comment"]) == (event.received_at, SAID)
    for one in await desk.aside(2):
        assert one["resolution"]["kind"] == "replayed"
        assert one["resolution"]["edited"] is False
    assert await desk.on_topic() == 3
    replays = [("quarantine.replay", first["_id"]), ("quarantine.replay", second["_id"])]
    assert await desk.trail() == replays
    assert (await desk.langnghe("list")).out == ""


async def test_a_crash_between_sending_and_marking_counts_nothing_twice(desk: Desk) -> None:
    event = submitted(unit=NEW_UNIT)
    await desk.submit(event)
    (kept,) = await desk.aside(1)
    await desk.register()
    aside = resolution.Aside.of(kept)
    with (
        mock.patch.object(resolution, "resolve", side_effect=CrashError),
        pytest.raises(CrashError),
    ):
        await acting.replay(desk.database, desk.servers.settings(), [(aside, event)], edited=False)
    await desk.counted(event)
    assert await desk.trail() == [], "neither mark nor entry"
    assert (await desk.langnghe("replay", kept["_id"])).code == 0
    await desk.counted(event, copies=1)
    (kept,) = await desk.aside(1)
    assert kept["resolution"]["kind"] == "replayed"
    assert await desk.trail() == [("quarantine.replay", kept["_id"])]


async def test_what_is_no_valid_response_is_named_and_not_sent(desk: Desk, tmp_path: Path) -> None:
    event = submitted(answers={"overall": 4})
    value = json.loads(event.to_json())
    await desk.submit(json.dumps(value | {"answers": {"overall": 9}}).encode())
    (kept,) = await desk.aside(1)
    assert kept["reason"] == "malformed"
    said = await desk.langnghe("replay", kept["_id"])
    assert said.code == 1
    assert "answers.overall: Input should be less than or equal to 5" in said.notes
    file = tmp_path / "edited.json"
    later = NOW + timedelta(hours=1)
    for name, other in (("received_at", later.isoformat()), ("id", str(submitted().id))):
        file.write_text(json.dumps(value | {name: other}), encoding="utf-8")
        said = await desk.langnghe("replay", kept["_id"], "--file", file)
        assert said.code == 1
        assert f"{name}: must stay as it came" in said.notes
    assert await desk.on_topic() == 1, "nothing was sent"
    assert await desk.trail() == []
    file.write_text(json.dumps(value), encoding="utf-8")
    assert (await desk.langnghe("replay", kept["_id"], "--file", file)).code == 0
    assert (await desk.counted(event))["answers"] == {"overall": 4}
    (kept,) = await desk.aside(1)
    assert kept["resolution"]["edited"] is True
    assert b'"overall": 9' in kept["value"], "the record stays as it came"


async def test_an_id_that_was_the_fault_may_be_mended(desk: Desk, tmp_path: Path) -> None:
    event = submitted()
    value = json.loads(event.to_json())
    await desk.submit(json.dumps(value | {"id": "17"}).encode())
    (kept,) = await desk.aside(1)
    file = tmp_path / "edited.json"
    file.write_text(json.dumps(value), encoding="utf-8")
    assert (await desk.langnghe("replay", kept["_id"], "--file", file)).code == 0
    await desk.counted(event)


async def test_a_record_is_edited_in_the_operators_editor(desk: Desk, tmp_path: Path) -> None:
    event = submitted(unit=NEW_UNIT)
    await desk.submit(event)
    (kept,) = await desk.aside(1)
    left = tmp_path / "seen"
    editor = tmp_path / "editor.sh"
    editor.write_text(f'sed -i s/000.00.77/000.00.19/ "$1"\necho "$1" > {left}\n', encoding="utf-8")
    said = await desk.langnghe("replay", kept["_id"], "--edit", EDITOR=f"sh {editor}")
    assert said.code == 0, said
    assert (await desk.counted(event))["unit"] == "000.00.19.H26"
    file = Path(left.read_text().strip())
    assert not await asyncio.to_thread(file.exists), "what a citizen wrote is not left about"
    assert [action for action, _ in await desk.trail()] == ["quarantine.look", "quarantine.replay"]
    await desk.submit(submitted(unit=NEW_UNIT))
    _, kept = await desk.aside(2)
    said = await desk.langnghe("replay", kept["_id"], "--edit", EDITOR="/nowhere/vi")
    assert said.code == 2
    assert "EDITOR" in said.notes


async def test_a_discarded_record_is_kept_with_the_reason(desk: Desk) -> None:
    await desk.submit(b"nonsense")
    (kept,) = await desk.aside(1)
    assert (await desk.langnghe("discard", kept["_id"], "--why", " ")).code == 2
    said = await desk.langnghe("discard", kept["_id"], "--why", "sent by a test bench")
    assert (said.code, said.out) == (0, f"{kept['_id']}: discarded\n")
    (kept,) = await desk.aside(1)
    assert kept["value"] == b"nonsense"
    assert kept["resolution"]["why"] == "sent by a test bench"
    assert "discarded on" in (await desk.langnghe("show", kept["_id"])).out
    for again in (("replay", kept["_id"]), ("discard", kept["_id"], "--why", "x")):
        said = await desk.langnghe(*again)
        assert (said.code, "was discarded on" in said.notes) == (2, True)
    (entry_, *_) = await audit.entries(desk.database, 2, 1)
    assert (entry_.action, entry_.details) == (
        "quarantine.discard",
        {"why": "sent by a test bench"},
    )


async def test_two_operators_at_once_count_nothing_twice(desk: Desk) -> None:
    event = submitted(unit=NEW_UNIT)
    await desk.submit(event)
    (kept,) = await desk.aside(1)
    stale = resolution.Aside.of(kept)
    await desk.register()
    both = await asyncio.gather(*(desk.langnghe("replay", kept["_id"]) for _ in range(2)))
    assert {said.code for said in both} <= {0, 2}
    assert 0 in {said.code for said in both}
    await desk.counted(event)
    (kept,) = await desk.aside(1)
    assert kept["resolution"]["kind"] == "replayed"
    assert len(await desk.trail()) == [said.code for said in both].count(0)
    # One who looked before the other was done changes what was written down no more.
    await acting.discard(desk.database, [stale], "too late")
    assert (await desk.aside(1))[0]["resolution"] == kept["resolution"]


async def test_while_kafka_is_away_a_record_stays_open(desk: Desk) -> None:
    await desk.submit(submitted(unit=NEW_UNIT))
    (kept,) = await desk.aside(1)
    said = await desk.langnghe("replay", kept["_id"], KAFKA_URL="127.0.0.1:9")
    assert said.code == 1
    assert said.notes.strip()
    (kept,) = await desk.aside(1)
    assert "resolution" not in kept


@pytest.mark.parametrize(
    "arguments",
    [
        ("replay",),
        ("replay", "a/0/1", "--reason", "late"),
        ("replay", "--reason", "late", "--edit"),
        ("replay", "a/0/1", "b/0/1", "--edit"),
        ("replay", "a/0/1"),
        ("discard", "a/0/1", "--why", "it is not there"),
        ("discard", "a/0/1"),
        ("list", "--reason", "mood"),
        ("show",),
    ],
    ids=" ".join,
)
async def test_a_wrong_call_is_explained(servers: Servers, arguments: tuple[str, ...]) -> None:
    said = await run("quarantine", *arguments, **servers.environment())
    assert said.code == 2
    assert said.notes.strip()
    assert said.out == ""
