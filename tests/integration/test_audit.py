"""The audit trail against somebody who can write to the database."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from pymongo.errors import DuplicateKeyError

from services.gateway import audit
from services.gateway.audit import ENTRIES, HEAD, Act, Actor, Head
from services.runtime.database import Database, Session
from tests.integration.test_commands import langnghe
from tests.servers import Servers

NOW = datetime(2026, 11, 22, 2, 0, 0, 123456, UTC)
ANALYST = Actor(kind="account", name="an", role="analyst")


async def fill(database: Database, number: int) -> None:
    for which in range(number):
        await audit.note(database, Act(ANALYST, "contact.look", f"r{which}", {"why": "call"}), NOW)


async def test_a_whole_trail_verifies(database: Database) -> None:
    assert await audit.verify(database, None) == (Head(0, "0" * 64), [])
    await fill(database, 5)
    head, problems = await audit.verify(database, None)
    assert (head.number, problems) == (5, [])
    newest = (await audit.entries(database, None, 1))[0]
    assert (newest.about, newest.actor, newest.details) == ("r4", ANALYST, {"why": "call"})
    assert head == (5, newest.hash)
    assert [entry.number for entry in await audit.entries(database, 4, 2)] == [3, 2]


async def test_many_writers_make_one_chain(database: Database) -> None:
    await asyncio.gather(*(fill(database, 5) for _ in range(6)))
    head, problems = await audit.verify(database, None)
    assert (head.number, problems) == (30, [])


async def test_an_entry_shares_the_fate_of_what_it_tells_of(database: Database) -> None:
    done = database["gateway.done"]

    async def work(session: Session) -> tuple[None, Act]:
        await done.insert_one({"_id": "d1"}, session=session)
        return None, Act(ANALYST, "device.revoke", "d1")

    async def abandoned(session: Session) -> tuple[None, Act]:
        await work(session)
        raise LookupError

    with pytest.raises(LookupError):
        await audit.audited(database, abandoned, NOW)
    assert await done.count_documents({}) == 0
    assert await audit.verify(database, None) == (Head(0, "0" * 64), [])

    await database[ENTRIES].insert_one({"_id": 1})  # the number of the next entry is taken
    with pytest.raises(DuplicateKeyError):
        await audit.audited(database, work, NOW)
    assert await done.count_documents({}) == 0


async def change(database: Database) -> None:
    await database[ENTRIES].update_one({"_id": 3}, {"$set": {"actor.name": "somebody else"}})


async def change_with_hash(database: Database) -> None:
    """A forger who knows how hashes are made."""
    await change(database)
    document = await database[ENTRIES].find_one({"_id": 3})
    assert document is not None
    forged = audit.Entry.model_validate(
        {"number": 3, **{k: v for k, v in document.items() if k not in {"_id", "hash"}}}
    )
    await database[ENTRIES].update_one({"_id": 3}, {"$set": {"hash": forged.hash}})


async def remove(database: Database) -> None:
    await database[ENTRIES].delete_one({"_id": 3})


async def remove_newest(database: Database) -> None:
    await database[ENTRIES].delete_one({"_id": 5})


async def swap(database: Database) -> None:
    third = await database[ENTRIES].find_one_and_delete({"_id": 3})
    second = await database[ENTRIES].find_one_and_delete({"_id": 2})
    assert second is not None
    assert third is not None
    await database[ENTRIES].insert_many([{**third, "_id": 2}, {**second, "_id": 3}])


@pytest.mark.parametrize("harm", [change, change_with_hash, remove, remove_newest, swap])
async def test_harm_is_found(
    database: Database, harm: Callable[[Database], Awaitable[None]]
) -> None:
    await fill(database, 5)
    await harm(database)
    _, problems = await audit.verify(database, None)
    assert problems


async def test_a_logged_head_shows_a_cut_that_covers_its_tracks(
    database: Database, servers: Servers
) -> None:
    await fill(database, 5)
    logged, _ = await audit.verify(database, None)
    await database[ENTRIES].delete_many({"_id": {"$gt": 3}})
    third = await database[ENTRIES].find_one({"_id": 3})
    assert third is not None
    await database[HEAD].update_one({"_id": "head"}, {"$set": {"number": 3, "hash": third["hash"]}})
    assert (await audit.verify(database, None))[1] == []

    said = await langnghe("audit", "verify", "--head", str(logged), **servers.environment())
    assert said.code == 1
    assert "entry 5 is not the one that was logged" in said.notes
    said = await langnghe("audit", "verify", **servers.environment())
    assert said.code == 0
    assert said.out.startswith("3 entries, head 3:")
    said = await langnghe("audit", "verify", "--head", "5", **servers.environment())
    assert said.code == 2
    said = await langnghe("audit", "list", **servers.environment())
    assert said.out.splitlines()[0].split() == [
        *("3", "2026-11-22", "09:00:00", "an", "(analyst)", "contact.look", "r2", "why=call")
    ]
