"""What an alert says in plain words: Vietnamese first, English below."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from schemas.alert import AlertChanged
from schemas.instrument import item_texts
from schemas.kiosk import KioskSilence
from schemas.registry import RegistryEntry
from services.notify.alerts.findings import Findings, Place
from services.notify.wording.figures import (
    WINDOWS,
    alert_link,
    english_number,
    local_time,
    vietnamese_number,
)
from services.notify.wording.sentence import sentence

_LONGEST_QUOTE = 240
_LINK = re.compile(r"\S*(?:://|www\.)\S*", re.IGNORECASE)


def _question(place: Place, language: str) -> str:
    """A question in words; its code, if it is asked no more."""
    text = item_texts().get(place.name)
    return str(getattr(text, language)) if text else place.name


def _quoted(comment: str) -> str:
    """What a citizen wrote, on one line, not too long, and without links: a message of ours must
    not lead anybody to where a stranger wants them."""
    line = _LINK.sub("[…]", " ".join(comment.split()))
    return line if len(line) <= _LONGEST_QUOTE else line[:_LONGEST_QUOTE].rstrip() + "…"


TEMPLATES = Environment(
    loader=PackageLoader("services.notify.wording"),
    undefined=StrictUndefined,
    autoescape=select_autoescape(["html"]),
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters |= {
    "so": vietnamese_number,
    "num": english_number,
    "gio": local_time,
    "question": _question,
    "quoted": _quoted,
}


@dataclass(frozen=True)
class Message:
    """What is told, ready to be read.

    Attributes:
        subject: one line, Vietnamese.
        text: plain text in both languages.
        html: the same as a page.
        name_vi: of the office; of a mail about several, its title.
        name_en: the same.
        brief: the same as `text` in a sentence a language.
        link: to the alert's page at the desk; of several, to the desk.
        at: when it came about.
    """

    subject: str
    text: str
    html: str
    name_vi: str
    name_en: str
    brief: str
    link: str
    at: datetime


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
    link = alert_link(event, public_url)
    values: dict[str, Any] = {
        "event": event,
        "evidence": event.evidence,
        "name_vi": name_vi,
        "name_en": name_en,
        "link": link,
        "findings": findings or Findings(),
    }
    folder = "kiosks/"
    if not isinstance(event.evidence, KioskSilence):
        folder, window = "", event.evidence.window
        values["window_vi"], values["window_en"] = WINDOWS.get(window, (window, window))
    brief = sentence(event, office)
    return Message(
        subject=TEMPLATES.get_template(f"{folder}subject.txt").render(values).strip(),
        text=TEMPLATES.get_template(f"{folder}body.txt").render(values),
        html=TEMPLATES.get_template(f"{folder}body.html").render(values),
        name_vi=name_vi,
        name_en=name_en,
        brief=f"{brief.vi}\n{brief.en}",
        link=link,
        at=event.changed_at,
    )
