"""What lies behind today is summed up once a day, and never hides what moved there."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pytest

from method import index
from method.definition import WindowLength, definition_on
from method.period import local_hour_start
from method.window import Segment
from schemas.collections import INDICES, TALLIES
from services.runtime.database import Collection, Database
from services.scoring import past
from services.scoring.applying import NOTHING_APPLIED
from services.scoring.indices import refresh_indices
from services.scoring.ledger import Ledger
from services.scoring.storage import PASTS
from services.scoring.tallies import refresh_tallies
from services.scoring.touched import touched_since
from tests.builders import ABOVE, NOW, OTHER_UNIT, UNIT, accepted, records

YESTERDAY = NOW - timedelta(days=1)
OLD = NOW - timedelta(days=5)
SCOPES = [f"unit:{UNIT}", *ABOVE]


class Answers:
    """Answers of one office, counted and in the tallies; indices do not follow by themselves."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ledger = Ledger(database)
        self._given = 0

    async def give(self, *moments: datetime) -> str:
        """Answers of these moments; the oldest local day that has moved."""
        first, self._given = self._given, self._given + len(moments)
        events = [
            accepted(first + number, occurred_at=moment, received_at=moment)
            for number, moment in enumerate(moments)
        ]
        await self._ledger.handle(0, records(events, first=first))
        before = first - 1 if first else NOTHING_APPLIED
        touched = await touched_since(self._database, 0, before, max(NOW, *moments))
        await refresh_tallies(self._database, touched)
        return min(touched.days)


@pytest.fixture
def answers(database: Database) -> Answers:
    return Answers(database)


def cut_at(now: datetime) -> list[Segment]:
    return index.windows_at(local_hour_start(now)).segments


async def sevens(database: Database) -> set[int]:
    """How many answers the windows of seven days have, of all scopes."""
    return {
        found["windows"]["7d"]["current"]["n"]
        async for found in database[INDICES].find({"scope": {"$in": SCOPES}})
    }


async def test_earlier_days_are_summed_up_once_a_day(database: Database, answers: Answers) -> None:
    await refresh_indices(database, SCOPES, NOW, await answers.give(OLD, YESTERDAY, NOW))
    assert await sevens(database) == {3}
    with mock.patch.object(past, "renew", side_effect=AssertionError):
        await refresh_indices(database, SCOPES, NOW, await answers.give(NOW, NOW))
        assert await sevens(database) == {5}
        await refresh_indices(database, SCOPES, NOW + timedelta(hours=3))
        assert await sevens(database) == {5}


async def test_a_late_answer_is_in_its_own_day(database: Database, answers: Answers) -> None:
    await refresh_indices(database, SCOPES, NOW, await answers.give(OLD, NOW))
    await refresh_indices(database, SCOPES, NOW, await answers.give(YESTERDAY))
    assert await sevens(database) == {3}
    newest = database[INDICES].find({"scope": {"$in": SCOPES}})
    assert {found["latest_occurred_at"] async for found in newest} == {NOW}


async def test_days_become_earlier_days_and_leave_the_window(
    database: Database, answers: Answers
) -> None:
    await refresh_indices(database, SCOPES, NOW, await answers.give(OLD, YESTERDAY, NOW))
    for days, expected in ((1, 3), (2, 2), (5, 2), (6, 1), (7, 0)):
        await refresh_indices(database, SCOPES, NOW + timedelta(days=days))
        assert await sevens(database) == {expected}, days


async def test_clocks_that_stand_at_different_days_do_not_mix(
    database: Database, answers: Answers
) -> None:
    """About midnight two processes may believe in different days."""
    oldest = await answers.give(OLD, YESTERDAY, NOW, NOW + timedelta(days=1))
    tomorrow = NOW + timedelta(days=1)
    for now, expected in ((NOW, 3), (tomorrow, 4), (NOW, 3), (tomorrow, 4)):
        await refresh_indices(database, SCOPES, now, oldest)
        assert await sevens(database) == {expected}
        await refresh_indices(database, SCOPES, now)
        assert await sevens(database) == {expected}


@pytest.mark.parametrize("ahead", ["has kept", "will keep"])
async def test_a_process_whose_clock_is_ahead_misses_nothing_of_the_day_that_ends(
    database: Database, answers: Answers, ahead: str
) -> None:
    """It sums today up as an earlier day, while an answer of today is still refreshed by another.

    It has read the tallies before they moved; what it keeps of them is written before the other
    looks, or after.
    """
    tomorrow = NOW + timedelta(days=1)
    await refresh_indices(database, SCOPES, NOW, await answers.give(OLD, YESTERDAY))
    real = database[PASTS].bulk_write
    late: list[Callable[[], Awaitable[object]]] = []

    async def overtaken(_: Collection, *given: Any, **named: Any) -> None:
        late.append(lambda: real(*given, **named))
        if ahead == "has kept":
            await late.pop()()

    with mock.patch.object(type(database[PASTS]), "bulk_write", overtaken):
        await past.renew(database, SCOPES, cut_at(tomorrow))
    # Of an office that nobody has asked for yet, by a process whose clock is right.
    await past.renew(database, [f"unit:{OTHER_UNIT}"], cut_at(NOW))
    await refresh_indices(database, SCOPES, NOW, await answers.give(NOW))
    for write in late:
        await write()
    await refresh_indices(database, SCOPES, tomorrow)
    assert await sevens(database) == {3}


@pytest.fixture
def shorter_weeks() -> Iterator[Callable[[], AbstractContextManager[object]]]:
    """Lets a window of seven days have three."""
    now = definition_on(NOW.date())
    three = now.model_copy(update={"windows": now.windows | {"7d": WindowLength(days=3)}})

    def changed() -> AbstractContextManager[object]:
        index.windows_at.cache_clear()
        return mock.patch.object(index, "definition_on", return_value=three)

    yield changed
    index.windows_at.cache_clear()


async def test_other_windows_are_cut_anew(
    database: Database,
    answers: Answers,
    shorter_weeks: Callable[[], AbstractContextManager[object]],
) -> None:
    """A definition may change with a new release, in the middle of a day."""
    await refresh_indices(database, SCOPES, NOW, await answers.give(OLD, YESTERDAY, NOW))
    with shorter_weeks():
        await refresh_indices(database, SCOPES, NOW)
        assert await sevens(database) == {2}


async def test_an_older_sum_never_takes_the_place_of_a_newer_one(
    database: Database, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was slow read the tallies before they moved."""
    await refresh_indices(database, SCOPES, NOW, await answers.give(OLD, YESTERDAY, NOW))
    before = [document async for document in database[PASTS].find()]
    real = Database.logical_time

    async def long_ago(self: Database) -> int:
        return await real(self) - (1 << 40)

    monkeypatch.setattr(Database, "logical_time", long_ago)
    await database[TALLIES].update_many({}, {"$set": {"n5": 77}})
    await refresh_indices(database, SCOPES, NOW, "2026-11-21")
    assert [document async for document in database[PASTS].find()] == before


@pytest.mark.parametrize("reading_of_the_time", [1, 2])
async def test_who_made_indices_of_an_older_past_meanwhile_is_corrected(
    database: Database, answers: Answers, reading_of_the_time: int
) -> None:
    """Another process computes the same indices while an earlier day moves."""
    await refresh_indices(database, SCOPES, NOW, await answers.give(OLD, NOW))
    oldest = await answers.give(YESTERDAY)
    real, readings = Database.logical_time, 0

    async def overtaken(self: Database) -> int:
        nonlocal readings
        readings += 1
        time, here = await real(self), readings == reading_of_the_time
        if here:
            # Something is written all the time; without it both had the same version.
            await answers.give(NOW)
            await refresh_indices(database, SCOPES, NOW)
        return time

    with mock.patch.object(Database, "logical_time", overtaken):
        await refresh_indices(database, SCOPES, NOW, oldest)
    assert await sevens(database) == {4}
