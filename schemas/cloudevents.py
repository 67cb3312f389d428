"""CloudEvents 1.0 in Kafka's binary content mode: attributes are headers, the value is the data.

Source: CloudEvents Kafka Protocol Binding 1.0.2, section 3.2.
"""

from schemas.base import Event

CONTENT_TYPE = "application/json"


def headers(event: Event, source: str) -> list[tuple[str, bytes]]:
    """The record headers of an event.

    Args:
        event: what is sent.
        source: which part of the system says so, e.g. `/langnghe/ingest`.
    """
    return [
        ("content-type", CONTENT_TYPE.encode()),
        ("ce_specversion", b"1.0"),
        ("ce_id", event.event_id().encode()),
        ("ce_source", source.encode()),
        ("ce_type", event.TYPE.encode()),
        ("ce_subject", event.subject().encode()),
        ("ce_time", event.event_time().isoformat().encode()),
    ]
