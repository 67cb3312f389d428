"""What waits for agencies at the desk, by who is mailed about it."""

from datetime import date

from schemas.collections import WORKLOADS
from schemas.scope import Scope
from schemas.workload import Workload
from services.notify.delivery.directory import Directory
from services.notify.delivery.outbox import Channel
from services.runtime.database import Database


async def by_reader(database: Database, directory: Directory, day: date) -> dict[Scope, Workload]:
    """What waits for each agency with an address, and for those that are mailed through it."""
    found: dict[Scope, Workload] = {}
    async for document in database[WORKLOADS].find({}, {"_id": 0}):
        one = Workload.model_validate(document)
        reader = directory.nearest(Channel.EMAIL, one.agency, day)
        if reader is None:
            continue
        before = found.get(reader)
        found[reader] = Workload(
            agency=reader,
            waiting=one.waiting + (before.waiting if before else 0),
            late=one.late + (before.late if before else 0),
        )
    return found
