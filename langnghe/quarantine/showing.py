"""A record that was set aside, in the words that an operator reads. Pure."""

import json
from datetime import datetime
from typing import Any

from method.counted import RULES
from method.period import LOCAL_ZONE
from services.ingest.resolution import Aside


def local(moment: datetime) -> str:
    """A moment as it is shown: in Vietnam's time."""
    return moment.astimezone(LOCAL_ZONE).strftime("%Y-%m-%d %H:%M:%S")


def harmless(text: str) -> str:
    """The same without what could steer a terminal: anybody may have written it."""
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text
    )


def line(aside: Aside) -> str:
    """One line of a list."""
    rules = "; ".join(f"{v.field}: {v.rule}" for v in aside.violations)
    when, unit = local(aside.quarantined_at), aside.unit or "-"
    return f"{aside.id}  {when}  {unit}  {aside.reason.value}  {rules}"


def as_json(aside: Aside) -> dict[str, Any]:
    """The same for a program, with the time in UTC."""
    return {
        "id": aside.id,
        "quarantined_at": aside.quarantined_at.isoformat(),
        "unit": aside.unit,
        "reason": aside.reason.value,
        "violations": [v.model_dump() for v in aside.violations],
    }


def pretty(value: bytes | None) -> str:
    """A record's value: indented if it is JSON, else as it is."""
    try:
        return json.dumps(json.loads(value or b""), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return (value or b"").decode(errors="backslashreplace")


def page(aside: Aside) -> str:
    """Everything about a record, with what was written."""
    rule = RULES[aside.reason]
    lines = [
        aside.id,
        f"unit: {aside.unit or '-'}",
        f"set aside: {local(aside.quarantined_at)}",
        f"reason: {aside.reason.value}: {rule.vi} / {rule.en}",
        *(f"  {v.field}: {v.rule}" for v in aside.violations),
    ]
    if (done := aside.resolution) is not None:
        how = " with changes" if done.edited else ""
        why = f": {done.why}" if done.why else ""
        lines.append(f"{done.kind}{how} on {local(done.at)} by {done.by}{why}")
    return "\n".join([*lines, "value:", pretty(aside.value)])
