"""What goes wrong between a citizen and the gateway, in known shares."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from simulator.citizens import Answer


@dataclass(frozen=True)
class Faults:
    """Shares of the answers, each 0 to 1, that are sent twice, too late, or malformed."""

    duplicates: float = 0.0
    late: float = 0.0
    malformed: float = 0.0


@dataclass(frozen=True)
class Parcel:
    """One answer as it is sent.

    Attributes:
        answer: what the citizen said.
        body: what is sent; differs from the answer when it is malformed.
        expected: what must become of it: `counted`, `refused` by the gateway, or the name of the
            rule that sets it aside.
        copies: how often it is sent after its first acknowledgement.
    """

    answer: Answer
    body: bytes
    expected: str
    copies: int = 0


def _with(**changes: object) -> Callable[[Answer], bytes]:
    return lambda answer: json.dumps({**answer, **changes}).encode()


# What the gateway must refuse at once, and what only ingest can know.
_MALFORMED: tuple[tuple[str, Callable[[Answer], bytes]], ...] = (
    ("refused", lambda answer: json.dumps(answer).encode()[:-20]),
    ("refused", _with(answers={"overall": 6})),
    ("refused", _with(answers={"overall": 0})),
    ("refused", _with(occurred_at="2026-02-31T08:00:00+07:00")),
    ("refused", _with(occurred_at="2026-11-22T08:00:00")),
    ("refused", _with(comment="x" * 2000)),
    ("refused", _with(unit="999.99.99.H99")),
    ("unknown_instrument", _with(instrument="nobody_knows")),
    ("foreign_item", _with(answers={"overall": 5, "nobody_asked": 5})),
    ("unknown_field", _with(field="nobody-knows")),
)


def pack(answer: Answer, faults: Faults, random: Random, now: datetime) -> Parcel:
    """Let one answer meet its fate."""
    fate = random.random()
    if fate < faults.malformed:
        expected, spoil = random.choice(_MALFORMED)
        return Parcel(answer, spoil(answer), expected)
    fate -= faults.malformed
    if fate < faults.late:
        occurred_at = (now - timedelta(days=8)).isoformat()
        return Parcel(answer, _with(occurred_at=occurred_at)(answer), "late")
    fate -= faults.late
    copies = 1 if fate < faults.duplicates else 0
    return Parcel(answer, json.dumps(answer).encode(), "counted", copies)
