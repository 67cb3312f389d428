"""An OpenTelemetry collector over OTLP/HTTP: takes spans as any would, and keeps them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from deploy.local import ports


class Seen(NamedTuple):
    """A span that was exported; ids as in a `traceparent`."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    links: frozenset[str]
    attributes: dict[str, str | int]
    failed: bool


class Collector:
    """Listens on a free loopback port; what is not a trace it refuses and remembers."""

    def __init__(self) -> None:
        self.address = f"http://127.0.0.1:{ports.choose()}"
        self.url = f"{self.address}/v1/traces"
        self.spans: list[Seen] = []
        self.raw = b""
        self.refused: list[str] = []

    def of_trace(self, trace: str) -> list[Seen]:
        """The spans of one trace, by any service."""
        return [span for span in self.spans if span.trace == trace]

    async def _on_traces(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.raw += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            named = {one.key: one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += [
                    Seen(
                        named["service.name"],
                        span.name,
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
                        frozenset(link.trace_id.hex() for link in span.links),
                        {
                            one.key: one.value.string_value or one.value.int_value
                            for one in span.attributes
                        },
                        span.status.code == Status.STATUS_CODE_ERROR,
                    )
                    for span in scope.spans
                ]
        answer = ExportTraceServiceResponse().SerializeToString()
        return web.Response(body=answer, content_type="application/x-protobuf")

    async def _on_anything(self, request: web.Request) -> web.Response:
        self.refused.append(request.path)
        return web.Response(status=404)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen as long as the block runs."""
        app = web.Application()
        app.router.add_post("/v1/traces", self._on_traces)
        app.router.add_route("*", "/{any:.*}", self._on_anything)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", int(self.address.rpartition(":")[2])).start()
        try:
            yield
        finally:
            await runner.cleanup()
