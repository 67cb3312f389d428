"""What the FastStream pitfalls cost: docs/decisions/0003-faststream.md rests on these ratios.

`python -m benchmarks.faststream`: publishing by FastStream against aiokafka, and consuming record
by record against whole batches that are passed through; A B A B, medians, on servers of its own.
"""

import argparse
import asyncio
import json
import platform
import time
from collections.abc import Awaitable, Callable
from statistics import median

from aiokafka import AIOKafkaProducer
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from pydantic import BaseModel

from schemas.base import read
from schemas.feedback import FeedbackSubmitted
from schemas.topics import FEEDBACK_SUBMITTED
from tests.builders import submitted
from tests.servers import Servers, find_servers, reset

TOPIC = FEEDBACK_SUBMITTED.name
HEADERS = {"ce_id": "1", "content-type": "application/json"}
BODY = submitted(comment="x" * 200).to_json()
Case = Callable[[Servers, int], Awaitable[float]]


async def faststream_publish(servers: Servers, records: int) -> float:
    broker = KafkaBroker(
        servers.kafka_url, enable_idempotence=True, acks="all", linger_ms=2, logger=None
    )
    async with broker:
        started = time.perf_counter()
        futures = [
            await broker.publish(
                BODY, topic=TOPIC, partition=n % 4, key=b"k", headers=HEADERS, no_confirm=True
            )
            for n in range(records)
        ]
        await asyncio.gather(*futures)
        return records / (time.perf_counter() - started)


async def aiokafka_send(servers: Servers, records: int) -> float:
    producer = AIOKafkaProducer(
        bootstrap_servers=servers.kafka_url, enable_idempotence=True, acks="all", linger_ms=2
    )
    await producer.start()
    headers = [(name, value.encode()) for name, value in HEADERS.items()]
    started = time.perf_counter()
    futures = [
        await producer.send(TOPIC, BODY, partition=n % 4, key=b"k", headers=headers)
        for n in range(records)
    ]
    await asyncio.gather(*futures)
    rate = records / (time.perf_counter() - started)
    await producer.stop()
    return rate


class Consumption:
    """Counts records until all have come, then tells the rate."""

    def __init__(self, records: int) -> None:
        self._records = records
        self._started = 0.0
        self._seen = 0
        self.rate: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def see(self, records: int) -> None:
        self._started = self._started or time.perf_counter()
        self._seen += records
        if self._seen >= self._records and not self.rate.done():
            self.rate.set_result(self._records / (time.perf_counter() - self._started))


async def _fill(servers: Servers, records: int) -> None:
    await reset(servers)
    await aiokafka_send(servers, records)


async def record_by_record(servers: Servers, records: int) -> float:
    await _fill(servers, records)
    broker = KafkaBroker(servers.kafka_url, logger=None)
    consumption = Consumption(records)

    @broker.subscriber(TOPIC, group_id="bench", auto_offset_reset="earliest")
    async def one(_: FeedbackSubmitted) -> None:
        consumption.see(1)

    async with broker:
        await broker.start()
        return await consumption.rate


async def whole_batches(servers: Servers, records: int) -> float:
    await _fill(servers, records)
    broker = KafkaBroker(servers.kafka_url, logger=None)
    consumption = Consumption(records)

    async def pass_through(_: object) -> None:
        """Records are read in the handler."""

    @broker.subscriber(
        TOPIC,
        group_id="bench",
        auto_offset_reset="earliest",
        batch=True,
        max_records=5000,
        decoder=pass_through,
        ack_policy=AckPolicy.MANUAL,
    )
    async def many(message: KafkaMessage) -> None:
        raw = message.raw_message
        batch = raw if isinstance(raw, tuple) else (raw,)
        for record in batch:
            read(FeedbackSubmitted, record.value or b"")
        consumption.see(len(batch))

    async with broker:
        await broker.start()
        return await consumption.rate


class Comparison(BaseModel):
    """Two ways to do one thing, records a second."""

    what: str
    one: str
    other: str
    one_rates: list[float]
    other_rates: list[float]

    @property
    def ratio(self) -> float:
        return median(self.other_rates) / median(self.one_rates)


async def compare(
    servers: Servers, what: str, one: Case, other: Case, records: int, rounds: int
) -> Comparison:
    rates: dict[str, list[float]] = {one.__name__: [], other.__name__: []}
    for _ in range(rounds):
        for case in (one, other):
            rates[case.__name__].append(round(await case(servers, records)))
    (one_name, one_rates), (other_name, other_rates) = rates.items()
    return Comparison(
        what=what, one=one_name, other=other_name, one_rates=one_rates, other_rates=other_rates
    )


async def run(records: int, rounds: int) -> list[Comparison]:
    async with find_servers() as servers:
        await reset(servers)
        return [
            await compare(servers, "publish", faststream_publish, aiokafka_send, records, rounds),
            await compare(servers, "consume", record_by_record, whole_batches, records, rounds),
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    comparisons = asyncio.run(run(arguments.records, arguments.rounds))
    report = {
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "records": arguments.records,
        "comparisons": [c.model_dump() | {"ratio": round(c.ratio, 2)} for c in comparisons],
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
