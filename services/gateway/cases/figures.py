"""How many cases wait, for operations."""

from collections import Counter
from datetime import timedelta
from itertools import product
from typing import Final

from services.gateway.cases import store
from services.gateway.cases.views import Cabinet
from services.runtime import metrics
from services.runtime.database import Database

_AGES: Final = (("week", timedelta(days=7)), ("month", timedelta(days=30)))
_OLDER: Final = "older"
_DUE: Final = ("in_time", "late")


class Waiting:
    """Measures the cases that wait for an agency."""

    def __init__(self, database: Database, cabinet: Cabinet) -> None:
        """Hold what the work needs."""
        self._database = database
        self._cabinet = cabinet

    async def measure(self) -> None:
        """Count them by whether they are late, and by age."""
        now = self._cabinet.clock()
        found: Counter[tuple[str, str]] = Counter()
        for case in await store.waiting(self._database, None, None):
            age = next((name for name, most in _AGES if now - case.opened_at <= most), _OLDER)
            late = self._cabinet.standing(case, now).late_since is not None
            found["late" if late else "in_time", age] += 1
        for labels in product(_DUE, (*(name for name, _ in _AGES), _OLDER)):
            metrics.CASES_WAITING.labels(*labels).set(found[labels])
