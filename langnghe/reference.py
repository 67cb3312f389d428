"""Writes the pages that follow from the code: docs/metrics.md and docs/settings.md.

`python -m langnghe.reference` rewrites them; a test fails when they drift.
"""

import inspect
import re
from pathlib import Path

from pydantic_settings import BaseSettings

from schemas.export import ROOT
from services.gateway.settings import GatewaySettings
from services.ingest.settings import IngestSettings
from services.notify.settings import NotifySettings
from services.runtime.metrics import CATALOGUE
from services.runtime.settings import Settings
from services.scoring.main import ScoringSettings

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


def documents() -> dict[Path, str]:
    """Every page, by its path from the root of the repository."""
    return {Path("docs/metrics.md"): metrics_page(), Path("docs/settings.md"): settings_page()}


def main() -> None:
    """Write the pages into the source tree."""
    for path, text in documents().items():
        (ROOT / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
