"""What metrics tell of alerting: what waits to be delivered, what was given up, who is gone, and
which alerts nobody has answered."""

from datetime import datetime

from schemas.alert import AlertState, Handling, Severity
from schemas.collections import ALERTS
from services.notify.delivery import endpoints
from services.notify.delivery.gathering import Into
from services.notify.delivery.outbox import Channel, EntryState
from services.notify.storage import GATHERED, OUTBOX
from services.runtime import metrics
from services.runtime.clock import Clock
from services.runtime.database import Database


async def measure(database: Database, clock: Clock) -> None:
    """Set the gauges."""
    now = clock()
    await _measure_outbox(database, now)
    await _measure_alerts(database, now)
    for into in Into:
        number = await database[GATHERED].count_documents({"into": into.value})
        metrics.NOTIFY_GATHERED.labels(into.value).set(number)


async def _measure_alerts(database: Database, now: datetime) -> None:
    rows = database.aggregate(
        ALERTS,
        [
            {
                "$match": {
                    "open": True,
                    "state": AlertState.FIRING.value,
                    "held": {"$ne": True},  # while it is held back nobody is asked for an answer
                    "event.handling": Handling.WAITING.value,
                }
            },
            {
                "$group": {
                    "_id": "$event.severity",
                    "number": {"$sum": 1},
                    "oldest": {"$min": "$opened_at"},
                }
            },
        ],
    )
    found = {row["_id"]: row async for row in rows}
    for severity in (Severity.CRITICAL, Severity.WARNING):  # nobody is told of what is only info
        row = found.get(severity.value, {"number": 0, "oldest": now})
        age = (now - row["oldest"]).total_seconds()
        metrics.NOTIFY_UNACKNOWLEDGED.labels(severity.value).set(row["number"])
        metrics.NOTIFY_OLDEST_UNACKNOWLEDGED_SECONDS.labels(severity.value).set(age)


async def _measure_outbox(database: Database, now: datetime) -> None:
    """What waits for a disabled endpoint has no age: that is another worry."""
    closed = await endpoints.closed(database, now)
    disabled = [name for name, one in closed.items() if one.disabled_at is not None]
    open_ = {"$not": {"$in": ["$receiver", disabled]}}
    rows = database.aggregate(
        OUTBOX,
        [
            {"$match": {"state": {"$ne": EntryState.DELIVERED.value}}},
            {
                "$group": {
                    "_id": {"state": "$state", "channel": "$channel"},
                    "number": {"$sum": 1},
                    "oldest": {"$min": {"$cond": [open_, "$created_at", None]}},
                }
            },
        ],
    )
    found = {(row["_id"]["state"], row["_id"]["channel"]): row async for row in rows}
    for channel in Channel:
        waiting = found.get((EntryState.WAITING.value, channel.value), {})
        given_up = found.get((EntryState.GIVEN_UP.value, channel.value), {})
        oldest = waiting.get("oldest")
        age = (now - oldest).total_seconds() if oldest else 0
        metrics.NOTIFY_WAITING.labels(channel.value).set(waiting.get("number", 0))
        metrics.NOTIFY_OLDEST_WAITING_SECONDS.labels(channel.value).set(age)
        metrics.NOTIFY_GIVEN_UP.labels(channel.value).set(given_up.get("number", 0))
    metrics.NOTIFY_DISABLED_ENDPOINTS.set(len(disabled))
