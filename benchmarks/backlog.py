"""A topic full of accepted answers, as an outage of scoring leaves it: the country's, in order.

Written as ingest writes them: by the unit's partition, with source offsets that grow and
CloudEvents headers. Ids repeat, which nobody behind ingest looks at.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from aiokafka import AIOKafkaProducer
from rich.progress import Progress

from schemas.cloudevents import headers
from schemas.topics import FEEDBACK_ACCEPTED
from tests.builders import accepted

UNITS: Final = 3321
"""Communes of Vietnam since July 2025."""

_A_DAY: Final = 300_000_000 / 365
"""Answers of the country, if one in some dossiers is answered (docs/scale.md)."""
_BATCH_BYTES: Final = 512 * 1024
_PART: Final = 20_000


class Sent(NamedTuple):
    """One record, and where it goes."""

    partition: int
    key: bytes
    value: bytes


def unit(number: int) -> str:
    """An agency code."""
    return f"{number // 10_000:03d}.{number // 100 % 100:02d}.{number % 100:02d}.H01"


def _records(count: int, units: int, until: datetime) -> Iterator[Sent]:
    """Answers up to a moment, at the country's pace, four in five of them satisfied."""
    chance = random.Random(1)  # noqa: S311  # invented answers, the same in every run
    pause = timedelta(days=1) / _A_DAY
    values = [_template(level) for level in (1, 2, 3, 4, 5)]
    partitions = FEEDBACK_ACCEPTED.partitions
    offsets = [0] * partitions
    for number in range(count):
        office = chance.randrange(units)
        partition = office % partitions
        moment = (until - (count - number) * pause).isoformat()
        value = chance.choices(values, (4, 4, 12, 40, 40))[0] % (
            *(unit(office), ("land", "civil-status", "business")[chance.randrange(3)]),
            *(moment, moment, office, office % 34 + 1, partition, offsets[partition]),
        )
        offsets[partition] += 1
        yield Sent(partition, unit(office).encode(), value.encode())


def _template(level: int) -> str:
    """The JSON of an event with places for what differs."""
    known = accepted(0, level, field="land").to_json().decode()
    event = accepted(0, level, field="land")
    for old, new in (
        (event.unit, "%s"),
        ('"field":"land"', '"field":"%s"'),
        (f'"occurred_at":"{_utc(event.occurred_at)}"', '"occurred_at":"%s"'),
        (f'"received_at":"{_utc(event.received_at)}"', '"received_at":"%s"'),
        ("commune:00004", "commune:%05d"),
        ("province:01", "province:%02d"),
        ('"partition":0,"offset":0', '"partition":%d,"offset":%d'),
    ):
        if known.count(old) != 1:
            msg = f"{old} is not once in {known}"
            raise ValueError(msg)
        known = known.replace(old, new)
    return known


def _utc(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


async def fill(kafka_url: str, count: int, units: int, progress: Progress) -> int:
    """Write answers up to now; bytes of their values."""
    written = 0
    task = progress.add_task("backlog", total=count)
    attributes = headers(accepted(0), "/langnghe/ingest")
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka_url, acks="all", max_batch_size=_BATCH_BYTES, linger_ms=10
    )
    await producer.start()
    try:
        batches = {p: producer.create_batch() for p in range(FEEDBACK_ACCEPTED.partitions)}

        async def send(partition: int) -> None:
            batch = batches[partition]
            batches[partition] = producer.create_batch()
            future = await producer.send_batch(batch, FEEDBACK_ACCEPTED.name, partition=partition)
            await future

        for number, (partition, key, value) in enumerate(_records(count, units, datetime.now(UTC))):
            record = {"timestamp": None, "key": key, "value": value, "headers": attributes}
            if batches[partition].append(**record) is None:
                await send(partition)
                batches[partition].append(**record)
            written += len(value)
            if number % _PART == 0:
                progress.update(task, completed=number)
        for partition in batches:
            await send(partition)
    finally:
        await producer.stop()
    progress.update(task, completed=count)
    return written
