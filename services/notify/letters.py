"""Mails that tell of several alerts: changes of one moment, and the digest of a day.

Vietnamese first, English below; each line leads to the alert's page at the desk.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from method.period import local_day
from schemas.alert import AlertChanged, AlertState, Evidence
from schemas.kiosk import KioskSilence
from schemas.registry import Registry
from services.notify.content import Content, Digest, Together
from services.notify.findings import Findings
from services.notify.message import (
    TEMPLATES,
    WINDOWS,
    Message,
    alert_link,
    compose,
    english_number,
    local_time,
    vietnamese_number,
)


class _Words(NamedTuple):
    vi: str
    en: str


_KINDS: Final = {
    "change": _Words("mức hài lòng giảm so với thường lệ", "satisfaction fell below what is usual"),
    "drop": _Words("mức hài lòng giảm so với giai đoạn trước", "satisfaction fell"),
    "drift": _Words("mức hài lòng giảm dần", "satisfaction has been falling slowly"),
    "below_target": _Words("mức hài lòng dưới mục tiêu", "satisfaction is below target"),
    "silent_kiosk": _Words("kiosk mất tín hiệu", "kiosks give no sign of life"),
}
_OVER: Final = _Words("đã phục hồi", "has recovered")


class Line(NamedTuple):
    """One alert in a mail: a sentence in each language, where to see more, and its code."""

    vi: str
    en: str
    link: str
    alert: str


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
    vi, en = (office.name_vi, office.name_en) if office else (event.scope, event.scope)
    kind = _KINDS.get(event.kind, _Words(event.kind, event.kind))
    if event.state is AlertState.RESOLVED:
        vi, en = f"{vi}: {kind.vi}, {_OVER.vi}", f"{en}: {kind.en}, {_OVER.en}"
    else:
        vi, en = f"{vi}: {kind.vi}", f"{en}: {kind.en}"
    more = _evidence(event.evidence)
    vi, en = vi + more.vi, en + more.en
    if p is not None:
        vi += f" (p = {p:.4f})".replace(".", ",")
        en += f" (p = {p:.4f})"
    moment = local_time(event.opened_at)
    link = alert_link(event, public_url)
    return Line(f"{vi}; từ {moment}.", f"{en}; since {moment}.", link, event.alert)


def _evidence(evidence: Evidence | KioskSilence) -> _Words:
    """What an alert rests on, to go on with a sentence."""
    if isinstance(evidence, KioskSilence):
        silent = f"{len(evidence.kiosks)}/{evidence.of}"
        return _Words(f"; {silent} kiosk", f"; {silent} kiosks")
    figure = evidence.current
    if figure.index is None:
        return _Words("", "")
    window_vi, window_en = WINDOWS.get(evidence.window, (evidence.window,) * 2)
    return _Words(
        f"; {window_vi} {vietnamese_number(figure.index)} % trên {figure.n} lượt trả lời",
        f"; {english_number(figure.index)}% of {figure.n} answers in {window_en}",
    )


def _lines(events: Iterable[AlertChanged], registry: Registry, public_url: str) -> list[Line]:
    return [_line(event, registry, public_url) for event in events]


def _together(content: Together, registry: Registry, public_url: str) -> Message:
    firing = [event for event in content.events if event.state is AlertState.FIRING]
    over = [event for event in content.events if event.state is not AlertState.FIRING]
    sections = [
        Section("Đang báo động", "Firing", _lines(firing, registry, public_url)),
        Section("Đã phục hồi", "Recovered", _lines(over, registry, public_url)),
    ]
    title = _Words(
        f"[Cảnh báo] {len(content.events)} cảnh báo về mức hài lòng",
        f"{len(content.events)} alerts about satisfaction",
    )
    return _message(title, content, sections, public_url)


def _digest(content: Digest, registry: Registry, public_url: str) -> Message:
    percent = round(100 * content.rate)
    signals = [_line(one.event, registry, public_url, one.p_value) for one in content.signals]
    sections = [
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
    title = _Words(f"[Tổng hợp] Mức hài lòng ngày {day}", f"Satisfaction, digest of {day}")
    return _message(title, content, sections, public_url)


def _message(
    title: _Words, content: Together | Digest, sections: list[Section], public_url: str
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
        link=link,
        at=content.at,
    )
