"""What an agency reads."""

from typing import Any

from method.definition import definitions
from method.figure import figure
from schemas.alert import AlertChanged, AlertState, Evidence, Severity
from schemas.base import read
from schemas.export import ROOT
from schemas.index import ChangeFigures, TrendFigures
from schemas.registry import EntryKind
from services.notify.delivery.channels.email import compose_mail
from services.notify.delivery.channels.webhook import agency_secret
from services.notify.delivery.outbox import Channel, Entry
from services.notify.wording.message import Message, compose
from tests.builders import NOW, UNIT, entry

NOW_FIGURE = figure((20, 10, 9, 40, 21), definitions()[0])
BEFORE = figure((2, 3, 5, 50, 40), definitions()[0])
OFFICE = entry(EntryKind.UNIT, UNIT, "province:01")


def event(state: AlertState = AlertState.FIRING, **evidence: float) -> AlertChanged:
    return AlertChanged(
        alert=f"drop/unit:{UNIT}/1",
        revision=2,
        rule="drop",
        kind="drop",
        severity=Severity.CRITICAL,
        scope=f"unit:{UNIT}",
        state=state,
        opened_at=NOW,
        changed_at=NOW,
        evidence=Evidence(window="7d", as_of=NOW, current=NOW_FIGURE, previous=BEFORE, **evidence),
    )


def test_it_says_what_fell_from_what_to_what_on_how_many_answers() -> None:
    message = compose(event(baseline=90.0), OFFICE, "https://ln.example")
    vi, _, en = message.text.partition("\n--\n")
    for part in ("61,0 %", "100 lượt", "51,2 – 70,0 %", "90,0 %", "12:00 22/11/2026", "7 ngày qua"):
        assert part in vi, part
    for part in ("61.0%", "100 answers", "90.0%", "12:00 22/11/2026", "the last 7 days"):
        assert part in en, part
    assert message.subject == f"[Cảnh báo] Mức hài lòng giảm tại Đơn vị {UNIT}"
    assert "https://ln.example/desk/alerts/drop/unit%3A" in message.text
    assert "không phải số liệu thống kê" in message.text
    assert "not an official statistic" in message.text


def test_below_target_names_the_target() -> None:
    message = compose(event(target=80.0), OFFICE, "https://ln.example")
    assert "Mục tiêu: 80,0 %" in message.text
    assert "Target: 80.0%" in message.text


def test_a_change_says_since_when_and_on_how_many_answers() -> None:
    chart = ChangeFigures(statistic=8, usual=85.0, since=NOW, n=130, unsatisfied=41)
    changed = event()
    evidence = changed.evidence.model_copy(update={"change": chart})
    message = compose(
        changed.model_copy(update={"evidence": evidence}), OFFICE, "https://ln.example"
    )
    assert "Mức thường thấy tại đây: 85,0 %." in message.text
    assert "Từ 12:00 22/11/2026: 41 trong 130 lượt trả lời không hài lòng." in message.text
    assert "Usual here: 85.0%." in message.text
    assert "Since 12:00 22/11/2026: 41 of 130 answers were not satisfied." in message.text
    assert "41</strong> trong 130" in message.html
    assert "41 of 130 answers" in message.html


def test_a_drift_says_where_to_from_what_is_usual() -> None:
    trend = TrendFigures(index=81.6, usual=85.0, n=1147, deviation=3.3, end=NOW)
    drifted = event()
    evidence = drifted.evidence.model_copy(update={"trend": trend})
    message = compose(
        drifted.model_copy(update={"evidence": evidence}), OFFICE, "https://ln.example"
    )
    vi, _, en = message.text.partition("\n--\n")
    for part in ("thường thấy tại đây: 85,0 %.", "trọng số): 81,6 %.", "giảm dần trong nhiều tuần"):
        assert part in vi, part
    for part in ("Usual here: 85.0%.", "(weighted mean): 81.6%.", "falling slowly for weeks"):
        assert part in en, part
    for part in ("<strong>85,0 %", "<strong>81,6 %", "85.0%.", "81.6%."):
        assert part in message.html, part


def silent(state: AlertState = AlertState.FIRING, **changes: Any) -> Message:
    """Of two kiosks of three."""
    path = ROOT / "schemas/golden/vn.langnghe.alert.changed.v1/2026-11-silent-kiosk.json"
    told = read(AlertChanged, path.read_bytes()).model_copy(update={"state": state, **changes})
    return compose(told, OFFICE, "https://ln.example")


def test_silent_kiosks_are_named_with_since_when_and_what_to_do() -> None:
    message = silent()
    assert message.subject == f"[Cảnh báo] Kiosk mất tín hiệu tại Đơn vị {UNIT}"
    vi, _, en = message.text.partition("\n--\n")
    for part in (
        f"Đơn vị {UNIT}: 2 trong 3 kiosk mất tín hiệu, cảnh báo lúc 08:21 23/11/2026.",
        "- Quầy 3 (d-1f2e3d4c5b6a798897a6b5c4): tín hiệu gần nhất lúc 15:50 20/11/2026; tính đến",
        " 08:20 23/11/2026 đã 2,0 giờ làm việc; khi đó còn 4 lượt trả lời chờ gửi.\n",
        "- Quầy 4 (d-0a1b2c3d4e5f60718293a4b5): chưa từng có tín hiệu kể từ khi ghép nối lúc 10:00",
        "kiosk có điện không, có kết nối mạng không, trang đánh giá có đang mở không",
        "https://ln.example/desk",
    ):
        assert part in vi, part
    for part in (
        f"Unit {UNIT}: 2 of 3 kiosks silent, alert of 08:21 23/11/2026 (Vietnam time).",
        "last heard at 15:50 20/11/2026; 2.0 office hours by 08:20 23/11/2026; 4 answers waited",
        "never heard since it was enrolled at 10:00 19/11/2026; 13.3 office hours",
        "does the kiosk have power, is it on the network, is its page open?",
        "https://ln.example/desk",
    ):
        assert part in en, part
    for part in ("<strong>Quầy 3</strong>", "đã 2,0 giờ làm việc", "2.0 office hours", "/desk"):
        assert part in message.html, part


def test_kiosks_that_are_back_ask_for_nothing() -> None:
    message = silent(AlertState.RESOLVED)
    assert message.subject == f"[Đã phục hồi] Kiosk tại Đơn vị {UNIT} có tín hiệu trở lại"
    for text in (message.text, message.html):
        assert "đã có tín hiệu trở lại" in text
        assert "heard again" in text
        assert "Quầy 3" in text
        for part in ("Đề nghị", "Please", "giờ làm việc", "office hours"):
            assert part not in text


def test_silence_that_nobody_answered_goes_up() -> None:
    message = silent(escalated=1, answer_due=NOW)
    assert message.subject.startswith("[Chưa có phản hồi] Kiosk mất tín hiệu")
    assert "Đề nghị đôn đốc" in message.text
    assert "Hạn phản hồi: 12:00 22/11/2026" in message.text
    assert "To be answered by 12:00 22/11/2026" in message.text


def test_recovery_reads_as_recovery() -> None:
    message = compose(event(AlertState.RESOLVED, baseline=90.0), OFFICE, "https://ln.example")
    assert message.subject.startswith("[Đã phục hồi]")
    assert "Đề nghị" not in message.text


def test_html_escapes_names() -> None:
    sly = OFFICE.model_copy(update={"name_vi": "<script>x</script>"})
    assert "<script>" not in compose(event(), sly, "https://ln.example").html


def test_an_unknown_office_is_named_by_its_scope() -> None:
    assert f"unit:{UNIT}" in compose(event(), None, "https://ln.example").subject


def test_mail_is_text_and_html_with_a_stable_id() -> None:
    message = compose(event(), OFFICE, "https://ln.example")
    out = Entry(Channel.EMAIL, f"unit:{UNIT}", event())
    mail = compose_mail(out, "office@example.vn", message, "Lắng Nghe <ln@example.vn>")
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert mail["Message-ID"] == f"<{out.id}@langnghe>"
    assert "." not in out.id
    assert mail["To"] == "office@example.vn"
    assert Entry(Channel.EMAIL, f"unit:{UNIT}", event()).id == out.id


def test_each_agency_has_a_secret_of_its_own() -> None:
    one, other = agency_secret("k" * 32, "unit:a"), agency_secret("k" * 32, "unit:b")
    assert one.startswith("whsec_")
    assert one != other
    assert agency_secret("k" * 32, "unit:a") == one
