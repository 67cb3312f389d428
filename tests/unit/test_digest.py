"""What a digest and a mail about several alerts say: which falls are believed, and the words."""

from datetime import UTC, date, datetime, time
from random import Random
from statistics import fmean
from typing import Any

import pytest

from method.definition import definitions
from method.window import Windows
from schemas.alert import AlertChanged, AlertState
from schemas.index import IndexUpdated
from schemas.registry import EntryKind, Registry
from schemas.workload import Workload
from services.notify.delivery.content import Digest, Signal, Together
from services.notify.delivery.digest import due_since
from services.notify.delivery.gathering import newest, worth_a_mail
from services.notify.delivery.soft_falls import believed
from services.notify.rules.kinds import Drop
from services.notify.wording.letters import write
from tests.builders import NOW, UNIT, entry
from tests.post import moved

DEFINITION = definitions()[0]
RULE = Drop.model_validate(
    {
        "id": "soft",
        "kind": "drop",
        "scopes": ["unit"],
        "window": "7d",
        "for": "0s",
        "keep_firing_for": "0s",
        "severity": "info",
    }
)


def index(scope: str, satisfied: int, of: int, before: int, of_before: int) -> IndexUpdated:
    segments: Any = {
        "day:0": (of - satisfied, 0, 0, 0, satisfied),
        "day:7": (of_before - before, 0, 0, 0, before),
    }
    return IndexUpdated(
        scope=scope,
        item="overall",
        basis="management_information",
        method=DEFINITION.version,
        as_of=NOW,
        version=1,
        windows=Windows(DEFINITION, NOW).figures(segments),
    )


def test_a_fall_that_is_believed_alone_is_not_among_forty_where_nothing_changed() -> None:
    fallen = index("unit:fallen", 79, 100, 90, 100)  # p = 0.015
    assert set(believed([RULE], [fallen], 0.05)[0]) == {("soft", "unit:fallen")}
    steady = [index(f"unit:{number}", 85, 100, 85, 100) for number in range(39)]
    found, tested = believed([RULE], [fallen, *steady], 0.05)
    assert (found, tested) == ({}, 40)
    plain = index("unit:plain", 40, 100, 90, 100)
    found, tested = believed([RULE], [fallen, plain, *steady], 0.05)
    assert set(found) == {("soft", "unit:plain")}
    assert found["soft", "unit:plain"] < 1e-9


def test_offices_with_too_few_answers_are_not_looked_at() -> None:
    few = [index("unit:a", 5, 29, 90, 100), index("unit:b", 5, 100, 20, 29)]
    assert believed([RULE], few, 0.05) == ({}, 0)
    assert believed([RULE], [], 0.05) == ({}, 0)
    assert believed([], [index("unit:a", 5, 100, 90, 100)], 0.05) == ({}, 0)


def test_of_what_is_believed_no_more_is_false_than_the_rate_says() -> None:
    random = Random(7)
    shares, right = [], 0
    for _ in range(200):
        indices = []
        for office in range(60):
            now = 0.7 if office < 6 else 0.85
            counts = [sum(random.random() < share for _ in range(150)) for share in (now, 0.85)]
            indices.append(index(f"unit:{office}", counts[0], 150, counts[1], 150))
        told = [int(scope.partition(":")[2]) for _, scope in believed([RULE], indices, 0.2)[0]]
        wrong = sum(office >= 6 for office in told)
        right += len(told) - wrong
        shares.append(wrong / len(told) if told else 0)
    assert right > 0.8 * 6 * 200
    assert 0.1 < fmean(shares) < 0.2


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (datetime(2026, 11, 22, 0, 29, tzinfo=UTC), None),
        (datetime(2026, 11, 22, 0, 30, tzinfo=UTC), datetime(2026, 11, 22, 0, 30, tzinfo=UTC)),
        (datetime(2026, 11, 22, 16, 59, tzinfo=UTC), datetime(2026, 11, 22, 0, 30, tzinfo=UTC)),
        (datetime(2026, 11, 22, 17, 0, tzinfo=UTC), None),  # the next local day
    ],
)
def test_a_digest_is_due_at_its_local_time(now: datetime, due: datetime | None) -> None:
    assert due_since(now, time(7, 30)) == due


def change(alert: str, revision: int, state: str = "firing", **values: Any) -> AlertChanged:
    event = moved(alert, f"unit:{UNIT}", revision)
    return event.model_copy(update={"state": AlertState(state), **values})


def test_a_mail_says_where_each_alert_stands_and_nothing_of_what_nobody_heard_of() -> None:
    began, over = change("a/u", 1), change("a/u", 2, "resolved")
    other = change("b/u", 4, "resolved")
    again, up = change("c/u", 2, reminder=True), change("c/u", 3, escalated=1)
    assert newest([began, other, over]) == [over, other]
    assert worth_a_mail([began]) == [began]
    assert worth_a_mail([began, other, over]) == [other]
    assert worth_a_mail([again, up]) == [up]
    assert worth_a_mail([again, change("c/u", 3, "resolved")]) != []


REGISTRY = Registry([entry(EntryKind.UNIT, UNIT, "province:01")])


def test_several_alerts_are_one_mail_in_both_languages() -> None:
    together = Together(at=NOW, events=(change("a/u", 1), change("b/u", 4, "resolved")))
    message = write(together, REGISTRY, "https://ln.example")
    assert message.subject == "[Cảnh báo] 2 cảnh báo về mức hài lòng"
    vi, _, en = message.text.partition("\n--\n")
    said = f"Đơn vị {UNIT}: mức hài lòng dưới mục tiêu"
    figures = "7 ngày qua 40,0 % trên 100 lượt trả lời; từ 12:00 22/11/2026."
    assert f"- {said}; {figures}" in vi
    assert f"- {said}, đã phục hồi; {figures}" in vi
    assert vi.index("Đang báo động:") < vi.index("a/u") < vi.index("Đã phục hồi:") < vi.index("b/u")
    assert f"Unit {UNIT}: satisfaction is below target, has recovered; 40.0% of 100 answers" in en
    for text in (message.text, message.html):
        assert "https://ln.example/desk/alerts/a/u" in text
        assert "https://ln.example/desk" in text
        assert "không phải số liệu thống kê" in " ".join(text.split())
        assert "not an official statistic" in text


def test_a_digest_has_a_part_for_each_matter_and_none_for_what_there_is_not() -> None:
    signal = Signal(event=change("s/u", 1, kind="drop"), p_value=0.0012)
    digest = Digest(
        day=date(2026, 11, 22),
        at=NOW,
        unanswered=(change("a/u", 1),),
        signals=(signal,),
        tested=40,
        rate=0.1,
    )
    message = write(digest, REGISTRY, "https://ln.example")
    assert message.subject == "[Tổng hợp] Mức hài lòng ngày 22/11/2026"
    vi, _, en = message.text.partition("\n--\n")
    assert "Báo động nghiêm trọng chưa có phản hồi:" in vi
    assert "Dấu hiệu giảm, đã xét 40 đơn vị (tỷ lệ báo nhầm tối đa 10 %):" in vi
    assert "(p = 0,0012)" in vi
    assert "Cảnh báo mới" not in vi
    assert "Signs of a fall; 40 offices looked at (at most 10% false):" in en
    assert "(p = 0.0012)" in en
    assert "New warnings" not in en
    assert "gọi lại" not in vi
    assert not digest.empty
    assert Digest(day=digest.day, at=NOW, rate=0.1).empty


@pytest.mark.parametrize(
    ("late", "vietnamese", "english"),
    [
        (0, "3 trường hợp chờ trả lời.", "3 to be answered."),
        (1, "3 trường hợp chờ trả lời, trong đó 1 quá hạn.", "3 to be answered, 1 of them late."),
    ],
)
def test_a_digest_says_who_waits_to_be_called_back(
    late: int, vietnamese: str, english: str
) -> None:
    work = Workload(agency=f"unit:{UNIT}", waiting=3, late=late)
    digest = Digest(day=date(2026, 11, 22), at=NOW, rate=0.1, work=work)
    assert not digest.empty
    message = write(digest, REGISTRY, "https://ln.example")
    vi, _, en = message.text.partition("\n--\n")
    assert f"Công dân chờ được gọi lại:\n- {vietnamese}\n  https://ln.example/desk/cases" in vi
    assert f"Citizens who wait to be called back:\n- {english}" in en
    assert "Mã cảnh báo" not in message.text + message.html


def test_html_escapes_names() -> None:
    sly = entry(EntryKind.UNIT, UNIT, "province:01").model_copy(update={"name_vi": "<b>x</b>"})
    together = Together(at=NOW, events=(change("a/u", 1), change("b/u", 1)))
    assert "<b>x" not in write(together, Registry([sly]), "https://ln.example").html
