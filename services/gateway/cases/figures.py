"""How many cases wait: for operations, and for the digests of the agencies whose turn it is."""

from collections import Counter
from datetime import timedelta
from itertools import product
from typing import Final

from schemas.collections import WORKLOADS
from schemas.workload import Workload
from services.gateway.cases import store
from services.gateway.cases.views import Cabinet
from services.runtime import metrics
from services.runtime.database import Database

_AGES: Final = (("week", timedelta(days=7)), ("month", timedelta(days=30)))
_OLDER: Final = "older"
_DUE: Final = ("in_time", "late")


class Waiting:
    """Measures the cases that wait for an agency; every gateway comes to the same."""

    def __init__(self, database: Database, cabinet: Cabinet) -> None:
        """Hold what the work needs."""
        self._database = database
        self._cabinet = cabinet

    async def measure(self) -> None:
        """Count them by whether they are late, by age, and by whose turn it is."""
        now = self._cabinet.clock()
        found: Counter[tuple[str, str]] = Counter()
        waiting: Counter[str] = Counter()
        late: Counter[str] = Counter()
        for case in await store.waiting(self._database, None, None):
            age = next((name for name, most in _AGES if now - case.opened_at <= most), _OLDER)
            standing = self._cabinet.standing(case, now)
            is_late = standing.late_since is not None
            found["late" if is_late else "in_time", age] += 1
            waiting[standing.holder] += 1
            late[standing.holder] += is_late
        for labels in product(_DUE, (*(name for name, _ in _AGES), _OLDER)):
            metrics.CASES_WAITING.labels(*labels).set(found[labels])
        await self._keep(
            [Workload(agency=a, waiting=n, late=late[a]) for a, n in sorted(waiting.items())]
        )

    async def _keep(self, workloads: list[Workload]) -> None:
        for one in workloads:
            await self._database[WORKLOADS].replace_one(
                {"_id": one.agency}, one.model_dump(mode="json"), upsert=True
            )
        there = [one.agency for one in workloads]
        await self._database[WORKLOADS].delete_many({"_id": {"$nin": there}})
