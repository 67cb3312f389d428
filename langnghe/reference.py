"""Writes what follows from the code: docs/metrics.md, docs/settings.md, roles in docs/people.md,
topics and users for Kubernetes.

`python -m langnghe.reference` rewrites them; a test fails when they drift.
"""

import inspect
import re
from pathlib import Path

from pydantic_settings import BaseSettings

from langnghe import kubernetes
from schemas.export import ROOT
from services.gateway.people.access import (
    ALLOWED,
    PERMISSION_NAMES,
    ROLE_NAMES,
    SCOPED,
    Permission,
    Role,
)
from services.gateway.settings import GatewaySettings
from services.ingest.settings import IngestSettings
from services.notify.settings import NotifySettings
from services.runtime.metrics import CATALOGUE
from services.runtime.settings import Settings
from services.scoring.main import ScoringSettings

_PEOPLE = Path("docs/people.md")
_NOTE = "Generated from the code by `make reference`; do not edit."


def metrics_page() -> str:
    """docs/metrics.md: the catalogue of services/runtime/metrics.py."""
    lines = [
        "# Metrics",
        "",
        _NOTE,
        "",
        "| metric | kind | labels | what it says | when to worry |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{e.name}` | {e.kind} | {', '.join(e.labels)} | {e.meaning} | {e.worry} |"
        for e in CATALOGUE
    ]
    return "\n".join(lines) + "\n"


def _meanings(model: type[BaseSettings]) -> dict[str, str]:
    """What the class says of its attributes, by name."""
    text = inspect.getdoc(model) or ""
    body = text.partition("Attributes:\n")[2]
    found: dict[str, str] = {}
    name = ""
    for line in body.splitlines():
        if match := re.match(r"    (\w+): (.*)", line):
            name = match[1]
            found[name] = match[2]
        elif name and line.startswith("        "):
            found[name] += " " + line.strip()
    return found


def _rows(model: type[BaseSettings], leave_out: set[str]) -> list[str]:
    meanings = _meanings(model)
    rows: list[str] = []
    for name, field in model.model_fields.items():
        if name in leave_out:
            continue
        variable = field.validation_alias or f"LANGNGHE_{name.upper()}"
        default = "" if field.default in (None, frozenset()) else f"`{field.default}`"
        if field.is_required():
            default = "required"
        meaning = field.description or meanings.get(name, "")
        rows.append(f"| `{variable}` | {default} | {meaning[:1].upper()}{meaning[1:]} |")
    return rows


def settings_page() -> str:
    """docs/settings.md: every environment variable of every service."""
    lines = ["# Settings", "", _NOTE, "All settings are environment variables.", ""]
    head = ["| variable | default | meaning |", "|---|---|---|"]
    lines += ["## Every service", "", *head, *_rows(Settings, set())]
    for service, model in (
        ("gateway", GatewaySettings),
        ("ingest", IngestSettings),
        ("scoring", ScoringSettings),
        ("notify", NotifySettings),
    ):
        common = set(Settings.model_fields)
        lines += ["", f"## {service}", "", *head, *_rows(model, common)]
    return "\n".join(lines) + "\n"


def people_page() -> str:
    """docs/people.md, with the table of roles and permissions written anew."""
    head = " | ".join(ROLE_NAMES[role].en for role in Role)
    lines = [f"| | {head} |", "|---|" + "---|" * len(Role)]
    for permission in Permission:
        cells = " | ".join("yes" if permission in ALLOWED[role] else "" for role in Role)
        lines.append(f"| {PERMISSION_NAMES[permission].en} (`{permission}`) | {cells} |")
    where = " | ".join("own agency and below" if r in SCOPED else "everywhere" for r in Role)
    lines.append(f"| where | {where} |")
    text = (ROOT / _PEOPLE).read_text(encoding="utf-8")
    before, begin, rest = text.partition("do not edit -->\n")
    _, end, after = rest.partition("<!-- end of roles -->")
    return before + begin + "\n".join(lines) + "\n" + end + after


def documents() -> dict[Path, str]:
    """Every page, by its path from the root of the repository."""
    return {
        Path("docs/metrics.md"): metrics_page(),
        Path("docs/settings.md"): settings_page(),
        _PEOPLE: people_page(),
        **kubernetes.documents(),
    }


def main() -> None:
    """Write the pages into the source tree."""
    for path, text in documents().items():
        (ROOT / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
