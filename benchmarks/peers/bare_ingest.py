"""From one topic through MongoDB to another, and nothing checked: what any ingest has to pay.

`python -m benchmarks.peers.bare_ingest KAFKA_URL MONGO_URL DATABASE`, until it is stopped.
"""

import asyncio
import json
import sys
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from motor.motor_asyncio import AsyncIOMotorClient

from schemas.topics import FEEDBACK_ACCEPTED, FEEDBACK_SUBMITTED

_RECORDS = 5000  # as ingest


async def run(kafka_url: str, mongo_url: str, database: str) -> None:
    responses = AsyncIOMotorClient[dict[str, Any]](mongo_url, w="majority")[database][
        "bare.responses"
    ]
    consumer = AIOKafkaConsumer(
        FEEDBACK_SUBMITTED.name,
        bootstrap_servers=kafka_url,
        group_id="bare-ingest",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka_url, acks="all", enable_idempotence=True, linger_ms=2
    )
    await consumer.start()
    await producer.start()
    try:
        while True:
            fetched = await consumer.getmany(timeout_ms=200, max_records=_RECORDS)
            for place, records in fetched.items():
                documents = [json.loads(record.value) for record in records]
                for document in documents:
                    document["_id"] = document.pop("id")
                await responses.insert_many(documents, ordered=False)
                sent = [
                    await producer.send(
                        FEEDBACK_ACCEPTED.name,
                        record.value,
                        key=record.key,
                        headers=list(record.headers),
                        partition=place.partition,
                    )
                    for record in records
                ]
                await asyncio.gather(*sent)
                await consumer.commit({place: records[-1].offset + 1})
    finally:
        await producer.stop()
        await consumer.stop()


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:]))
