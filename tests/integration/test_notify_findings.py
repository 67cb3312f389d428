"""What agencies are told beside the figures, on what scoring counted and ingest kept."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from uuid import uuid4

import pytest

from method.period import LOCAL_ZONE, local_day
from schemas.alert import AlertChanged, AlertState
from schemas.base import read
from schemas.collections import ALERTS, VOICES
from schemas.index import ChangeFigures, IndexUpdated
from schemas.topics import ALERT_CHANGED
from services.notify.rules.kinds import Change
from services.notify.storage import OUTBOX
from services.runtime.database import Database
from simulator.agency import Agency
from tests.builders import NOW, UNIT, records
from tests.counted import answers, count
from tests.integration.test_notify import (
    BAD,
    Office,
    agency,
    index,
    office,
    replied,
    settle,
    strict,
)
from tests.servers import Servers, published

__all__ = ["agency", "office"]

BEGAN = datetime.combine(local_day(NOW) - timedelta(days=2), time(8), LOCAL_ZONE)
CHANGE = Change.model_validate(
    {
        "id": "change",
        "kind": "change",
        "window": "7d",
        "for": "0s",
        "keep_firing_for": "1h",
        "severity": "critical",
        "false_alarm_every": "1200d",
    }
)
QUESTIONS = ("access", "civil_servants", "procedures")


def given() -> Iterator[tuple[datetime, dict[str, int]]]:
    """Ten good days, then two at which the clerks of the hour from nine displease."""
    for days_ago in range(12, 0, -1):
        day = local_day(NOW) - timedelta(days=days_ago)
        for number in range(20):
            bad = days_ago <= 2 and number % 2 == 1
            levels = dict.fromkeys(QUESTIONS, 2 if days_ago > 2 and number == 0 else 5)
            if bad:
                levels["civil_servants"] = 1
            moment = datetime.combine(day, time(9 if number % 2 else 14, number), LOCAL_ZONE)
            yield moment, {"overall": 1 if bad else 5} | levels


def fallen(version: int = 1) -> IndexUpdated:
    chart = ChangeFigures(statistic=14.0, usual=95.0, since=BEGAN, n=40, unsatisfied=20)
    return index(version, BAD).model_copy(update={"change": chart})


async def voices(database: Database, *said: tuple[str, datetime]) -> None:
    kept = [{"id": uuid4(), "at": at, "level": 1, "comment": text} for text, at in said]
    await database[VOICES].replace_one({"_id": UNIT}, {"voices": kept}, upsert=True)


def mails(agency: Agency) -> list[str]:
    return [one.text for one in agency.deliveries if one.channel == "email"]


async def test_an_agency_is_told_how_sure_where_and_what_citizens_wrote(
    office: Office, agency: Agency, servers: Servers
) -> None:
    await count(office.database, answers(given()), NOW)
    await voices(
        office.database,
        *((f"ý kiến {number}", BEGAN + timedelta(hours=9 - number)) for number in range(4)),
        ("chuyện cũ", BEGAN - timedelta(hours=1)),
    )
    await office.receive(office.alerts([CHANGE]), fallen())
    await office.sender().run()
    await settle()
    (text,) = mails(agency)
    for part in (
        "khoảng 1200 ngày một lần",
        "- Công chức giải quyết công việc: 50,0 % không hài lòng trong 40 lượt (trước đó 5,0 %)",
        "- 09:00–09:59: 100,0 % không hài lòng trong 20 lượt (các giờ khác 0,0 %)",
        "- “ý kiến 0”",
        "- “ý kiến 2”",
        "- The civil servants who handled it: 50.0% not satisfied of 40 answers (before: 5.0%)",
    ):
        assert part in text, part
    for part in ("ý kiến 3", "chuyện cũ", "Tiếp cận dịch vụ", "14:00"):
        assert part not in text, part
    (alert,) = [one async for one in office.database[ALERTS].find({})]
    assert read(AlertChanged, (await published(servers, ALERT_CHANGED.name, 0))[0].value or b"")
    on_topic = [one.value or b"" for one in await published(servers, ALERT_CHANGED.name, 0)]
    assert all("ý kiến".encode() not in value for value in on_topic)
    assert all(b"civil_servants" not in value for value in on_topic)
    (moment,) = alert["history"]
    assert (moment["state"], moment["told"]) == ("firing", [f"unit:{UNIT}"])
    assert datetime.fromisoformat(alert["event"]["began_at"]) == BEGAN


async def test_a_message_that_is_tried_again_says_the_same(office: Office, agency: Agency) -> None:
    await voices(office.database, ("lời đầu", BEGAN + timedelta(hours=1)))
    await office.receive(office.alerts([CHANGE]), fallen())
    channels = dict(office.channels)
    office.channels = {}  # nothing gets out yet: our code raises, and it waits
    await office.sender().run()
    assert mails(agency) == []
    await voices(office.database, ("lời sau", BEGAN + timedelta(hours=2)))
    office.channels = channels
    office.now = NOW + timedelta(minutes=10)
    await office.sender().run()
    await settle()
    (text,) = mails(agency)
    assert "lời đầu" in text
    assert "lời sau" not in text


async def test_where_nothing_stands_out_nothing_is_said(office: Office, agency: Agency) -> None:
    await office.receive(office.alerts([CHANGE]), fallen())
    await office.sender().run()
    await settle()
    (text,) = mails(agency)
    for words in ("nổi bật", "Người dân viết", "stand out", "Citizens wrote"):
        assert words not in text


async def test_evidence_that_our_code_cannot_read_keeps_no_alert_from_being_told(
    office: Office, agency: Agency, caplog: pytest.LogCaptureFixture
) -> None:
    broken = {"voices": [{"at": BEGAN, "comment": "chờ lâu", "other": "x"}]}
    await office.database[VOICES].insert_one({"_id": UNIT, **broken})
    await office.receive(office.alerts([CHANGE]), fallen())
    await office.sender().run()
    await settle()
    (text,) = mails(agency)
    assert "Mức thường thấy tại đây: 95,0 %" in text
    assert "told without its evidence: ValidationError" in caplog.text
    assert "chờ lâu" not in text + caplog.text


async def test_the_level_above_is_told_what_there_is_by_then_and_recovery_quotes_nobody(
    office: Office,
) -> None:
    (rule,) = strict()
    alerts = office.alerts([rule.model_copy(update={"for_": timedelta(0)})])
    await office.receive(alerts, index(1, BAD))
    office.now = NOW + timedelta(days=2)
    await voices(office.database, ("vẫn thế", NOW + timedelta(days=1)))
    await alerts.tick()
    (document,) = [one async for one in office.database[ALERTS].find({})]
    # The window of the rule began at the local midnight of six days before.
    began = datetime.combine(local_day(NOW) - timedelta(days=6), time(), LOCAL_ZONE)
    assert datetime.fromisoformat(document["event"]["began_at"]) == began
    assert [(m["state"], m["escalated"]) for m in document["history"]] == [
        ("firing", 0),
        ("firing", 1),
    ]
    answer = replied(document["_id"], "acknowledged", office.now)
    await alerts.handle_replies(0, records([answer]))
    (document,) = [one async for one in office.database[ALERTS].find({})]
    assert len(document["history"]) == 2, "an answer stands among the replies"
    entries = [one async for one in office.database[OUTBOX].find({"channel": {"$ne": "topic"}})]
    quoted = [entry["findings"]["voices"] for entry in entries if entry["event"]["escalated"]]
    assert quoted == [["vẫn thế"]] * len(quoted)
    assert all(entry["event"]["state"] == AlertState.FIRING for entry in entries)
