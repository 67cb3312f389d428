"""A topic full of the country's answers in their order, as an outage of its reader leaves it.

Accepted ones as ingest writes them: by the unit's partition, with source offsets that grow and
CloudEvents headers; their ids repeat, which nobody behind ingest looks at. Submitted ones as the
gateway writes them, each with an id of its own.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final, NamedTuple

from aiokafka import AIOKafkaProducer
from rich.progress import Progress
from uuid_utils.compat import uuid7

from schemas.cloudevents import headers
from schemas.registry import EntryKind, RegistryEntry
from schemas.topics import FEEDBACK_ACCEPTED, FEEDBACK_SUBMITTED, Topic
from tests.builders import accepted, entry, submitted

UNITS: Final = 3321
"""Communes of Vietnam since July 2025."""
_PROVINCES: Final = 34

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


def _above(number: int) -> tuple[str, str]:
    """The codes of the commune and the province that a unit stands in."""
    return f"{number:05d}", f"{number % _PROVINCES + 1:02d}"


def registry(units: int) -> list[RegistryEntry]:
    """The first so many units, each in a commune of its own, and all provinces."""
    found = [entry(EntryKind.PROVINCE, f"{n + 1:02d}") for n in range(_PROVINCES)]
    for number in range(units):
        commune, province = _above(number)
        found += [
            entry(EntryKind.COMMUNE, commune, f"province:{province}"),
            entry(EntryKind.UNIT, unit(number), f"commune:{commune}"),
        ]
    return found


class Spell(NamedTuple):
    """A time in which answers were given, evenly."""

    answers: int
    lasted: timedelta


def until_now(count: int) -> Spell:
    """As many answers at the pace of the country."""
    return Spell(count, timedelta(days=count / _A_DAY))


class _Given(NamedTuple):
    """One invented answer."""

    office: int
    level: int
    moment: str


def _given(units: int, spells: Sequence[Spell]) -> Iterator[_Given]:
    """Answers up to now, one spell after the other, four in five of them satisfied."""
    chance = random.Random(1)  # noqa: S311  # invented answers, the same in every run
    moment = datetime.now(UTC) - sum((spell.lasted for spell in spells), timedelta())
    for spell in spells:
        for _ in range(spell.answers):
            moment += spell.lasted / spell.answers
            (level,) = chance.choices((1, 2, 3, 4, 5), (4, 4, 12, 40, 40))
            yield _Given(chance.randrange(units), level, moment.isoformat())


def accepted_answers(units: int, *spells: Spell) -> Iterator[Sent]:
    """Records of feedback.accepted.v1, in three service fields."""
    values = [_accepted_template(level) for level in (1, 2, 3, 4, 5)]
    offsets = [0] * FEEDBACK_ACCEPTED.partitions
    for number, (office, level, moment) in enumerate(_given(units, spells)):
        partition = office % len(offsets)
        value = values[level - 1] % (
            *(unit(office), ("land", "civil-status", "business")[number % 3]),
            *(moment, moment, *_above(office), partition, offsets[partition]),
        )
        offsets[partition] += 1
        yield Sent(partition, unit(office).encode(), value.encode())


def submitted_answers(units: int, *spells: Spell) -> Iterator[Sent]:
    """Records of feedback.submitted.v1."""
    event = submitted()
    template = _with_places(
        event.to_json().decode(),
        (str(event.id), "%s"),
        (event.unit, "%s"),
        ('"answers":{"overall":5}', '"answers":{"overall":%d}'),
        (f'"occurred_at":"{_utc(event.occurred_at)}"', '"occurred_at":"%s"'),
        (f'"received_at":"{_utc(event.received_at)}"', '"received_at":"%s"'),
    )
    for office, level, moment in _given(units, spells):
        value = template % (uuid7(), unit(office), moment, level, moment)
        yield Sent(office % FEEDBACK_SUBMITTED.partitions, unit(office).encode(), value.encode())


def _accepted_template(level: int) -> str:
    event = accepted(0, level, field="land")
    return _with_places(
        event.to_json().decode(),
        (event.unit, "%s"),
        ('"field":"land"', '"field":"%s"'),
        (f'"occurred_at":"{_utc(event.occurred_at)}"', '"occurred_at":"%s"'),
        (f'"received_at":"{_utc(event.received_at)}"', '"received_at":"%s"'),
        ("commune:00004", "commune:%s"),
        ("province:01", "province:%s"),
        ('"partition":0,"offset":0', '"partition":%d,"offset":%d'),
    )


def _with_places(known: str, *places: tuple[str, str]) -> str:
    """The JSON of an event with places for what differs."""
    for old, new in places:
        if known.count(old) != 1:
            msg = f"{old} is not once in {known}"
            raise ValueError(msg)
        known = known.replace(old, new)
    return known


def _utc(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


async def fill(
    kafka_url: str, topic: Topic, answers: Iterator[Sent], count: int, progress: Progress
) -> None:
    """Write answers to a topic, quickly.

    Args:
        kafka_url: where.
        topic: with the events that the answers are.
        answers: for it; what is more than `count` is left.
        count: so many of them.
        progress: shown meanwhile.
    """
    task = progress.add_task(topic.name, total=count)
    event, source = {
        FEEDBACK_ACCEPTED: (accepted(0), "/langnghe/ingest"),
        FEEDBACK_SUBMITTED: (submitted(), "/langnghe/gateway"),
    }[topic]
    attributes = headers(topic, event, source)
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka_url, acks="all", max_batch_size=_BATCH_BYTES, linger_ms=10
    )
    await producer.start()
    try:
        batches = {partition: producer.create_batch() for partition in range(topic.partitions)}

        async def send(partition: int) -> None:
            batch = batches[partition]
            batches[partition] = producer.create_batch()
            await (await producer.send_batch(batch, topic.name, partition=partition))

        for number, (partition, key, value) in enumerate(islice(answers, count)):
            record = {"timestamp": None, "key": key, "value": value, "headers": attributes}
            if batches[partition].append(**record) is None:
                await send(partition)
                batches[partition].append(**record)
            if number % _PART == 0:
                progress.update(task, completed=number)
        for partition in batches:
            await send(partition)
    finally:
        await producer.stop()
    progress.update(task, completed=count)
