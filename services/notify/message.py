"""What an alert says in plain words: Vietnamese first, English below."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from method.period import LOCAL_ZONE
from schemas.alert import AlertChanged
from schemas.registry import RegistryEntry
from schemas.silence import Silence

_WINDOWS = {
    "24h": ("24 giờ qua", "the last 24 hours"),
    "7d": ("7 ngày qua", "the last 7 days"),
    "30d": ("30 ngày qua", "the last 30 days"),
    "90d": ("90 ngày qua", "the last 90 days"),
}


def _vietnamese_number(value: float) -> str:
    return f"{value:.1f}".replace(".", ",")


def _english_number(value: float) -> str:
    return f"{value:.1f}"


def _local_time(moment: datetime) -> str:
    return moment.astimezone(LOCAL_ZONE).strftime("%H:%M %d/%m/%Y")


_TEMPLATES = Environment(
    loader=PackageLoader("services.notify"),
    undefined=StrictUndefined,
    autoescape=select_autoescape(["html"]),
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {"so": _vietnamese_number, "num": _english_number, "gio": _local_time}


@dataclass(frozen=True)
class Message:
    """An alert's change, ready to be read.

    Attributes:
        subject: one line, Vietnamese.
        text: plain text in both languages.
        html: the same as a page.
        name_vi: of the office.
        name_en: of the office.
        link: to where more of it is shown.
    """

    subject: str
    text: str
    html: str
    name_vi: str
    name_en: str
    link: str


def compose(event: AlertChanged, office: RegistryEntry | None, public_url: str) -> Message:
    """Put an alert's change into words.

    Args:
        event: the change.
        office: what the alert is about; None for the country or a name that is gone.
        public_url: of the gateway.
    """
    name_vi = office.name_vi if office else event.scope
    name_en = office.name_en if office else event.scope
    values: dict[str, Any] = {
        "event": event,
        "evidence": event.evidence,
        "name_vi": name_vi,
        "name_en": name_en,
    }
    if isinstance(event.evidence, Silence):
        folder, link = "silence/", f"{public_url}/desk"
    else:
        window = event.evidence.window
        values["window_vi"], values["window_en"] = _WINDOWS.get(window, (window, window))
        folder, link = "", f"{public_url}/#{event.scope}"
    values["link"] = link
    return Message(
        subject=_TEMPLATES.get_template(f"{folder}subject.txt").render(values).strip(),
        text=_TEMPLATES.get_template(f"{folder}body.txt").render(values),
        html=_TEMPLATES.get_template(f"{folder}body.html").render(values),
        name_vi=name_vi,
        name_en=name_en,
        link=link,
    )
