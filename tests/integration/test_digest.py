"""Mails that tell of several alerts, on real servers: together, and the digest of a day; once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, time, timedelta
from typing import Any
from unittest import mock

import pytest
import pytest_asyncio

from schemas.collections import ALERTS, INDICES, WORKLOADS
from schemas.index import IndexUpdated
from schemas.registry import EntryKind
from schemas.workload import Workload
from services.gateway.registry.store import write
from services.notify.alerts import silences
from services.notify.alerts.silences import Silence
from services.notify.delivery import content, outbox
from services.notify.delivery.content import Digest, Together
from services.notify.delivery.digest import Digests
from services.notify.delivery.gathering import Gathering
from services.notify.rules.kinds import BelowTarget, Drop, Rule
from services.notify.storage import DIGESTS, GATHERED, OUTBOX
from services.runtime.database import Database, Session
from simulator.agency import Agency
from tests.builders import OTHER_UNIT, UNIT, entry, record
from tests.integration.test_notify import BAD, WELL, Office, index, open_office, replied
from tests.servers import Servers
from tests.world import CrashError

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
AT = time(13, 0)
"""An hour after NOW, in Vietnam."""

THIRD = "000.00.22.H26"


@pytest_asyncio.fixture
async def agency() -> AsyncIterator[Agency]:
    agency = Agency("a master key for tests, 32 characters", lambda _: None)
    async with agency.listening():
        yield agency


@pytest_asyncio.fixture
async def office(servers: Servers, database: Database, agency: Agency) -> AsyncIterator[Office]:
    async with open_office(servers, database, agency) as office:
        await write(
            database,
            [
                entry(EntryKind.PROVINCE, "01", email="province@example.vn"),
                entry(EntryKind.UNIT, UNIT, "province:01"),
                entry(EntryKind.UNIT, THIRD, "province:01"),
            ],
        )
        await office.registry.refresh()
        yield office


def rules(low: str = "critical", **changes: Any) -> list[Rule]:
    common = {"scopes": ["unit"], "window": "7d", "for": "0s", "keep_firing_for": "0s", **changes}
    return [
        BelowTarget.model_validate(
            {"id": "low", "kind": "below_target", "target": 80, "severity": low, **common}
        ),
        Drop.model_validate({"id": "soft", "kind": "drop", "severity": "info", **common}),
    ]


def digests(office: Office, by: list[Rule]) -> Digests:
    known = {rule.id: rule for rule in by}
    return Digests(office.database, office.directories, lambda: known, AT, 0.1, office.clock)


async def mails(office: Office) -> list[tuple[str, content.Content]]:
    found = office.database[OUTBOX].find({"channel": "email"}).sort("created_at", 1)
    return [(one["agency"], content.of_document(one)) async for one in found]


def named(events: Any) -> list[tuple[str, str]]:
    return sorted((event.scope, event.state.value) for event in events)


async def test_criticals_of_one_moment_are_one_mail_to_the_agency_above(
    office: Office, agency: Agency
) -> None:
    alerts = office.alerts(rules()[:1])
    gathering = Gathering(office.database, office.directories, MINUTE, office.clock)
    await office.receive(alerts, index(1, BAD))
    office.now += MINUTE / 2
    await office.receive(alerts, index(1, BAD, unit=OTHER_UNIT), index(1, BAD, unit=THIRD))
    await gathering.run()
    assert await mails(office) == []
    office.now += MINUTE / 2
    await asyncio.gather(*(gathering.run() for _ in range(3)))
    ((receiver, told),) = await mails(office)
    assert receiver == "province:01"
    assert isinstance(told, Together)
    assert named(told.events) == [(f"unit:{u}", "firing") for u in (UNIT, OTHER_UNIT, THIRD)]
    await office.sender().run()
    await asyncio.sleep(0.3)
    got = [one for one in agency.deliveries if one.channel == "email"]
    assert sorted(one.scope for one in got) == [f"unit:{u}" for u in (UNIT, OTHER_UNIT, THIRD)]
    assert len({one.id for one in got}) == 1, "one mail"


async def test_what_comes_next_of_an_alert_waits_for_the_mail_before_it(office: Office) -> None:
    alerts = office.alerts(rules()[:1])
    gathering = Gathering(office.database, office.directories, MINUTE, office.clock)
    await office.receive(alerts, index(1, BAD), index(1, BAD, unit=OTHER_UNIT))
    office.now += MINUTE
    await gathering.run()
    await office.receive(alerts, index(2, WELL), index(1, BAD, unit=THIRD))
    office.now += MINUTE
    await gathering.run()
    first, second = await mails(office)
    assert isinstance(first[1], Together)
    assert named([second[1]]) == [(f"unit:{THIRD}", "firing")], "not held up"
    await office.database[OUTBOX].update_many({}, {"$set": {"state": "delivered"}})
    await gathering.run()
    assert named([(await mails(office))[2][1]]) == [(f"unit:{UNIT}", "resolved")]
    assert await office.database[GATHERED].count_documents({}) == 0


async def test_a_crash_of_gathering_loses_nothing_and_tells_nothing_twice(office: Office) -> None:
    alerts = office.alerts(rules()[:1])
    gathering = Gathering(office.database, office.directories, MINUTE, office.clock)
    await office.receive(alerts, index(1, BAD), index(1, BAD, unit=THIRD))
    office.now += MINUTE
    real = outbox.put

    async def dies_after(*given: Any) -> None:
        await real(*given)
        raise CrashError

    for dying in (mock.AsyncMock(side_effect=CrashError), dies_after):
        with mock.patch.object(outbox, "put", dying), pytest.raises(CrashError):
            await gathering.run()
        assert await mails(office) == []
        assert await office.database[GATHERED].count_documents({}) == 2
    await gathering.run()
    await gathering.run()
    assert len(await mails(office)) == 1


async def store(database: Database, *indices: IndexUpdated) -> None:
    """As scoring keeps them."""
    for one in indices:
        document = one.model_dump(mode="json") | {"_id": f"{one.scope}|{one.item}", "kind": "unit"}
        await database[INDICES].insert_one(document)


async def test_a_province_gets_one_digest_of_what_is_soft_and_of_what_nobody_answered(
    office: Office,
) -> None:
    by = rules("warning")
    critical = [rules()[0].model_copy(update={"id": "page", "scopes": ("commune",)})]
    alerts = office.alerts([*by, *critical])
    slight = (8, 7, 3, 52, 30)  # 82 %, after 90 %: looked at, and no fall
    bad = [index(1, BAD), index(1, BAD, unit=OTHER_UNIT)]
    town = index(1, BAD).model_copy(update={"scope": "commune:00004"})
    await store(office.database, *bad, index(1, slight, unit=THIRD))
    await office.receive(alerts, *bad, index(1, slight, unit=THIRD), town)
    await office.receive(alerts, index(2, WELL, unit=OTHER_UNIT))
    made = digests(office, by)
    await made.run()
    assert await office.database[DIGESTS].count_documents({}) == 0, "not yet"
    office.now += HOUR
    await asyncio.gather(*(digests(office, by).run() for _ in range(3)))
    ((receiver, told),) = await mails(office)
    assert receiver == "province:01"
    assert isinstance(told, Digest)
    assert told.day == date(2026, 11, 22)
    assert named(told.unanswered) == [("commune:00004", "firing")]
    assert named(told.opened) == [(f"unit:{UNIT}", "firing")]
    assert named(told.closed) == [(f"unit:{OTHER_UNIT}", "resolved")]
    assert named(one.event for one in told.signals) == [(f"unit:{UNIT}", "firing")], "one is over"
    assert (told.tested, told.rate) == (3, 0.1)

    # What comes after is for tomorrow; what was told is not told again, but for what waits.
    office.now += HOUR
    await office.receive(alerts, index(3, WELL))
    await made.run()
    assert len(await mails(office)) == 1
    office.now += DAY
    await made.run()
    (_, (_, next_)) = await mails(office)
    assert isinstance(next_, Digest)
    assert named(next_.unanswered) == [("commune:00004", "firing")]
    assert (next_.opened, named(next_.closed)) == ((), [(f"unit:{UNIT}", "resolved")])
    assert next_.signals == ()
    document = await office.database[ALERTS].find_one({"rule": "page"})
    assert document is not None
    given = record(replied(document["_id"], "acknowledged", office.now), 0)
    await alerts.handle_replies(0, [given])
    office.now += DAY
    await made.run()
    assert len(await mails(office)) == 2, "a day with nothing to say has no digest"


async def test_webhooks_hear_of_warnings_at_once_and_of_no_digest(
    office: Office, agency: Agency
) -> None:
    url = f"{agency.webhook_url}/unit:{UNIT}"
    await write(office.database, [entry(EntryKind.UNIT, UNIT, "province:01", webhook=url)])
    await office.registry.refresh()
    by = rules("warning")[:1]
    await office.receive(office.alerts(by), index(1, BAD))
    await office.sender().run()
    assert [(one.channel, one.state) for one in agency.deliveries] == [("webhook", "firing")]
    office.now += HOUR
    await digests(office, by).run()
    await office.sender().run()
    found = [one["channel"] async for one in office.database[OUTBOX].find({"content": "digest"})]
    assert found == ["email"]


async def test_what_is_silenced_by_the_time_of_the_digest_is_for_a_later_one(
    office: Office,
) -> None:
    by = rules("warning")[:1]
    alerts = office.alerts(by)
    await office.receive(alerts, index(1, BAD))
    silence = Silence(
        scope="country",
        author="Hoa",
        reason="Nghỉ lễ",
        since=office.now,
        until=office.now + DAY,
    )

    async def work(session: Session) -> None:
        await silences.add(office.database, silence, session)

    await office.database.transaction(work)
    await alerts.tick()
    office.now += HOUR
    await digests(office, by).run()
    assert await mails(office) == []
    office.now += DAY
    await alerts.tick()
    await digests(office, by).run()
    ((_, told),) = await mails(office)
    assert isinstance(told, Digest)
    assert named(told.opened) == [(f"unit:{UNIT}", "firing")]


async def test_agencies_are_told_every_day_who_waits_to_be_called_back(office: Office) -> None:
    url = {"email": "o@example.vn"}
    await write(office.database, [entry(EntryKind.UNIT, UNIT, "province:01", **url)])
    await office.registry.refresh()
    for agency, waiting, late in (
        (f"unit:{UNIT}", 2, 0),
        (f"unit:{OTHER_UNIT}", 1, 1),
        ("province:01", 3, 2),
        ("country", 9, 9),
    ):
        one = Workload(agency=agency, waiting=waiting, late=late).model_dump(mode="json")
        await office.database[WORKLOADS].insert_one({"_id": agency, **one})
    office.now += HOUR
    for day in range(1, 3):
        office.now += DAY
        await digests(office, []).run()
        told = dict((await mails(office))[-2:])
        works = {agency: one.work for agency, one in told.items() if isinstance(one, Digest)}
        assert works == {
            "province:01": Workload(agency="province:01", waiting=4, late=3),
            f"unit:{UNIT}": Workload(agency=f"unit:{UNIT}", waiting=2, late=0),
        }
        assert len(await mails(office)) == 2 * day
    await office.database[WORKLOADS].delete_many({})
    office.now += DAY
    await digests(office, []).run()
    assert len(await mails(office)) == 4


@pytest.mark.parametrize("after", [False, True])
async def test_a_crash_of_the_digest_makes_it_neither_lost_nor_double(
    office: Office, after: bool
) -> None:
    by = rules("warning")[:1]
    await write(office.database, [entry(EntryKind.UNIT, UNIT, "province:01", email="o@example.vn")])
    await office.registry.refresh()
    await office.receive(office.alerts(by), index(1, BAD), index(1, BAD, unit=THIRD))
    office.now += HOUR
    real, calls = outbox.put, 0

    async def dies_at_the_second(*given: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 1 or after:
            await real(*given)
        if calls == 2:
            raise CrashError

    with mock.patch.object(outbox, "put", dies_at_the_second), pytest.raises(CrashError):
        await digests(office, by).run()
    assert [agency for agency, _ in await mails(office)] == ["province:01"]
    for _ in range(2):
        await digests(office, by).run()
    assert sorted(agency for agency, _ in await mails(office)) == ["province:01", f"unit:{UNIT}"]
    assert await office.database[GATHERED].count_documents({}) == 0
