"""Documents that name places in a Kafka log, moved before the beginning of another log. Pure.

A response is known again by where its record stood, and scoring counts only what stands above its
position. Beside a new log, whose offsets begin anew at 0, places of the old one would be taken for
places of the new. So the old log is put before the new one: its offsets become negative and keep
their order, and everything in the new log comes after them.
"""

from collections.abc import Callable, Mapping
from typing import Final

from schemas.collections import BUCKETS, POSITIONS, QUARANTINE, RESPONSES
from services.runtime.database import Document
from services.scoring.applying import NOTHING_APPLIED
from services.scoring.storage import UNREADABLE

LOG: Final = 10**12
"""More records than a partition ever holds; thousands of logs fit before 2^53."""

BEFORE_ALL: Final = NOTHING_APPLIED - LOG
"""The position of a partition of which nothing was counted."""


def _name(document: Document) -> None:
    topic, partition, offset = document["_id"].rsplit("/", 2)
    document["_id"] = f"{topic}/{partition}/{int(offset) - LOG}"


def _offset(document: Document) -> None:
    document["offset"] -= LOG


def _response(document: Document) -> None:
    for place in (document["source"], *document.get("copies", ())):
        _offset(place)


def _suspect(document: Document) -> None:
    _name(document)
    _offset(document["source"])


def _bucket(document: Document) -> None:
    for counts in (document, *document["h"].values()):
        _offset(counts)


def _position(document: Document) -> None:
    document["applied"] -= LOG
    document["refreshed"] -= LOG


MOVES: Final[Mapping[str, Callable[[Document], None]]] = {
    RESPONSES: _response,
    QUARANTINE: _suspect,
    UNREADABLE: _name,
    BUCKETS: _bucket,
    POSITIONS: _position,
}
"""How a document is moved, in place, by the collections that name places."""
