"""What metrics tell of the outbox: what waits and since when, what was given up, who is gone."""

from services.notify import endpoints
from services.notify.outbox import Channel, EntryState
from services.notify.storage import OUTBOX
from services.runtime import metrics
from services.runtime.clock import Clock
from services.runtime.database import Database


async def measure(database: Database, clock: Clock) -> None:
    """Set the gauges. What waits for a disabled endpoint has no age: that is another worry."""
    now = clock()
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
