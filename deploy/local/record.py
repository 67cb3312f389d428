"""What a stack writes down in its data folder, for those who look for it."""

import json
from pathlib import Path
from typing import Any

FILE = "stack.json"


def read_record(folder: Path) -> dict[str, Any]:
    """Addresses and processes of the stack in a folder; empty where there is none."""
    try:
        values: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values
