"""CloudEvents 1.0 in Kafka's binary content mode: attributes are headers, the value is the data.

Only the attributes that an event must have. The optional ones would say again what key and value
say, and every reader pays for every header of every record, also for those it does not look at.

Sources: CloudEvents Kafka Protocol Binding 1.0.2, section 3.2; for `traceparent`, its Distributed
Tracing extension.
"""

from functools import cache
from typing import Final

from schemas.base import Event
from schemas.topics import Topic

Header = tuple[str, bytes]

TRACEPARENT: Final = "ce_traceparent"


@cache
def _alike(event_type: str, source: str) -> tuple[Header, ...]:
    """The headers that all events of a type have which one part of the system sends."""
    return (
        ("ce_specversion", b"1.0"),
        ("ce_source", source.encode()),
        ("ce_type", event_type.encode()),
    )


def headers(
    topic: Topic, event: Event, source: str, traceparent: str | None = None
) -> list[Header]:
    """The record headers of an event.

    Args:
        topic: that it is sent to; names its type.
        event: what is sent, or what that is made of: tells its id.
        source: which part of the system says so, e.g. `/langnghe/ingest`.
        traceparent: of the step that sends it, if that is traced.
    """
    traced = [] if traceparent is None else [(TRACEPARENT, traceparent.encode())]
    return [
        *_alike(topic.event.TYPE, source),
        ("ce_id", event.event_id().encode()),
        *traced,
    ]
