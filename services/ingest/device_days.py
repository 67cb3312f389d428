"""Sums of each device's answers by local day, which months and usual hours are taken from.

They follow from the stored responses alone and are overwritten, so to make them again is harmless.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from pymongo import ReplaceOne

from method.period import day_key, local_midnight
from method.suspicion import Answer, Sums, sums_of, usual_hour
from schemas.collections import RESPONSES
from schemas.feedback import Channel
from schemas.instrument import OVERALL
from services.runtime.database import Database, Document

DEVICE_DAYS: Final = "ingest.device_days"
"""Owner: ingest. One document a device and local day, `_id` unit/device/day: `Sums`, and the usual
hour of the day as `per_hour`."""

_TYPED: Final = (Channel.IMPORT.value, Channel.PAPER.value)
"""Written down by somebody else, at another time: they say nothing about a device or an hour."""

Devices = dict[str, list[Answer]]


class Past(NamedTuple):
    """Sums of a device over some days, and its usual hour in them."""

    sums: Sums
    per_hour: float | None


async def offices_of(database: Database, day: date) -> AsyncIterator[tuple[str, Devices]]:
    """The answers of each office on a local day, by device."""
    within = {"$gte": local_midnight(day), "$lt": local_midnight(day + timedelta(days=1))}
    pipeline: list[dict[str, Any]] = [
        {"$match": {"occurred_at": within, "channel": {"$nin": list(_TYPED)}}},
        {
            "$group": {
                "_id": "$unit",
                "answers": {
                    "$push": {
                        "device": "$device",
                        "at": "$occurred_at",
                        "channel": "$channel",
                        "answers": "$answers",
                    }
                },
            }
        },
    ]
    async for document in database.aggregate(RESPONSES, pipeline):
        devices: Devices = defaultdict(list)
        for one in document["answers"]:
            kiosk = one["channel"] == Channel.KIOSK.value
            levels: dict[str, int] = one["answers"]
            answer = Answer(one["device"], one["at"], kiosk, levels, levels.get(OVERALL))
            devices[answer.device].append(answer)
        yield document["_id"], devices


def rows_of(unit: str, day: date, devices: Devices) -> list[Document]:
    """What is kept of an office's day, a document a device."""
    return [
        {
            "_id": f"{unit}/{device}/{day_key(day)}",
            "unit": unit,
            "device": device,
            "day": day_key(day),
            "per_hour": usual_hour(answers),
            **sums_of(answers)._asdict(),
        }
        for device, answers in devices.items()
    ]


async def keep(database: Database, rows: Sequence[Document]) -> None:
    """Write rows in place of those that were there."""
    if rows:
        await database[DEVICE_DAYS].bulk_write(
            [ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in rows], ordered=False
        )


async def between(database: Database, first: date, last: date) -> Mapping[str, Mapping[str, Past]]:
    """The sums of the days from one to another, both included, by office and device."""
    pipeline: list[dict[str, Any]] = [
        {"$match": {"day": {"$gte": day_key(first), "$lte": day_key(last)}}},
        {
            "$group": {
                "_id": {"unit": "$unit", "device": "$device"},
                "per_hour": {"$avg": "$per_hour"},
                **{name: {"$sum": f"${name}"} for name in Sums._fields},
            }
        },
    ]
    found: defaultdict[str, dict[str, Past]] = defaultdict(dict)
    async for one in database.aggregate(DEVICE_DAYS, pipeline):
        sums = Sums(*(int(one[name]) for name in Sums._fields))
        found[one["_id"]["unit"]][one["_id"]["device"]] = Past(sums, one["per_hour"])
    return found
