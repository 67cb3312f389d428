"""Where spans go when there is a collector: by OTLP/HTTP, a few at a time."""

from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

_EXPORT_SECONDS: Final = 3.0
"""Four exports at most wait at the end (a queue of 2,048, 512 each): a stop has 15 s to spare."""


def provider_of(service: str, collector: str) -> TracerProvider:
    """What makes the spans of one service and sends them.

    Args:
        service: as in schemas/flow.py; shown as `langnghe-NAME`.
        collector: where it takes traces, `http://…/v1/traces`.
    """
    resource = Resource.create({SERVICE_NAME: f"langnghe-{service}"})
    # Ours alone, not that of all libraries: theirs would tell addresses with what is in them.
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=collector, timeout=_EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider
