"""Answers as scoring counts them, for tests of those who read the counts."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from schemas.feedback import FeedbackAccepted
from services.runtime.database import Database
from services.scoring.applying import NOTHING_APPLIED
from services.scoring.ledger import Ledger
from services.scoring.tallies import refresh_tallies
from services.scoring.touched import touched_since
from tests.builders import accepted, records


def answers(
    given: Iterable[tuple[datetime, dict[str, int]]], **changes: Any
) -> list[FeedbackAccepted]:
    """Answers that came in as they were given: when, and the level of each question."""
    return [
        accepted(offset, occurred_at=at, received_at=at, answers=levels, **changes)
        for offset, (at, levels) in enumerate(given)
    ]


async def count(
    database: Database, events: Sequence[FeedbackAccepted], now: datetime, partition: int = 0
) -> None:
    """Have scoring count all answers of a partition, and sum them up by scope."""
    await Ledger(database).handle(partition, records(events, partition=partition))
    touched = await touched_since(database, partition, NOTHING_APPLIED, now)
    await refresh_tallies(database, touched)
