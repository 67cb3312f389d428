"""The steps of docs/kubernetes.md to more partitions, rehearsed: all is counted, nothing twice."""

from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from aiokafka.admin import NewPartitions

from deploy.local import ports
from langnghe.verify import verify
from schemas.collections import BUCKETS, RESPONSES
from schemas.registry import EntryKind
from schemas.topics import FEEDBACK_ACCEPTED, FEEDBACK_SUBMITTED
from services.gateway.registry.store import write
from services.runtime.admin import administering
from services.runtime.database import Database
from tests.builders import entry, load_small_registry, response
from tests.devices import enrolled, hand_in
from tests.servers import Servers, eventually
from tests.stack import below_target
from tests.together import Moment, together

UNITS = [f"000.00.{number:02d}.H30" for number in range(24)]
EACH = 5


async def _counted_while_all_run(servers: Servers, database: Database, rules: Path, n: int) -> None:
    """The services come up, everybody hands in again, and they go when all is in the indices."""
    now = datetime.now(UTC)
    async with (
        together(servers, Moment(now), rules, ports.choose()) as gateway,
        aiohttp.ClientSession() as session,
    ):
        signer = await enrolled(database)
        answers = [
            response(unit=u, occurred_at=now.isoformat()) for u in UNITS for _ in range(EACH)
        ]
        assert await hand_in(session, gateway, signer, *answers) == 202

        async def stored() -> bool:
            return await database[RESPONSES].count_documents({}) == n

        await eventually(stored, f"{n} responses are stored")
        report = await verify(database, patience=30, progress=None)
    assert (report.responses, report.differences) == (n, [])


async def _partitions(database: Database) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {unit: set() for unit in UNITS}
    async for one in database[RESPONSES].find({}, {"unit": 1, "source": 1}):
        found[one["unit"]].add(one["source"]["partition"])
    return found


async def test_units_that_move_to_new_partitions_are_counted_on(
    servers: Servers, database: Database, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(below_target(for_="5m", keep_firing_for="1h"))
    await load_small_registry(database)
    await write(database, [entry(EntryKind.UNIT, unit, "province:01") for unit in UNITS])
    await _counted_while_all_run(servers, database, rules, len(UNITS) * EACH)
    before = await _partitions(database)

    twice = 2 * FEEDBACK_SUBMITTED.partitions
    names = (FEEDBACK_SUBMITTED.name, FEEDBACK_ACCEPTED.name)
    async with administering(servers.kafka_url) as admin:
        await admin.create_partitions({name: NewPartitions(twice) for name in names})

    await _counted_while_all_run(servers, database, rules, 2 * len(UNITS) * EACH)
    after = await _partitions(database)
    moved = [unit for unit in UNITS if after[unit] > before[unit]]
    assert len(moved) >= len(UNITS) / 4, "with twice as many partitions, half of the units move"
    totals = database[BUCKETS].aggregate([{"$group": {"_id": "$unit", "n": {"$sum": "$n5"}}}])
    assert {one["_id"]: one["n"] async for one in totals} == dict.fromkeys(UNITS, 2 * EACH)
