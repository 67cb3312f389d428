"""CloudEvents 1.0 in Kafka's binary content mode: attributes are headers, the value is the data.

Sources: CloudEvents Kafka Protocol Binding 1.0.2, section 3.2; for `traceparent`, its Distributed
Tracing extension.
"""

from typing import Final

from schemas.base import Event

CONTENT_TYPE = "application/json"
TRACEPARENT: Final = "ce_traceparent"


def headers(event: Event, source: str, traceparent: str | None = None) -> list[tuple[str, bytes]]:
    """The record headers of an event.

    Args:
        event: what is sent.
        source: which part of the system says so, e.g. `/langnghe/ingest`.
        traceparent: of the step that sends it, if that is traced.
    """
    traced = [] if traceparent is None else [(TRACEPARENT, traceparent.encode())]
    return [
        ("content-type", CONTENT_TYPE.encode()),
        ("ce_specversion", b"1.0"),
        ("ce_id", event.event_id().encode()),
        ("ce_source", source.encode()),
        ("ce_type", event.TYPE.encode()),
        ("ce_subject", event.subject().encode()),
        ("ce_time", event.event_time().isoformat().encode()),
        *traced,
    ]
