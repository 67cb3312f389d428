"""What an alert says in plain words: Vietnamese first, English below."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from method.period import LOCAL_ZONE
from schemas.alert import AlertChanged
from schemas.instrument import item_texts
from schemas.registry import RegistryEntry
from schemas.silence import Silence
from services.notify.findings import Findings, Place

_WINDOWS = {
    "24h": ("24 giờ qua", "the last 24 hours"),
    "7d": ("7 ngày qua", "the last 7 days"),
    "30d": ("30 ngày qua", "the last 30 days"),
    "90d": ("90 ngày qua", "the last 90 days"),
}
_LONGEST_QUOTE = 240
_LINK = re.compile(r"\S*(?:://|www\.)\S*", re.IGNORECASE)


def _vietnamese_number(value: float) -> str:
    return f"{value:.1f}".replace(".", ",")


def _english_number(value: float) -> str:
    return f"{value:.1f}"


def _question(place: Place, language: str) -> str:
    """A question in words; its code, if it is asked no more."""
    text = item_texts().get(place.name)
    return str(getattr(text, language)) if text else place.name


def _quoted(comment: str) -> str:
    """What a citizen wrote, on one line, not too long, and without links: a message of ours must
    not lead anybody to where a stranger wants them."""
    line = _LINK.sub("[…]", " ".join(comment.split()))
    return line if len(line) <= _LONGEST_QUOTE else line[:_LONGEST_QUOTE].rstrip() + "…"


def _local_time(moment: datetime) -> str:
    return moment.astimezone(LOCAL_ZONE).strftime("%H:%M %d/%m/%Y")


_TEMPLATES = Environment(
    loader=PackageLoader("services.notify"),
    undefined=StrictUndefined,
    autoescape=select_autoescape(["html"]),
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {
    "so": _vietnamese_number,
    "num": _english_number,
    "gio": _local_time,
    "question": _question,
    "quoted": _quoted,
}


@dataclass(frozen=True)
class Message:
    """An alert's change, ready to be read.

    Attributes:
        subject: one line, Vietnamese.
        text: plain text in both languages.
        html: the same as a page.
        name_vi: of the office.
        name_en: of the office.
        link: to the alert's page at the desk.
    """

    subject: str
    text: str
    html: str
    name_vi: str
    name_en: str
    link: str


def compose(
    event: AlertChanged,
    office: RegistryEntry | None,
    public_url: str,
    findings: Findings | None = None,
) -> Message:
    """Put an alert's change into words.

    Args:
        event: the change.
        office: what the alert is about; None for the country or a name that is gone.
        public_url: of the gateway.
        findings: what there is to say beside the figures, of an alert that fires.
    """
    name_vi = office.name_vi if office else event.scope
    name_en = office.name_en if office else event.scope
    link = f"{public_url}/desk/alerts/{quote(event.alert)}"
    values: dict[str, Any] = {
        "event": event,
        "evidence": event.evidence,
        "name_vi": name_vi,
        "name_en": name_en,
        "link": link,
        "findings": findings or Findings(),
    }
    folder = "silence/"
    if not isinstance(event.evidence, Silence):
        folder, window = "", event.evidence.window
        values["window_vi"], values["window_en"] = _WINDOWS.get(window, (window, window))
    return Message(
        subject=_TEMPLATES.get_template(f"{folder}subject.txt").render(values).strip(),
        text=_TEMPLATES.get_template(f"{folder}body.txt").render(values),
        html=_TEMPLATES.get_template(f"{folder}body.html").render(values),
        name_vi=name_vi,
        name_en=name_en,
        link=link,
    )
