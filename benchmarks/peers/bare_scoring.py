"""From accepted answers to a histogram a unit and hour, exactly once, and nothing else.

`python -m benchmarks.peers.bare_scoring KAFKA_URL MONGO_URL DATABASE`, until it is stopped: what
scoring's libraries and its way of counting take, when no window and no roll-up is made.
"""

import gc
import sys
from collections import defaultdict
from typing import Any

import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorClientSession
from msgspec import Struct
from msgspec.json import Decoder
from pymongo import UpdateOne

from schemas.topics import FEEDBACK_ACCEPTED

# As scoring.
_RECORDS = 5_000
_AT_ONCE = 100_000
_OBJECTS_BETWEEN_LOOKS = 200_000
_UP_TO_HOUR = len("2026-11-22T05")

POSITIONS = "bare.positions"
"""One document a partition: `next` is how many of its records are counted."""


class _Answer(Struct, gc=False):
    unit: str
    occurred_at: str
    answers: dict[str, int]


_read = Decoder(_Answer).decode
_Counts = dict[tuple[str, str], list[int]]


def _update(unit: str, hour: str, levels: list[int]) -> UpdateOne:
    counts = {f"n{level}": n for level, n in enumerate(levels, 1) if n}
    return UpdateOne({"_id": f"{unit}|{hour}"}, {"$inc": counts}, upsert=True)


async def run(kafka_url: str, mongo_url: str, name: str) -> None:
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_LOOKS)
    client = AsyncIOMotorClient[dict[str, Any]](mongo_url, w="majority")
    positions, hours = client[name][POSITIONS], client[name]["bare.hours"]

    async def write(place: TopicPartition, first: int, following: int, counts: _Counts) -> None:
        updates = [_update(*key, levels) for key, levels in counts.items()]

        async def work(session: AsyncIOMotorClientSession) -> None:
            # A position that another has moved is no match, and to insert it again an error.
            moved = {"$set": {"next": following}}
            here = {"_id": place.partition, "next": first}
            await positions.update_one(here, moved, upsert=True, session=session)
            await hours.bulk_write(updates, ordered=False, session=session)

        async with await client.start_session() as session:
            await session.with_transaction(work)
        await consumer.commit({place: following})

    consumer = AIOKafkaConsumer(
        FEEDBACK_ACCEPTED.name,
        bootstrap_servers=kafka_url,
        group_id="bare-scoring",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    counted: dict[TopicPartition, int] = defaultdict(int)
    sums: dict[TopicPartition, _Counts] = defaultdict(lambda: defaultdict(lambda: [0] * 5))
    await consumer.start()
    try:
        while True:
            fetched = await consumer.getmany(timeout_ms=20, max_records=_RECORDS)
            for place, records in fetched.items():
                counts = sums[place]
                for record in records:
                    answer = _read(record.value)
                    hour = answer.occurred_at[:_UP_TO_HOUR]
                    counts[answer.unit, hour][answer.answers["overall"] - 1] += 1
                following = records[-1].offset + 1
                at_end = following == consumer.highwater(place)
                if at_end or following - counted[place] >= _AT_ONCE:
                    await write(place, counted[place], following, counts)
                    counted[place] = following
                    del sums[place]
    finally:
        await consumer.stop()


if __name__ == "__main__":
    uvloop.run(run(*sys.argv[1:]))
