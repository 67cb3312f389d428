"""Mails that tell of several alerts: changes of one moment, and the digest of a day.

Vietnamese first, English below; each line leads to the alert's page at the desk.
"""

from collections.abc import Iterable
from typing import NamedTuple

from method.period import local_day
from schemas.alert import AlertChanged, AlertState
from schemas.registry import Registry
from schemas.workload import Workload
from services.notify.alerts.findings import Findings
from services.notify.delivery.content import Content, Digest, Together
from services.notify.wording.figures import Words, alert_link
from services.notify.wording.message import TEMPLATES, Message, compose
from services.notify.wording.sentence import sentence


class Line(NamedTuple):
    """A sentence in each language, where to see more, and the code of its alert, if any."""

    vi: str
    en: str
    link: str
    alert: str | None = None


class Section(NamedTuple):
    """Alerts under one heading."""

    vi: str
    en: str
    lines: list[Line]


def write(
    content: Content, registry: Registry, public_url: str, findings: Findings | None = None
) -> Message:
    """Put what a message tells into words.

    Args:
        content: the message.
        registry: for names.
        public_url: of the gateway.
        findings: what there is to say beside the figures, of one alert.
    """
    match content:
        case AlertChanged():
            office = registry.latest(content.scope, local_day(content.changed_at))
            return compose(content, office, public_url, findings)
        case Together():
            return _together(content, registry, public_url)
        case Digest():
            return _digest(content, registry, public_url)


def _line(event: AlertChanged, registry: Registry, public_url: str, p: float | None = None) -> Line:
    office = registry.latest(event.scope, local_day(event.changed_at))
    said = sentence(event, office, p)
    return Line(said.vi, said.en, alert_link(event, public_url), event.alert)


def _lines(events: Iterable[AlertChanged], registry: Registry, public_url: str) -> list[Line]:
    return [_line(event, registry, public_url) for event in events]


def _work(work: Workload, public_url: str) -> Line:
    vi = f"{work.waiting} trường hợp chờ trả lời"
    en = f"{work.waiting} to be answered"
    if work.late:
        vi, en = f"{vi}, trong đó {work.late} quá hạn", f"{en}, {work.late} of them late"
    return Line(f"{vi}.", f"{en}.", f"{public_url}/desk/cases")


def _together(content: Together, registry: Registry, public_url: str) -> Message:
    firing = [event for event in content.events if event.state is AlertState.FIRING]
    over = [event for event in content.events if event.state is not AlertState.FIRING]
    sections = [
        Section("Đang báo động", "Firing", _lines(firing, registry, public_url)),
        Section("Đã phục hồi", "Recovered", _lines(over, registry, public_url)),
    ]
    title = Words(
        f"[Cảnh báo] {len(content.events)} cảnh báo về mức hài lòng",
        f"{len(content.events)} alerts about satisfaction",
    )
    return _message(title, content, sections, public_url)


def _digest(content: Digest, registry: Registry, public_url: str) -> Message:
    percent = round(100 * content.rate)
    signals = [_line(one.event, registry, public_url, one.p_value) for one in content.signals]
    sections = [
        Section(
            "Công dân chờ được gọi lại",
            "Citizens who wait to be called back",
            [_work(content.work, public_url)] if content.work else [],
        ),
        Section(
            "Báo động nghiêm trọng chưa có phản hồi",
            "Critical alerts that nobody has answered",
            _lines(content.unanswered, registry, public_url),
        ),
        Section(
            "Cảnh báo mới",
            "New warnings",
            _lines(content.opened, registry, public_url),
        ),
        Section(
            "Cảnh báo đã kết thúc",
            "Warnings that are over",
            _lines(content.closed, registry, public_url),
        ),
        Section(
            f"Dấu hiệu giảm, đã xét {content.tested} đơn vị (tỷ lệ báo nhầm tối đa {percent} %)",
            f"Signs of a fall; {content.tested} offices looked at (at most {percent}% false)",
            signals,
        ),
    ]
    day = content.day.strftime("%d/%m/%Y")
    title = Words(f"[Tổng hợp] Mức hài lòng ngày {day}", f"Satisfaction, digest of {day}")
    return _message(title, content, sections, public_url)


def _message(
    title: Words, content: Together | Digest, sections: list[Section], public_url: str
) -> Message:
    link = f"{public_url}/desk"
    values = {
        "title": title,
        "sections": [section for section in sections if section.lines],
        "link": link,
    }
    return Message(
        subject=title.vi,
        text=TEMPLATES.get_template("letter.txt").render(values),
        html=TEMPLATES.get_template("letter.html").render(values),
        name_vi=title.vi,
        name_en=title.en,
        brief=f"{title.vi}\n{title.en}",
        link=link,
        at=content.at,
    )
