"""Says where our code raised, and nothing of what it raised about."""

import os
import traceback
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent.parent
_OURS = tuple(f"{_ROOT / package}{os.sep}" for package in ("method", "schemas", "services"))


def blame(error: BaseException) -> str:
    """The type of an error and the innermost place in our code that it came through.

    `OverflowError at method/period.py:24 in local_day`. Never its message, which may hold what a
    citizen wrote.
    """
    frames = traceback.extract_tb(error.__traceback__)
    inner = next((f for f in reversed(frames) if f.filename.startswith(_OURS)), None)
    if inner is None:
        return type(error).__name__
    place = Path(inner.filename).relative_to(_ROOT)
    return f"{type(error).__name__} at {place}:{inner.lineno} in {inner.name}"
