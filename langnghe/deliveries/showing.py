"""A delivery in the words that an operator reads. Pure."""

from datetime import UTC, datetime
from typing import Any

from langnghe.quarantine.showing import local
from services.notify.delivery.deliveries import Delivery, Standing


def line(delivery: Delivery) -> str:
    """One line of a list."""
    parts = [
        delivery.id,
        local(delivery.created_at),
        delivery.receiver,
        delivery.told,
        delivery.alert,
        delivery.standing.value,
        f"{len(delivery.tried)} attempts",
    ]
    if delivery.next_at is not None:
        parts.append(f"next {local(delivery.next_at)}")
    return "  ".join(parts)


def _utc(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None


def as_json(delivery: Delivery) -> dict[str, Any]:
    """The same for a program, with times in UTC."""
    return {
        "id": delivery.id,
        "receiver": delivery.receiver,
        "alert": delivery.alert,
        "told": delivery.told,
        "state": delivery.standing.value,
        "created_at": _utc(delivery.created_at),
        "next_at": _utc(delivery.next_at),
        "attempts": [{"at": _utc(one.at), "outcome": one.outcome} for one in delivery.tried],
    }


def _next(delivery: Delivery, earlier: str | None) -> str:
    match delivery.standing:
        case Standing.WAITING if earlier is not None:
            return f"after {earlier}, of the same alert"
        case Standing.WAITING if delivery.next_at is not None:
            return local(delivery.next_at)
        case Standing.DISABLED:
            return f"none: {delivery.receiver} answered 410 and is disabled"
        case Standing.GIVEN_UP:
            return "none: given up"
    return "none"


def page(delivery: Delivery, earlier: str | None) -> str:
    """Everything about a delivery.

    Args:
        delivery: to show.
        earlier: the message of the same alert that has to go first, if there is one.
    """
    return "\n".join(
        [
            delivery.id,
            f"to: {delivery.receiver}",
            f"tells: {delivery.alert}, {delivery.told}",
            f"since: {local(delivery.created_at)}",
            f"state: {delivery.standing.value}",
            "attempts:",
            *(f"  {local(one.at)}  {one.outcome}" for one in delivery.tried),
            f"next attempt: {_next(delivery, earlier)}",
        ]
    )
