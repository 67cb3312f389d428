"""OpenTelemetry tracing: which way an answer took, and how long each step of it. Off by default.

With `otlp`, the only module that knows OpenTelemetry. Without a collector nothing here starts a
span or reads a header. A process is one service, so where spans go is a state of the process. They
hold counts, places and names of ours, never what somebody wrote: of an error its type alone.

A batch has one span: in the trace of its records if they share one, else in a trace of its own,
with links to theirs. Never more than `MOST_TRACES` of a batch are looked after, the newest, so
that a backlog costs no more than a single batch; the others go on with the next step.

Sources: W3C Trace Context; OpenTelemetry's conventions for messaging spans; CloudEvents'
Distributed Tracing extension.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from itertools import islice
from types import MappingProxyType
from typing import ClassVar, Final, Literal

from aiokafka import ConsumerRecord
from opentelemetry import context, trace
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from schemas.cloudevents import TRACEPARENT

Kind = Literal["internal", "server", "client", "consumer"]
Attributes = Mapping[str, str | int]

MOST_TRACES: Final = 32
MOST_RECORDS: Final = 512
"""So many of a batch's newest records are looked at."""

_W3C: Final = TraceContextTextMapPropagator()
_WELL_FORMED: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


class _Process:
    """Where the spans of this process go; nowhere at first."""

    tracer: ClassVar[trace.Tracer | None] = None


@asynccontextmanager
async def exporting(service: str, collector: str | None) -> AsyncIterator[None]:
    """Send spans to a collector as long as the block runs; without one, trace nothing.

    What waits at the end is sent. A collector that does not answer costs spans and nothing else.

    Args:
        service: as in schemas/flow.py; shown as `langnghe-NAME`.
        collector: where it takes traces by OTLP/HTTP, `http://…/v1/traces`.
    """
    if collector is None:
        yield
        return
    # Eight megabytes that a process without a collector does without.
    from services.runtime.otlp import provider_of  # noqa: PLC0415

    provider = provider_of(service, collector)
    _Process.tracer = provider.get_tracer("langnghe")
    try:
        yield
    finally:
        _Process.tracer = None
        await asyncio.to_thread(provider.shutdown)


def on() -> bool:
    """Whether this process traces at all."""
    return _Process.tracer is not None


def valid(traceparent: str | None) -> str | None:
    """A `traceparent` from outside; None when it is not one, or when nothing is traced.

    The standard asks to go on without one that is wrong (W3C Trace Context, 3.2.2).
    """
    if _Process.tracer is None or traceparent is None or not _WELL_FORMED.fullmatch(traceparent):
        return None
    return traceparent


def of(record: ConsumerRecord[bytes, bytes]) -> str | None:
    """The `traceparent` that a Kafka record came with."""
    if _Process.tracer is None:
        return None
    for name, value in reversed(record.headers):  # we write it last
        if name == TRACEPARENT and value is not None:
            return valid(value.decode("ascii", "replace"))
    return None


def newest(records: Sequence[ConsumerRecord[bytes, bytes]]) -> Sequence[str]:
    """The traces of a batch to look after, newest first."""
    if _Process.tracer is None:
        return ()
    return recorded(of(record) for record in islice(reversed(records), MOST_RECORDS))


def recorded(traceparents: Iterable[str | None]) -> Sequence[str]:
    """Of several traces those to look after: the first that are recorded at all, each once."""
    found: dict[str, None] = {}
    for one in traceparents:
        if one is not None and TraceFlags(int(one[-2:], 16)).sampled:
            found[one] = None
            if len(found) == MOST_TRACES:
                break
    return tuple(found)


def current() -> str | None:
    """The `traceparent` of what is being done; None outside of every trace."""
    return _write(trace.get_current_span())


def ids() -> dict[str, str]:
    """The ids of what is being done, for a line of the log; nothing outside of every trace."""
    here = trace.get_current_span().get_span_context()
    if not here.is_valid:
        return {}
    return {
        "trace_id": trace.format_trace_id(here.trace_id),
        "span_id": trace.format_span_id(here.span_id),
    }


def failed(error: BaseException) -> None:
    """Note that the step that is being done failed: the type of the error, never its text."""
    _fail(trace.get_current_span(), error)


@contextmanager
def continuing(traceparent: str | None) -> Iterator[None]:
    """Do something in a trace, without a span of its own; without one, where it is done."""
    if valid(traceparent) is None or _is_here(str(traceparent)):
        yield
        return
    token = context.attach(_W3C.extract({"traceparent": str(traceparent)}))
    try:
        yield
    finally:
        context.detach(token)


@contextmanager
def span(
    name: str,
    kind: Kind = "internal",
    attributes: Attributes = MappingProxyType({}),
    *,
    links: Sequence[str] = (),
) -> Iterator[None]:
    """Do something as a step of what is being done, or as the first one of a trace."""
    if _Process.tracer is None:
        yield
        return
    step = _Process.tracer.start_span(
        name,
        kind=SpanKind[kind.upper()],
        attributes=attributes,
        links=[Link(_read(one)) for one in links],
    )
    with _ending(step), trace.use_span(step, record_exception=False, set_status_on_exception=False):
        yield


@contextmanager
def batch(
    name: str, traceparents: Sequence[str], attributes: Attributes = MappingProxyType({})
) -> Iterator[None]:
    """Do something for several traces at once; without a span if there is none (see `newest`)."""
    match traceparents:
        case []:
            yield
        case [alone]:
            with continuing(alone), span(name, "consumer", attributes):
                yield
        case _:
            with span(name, "consumer", attributes, links=traceparents):
                yield


@contextmanager
def each(name: str, traceparents: Sequence[str]) -> Iterator[Mapping[str, str]]:
    """Do something as a step of each of several traces, within `batch`.

    Yields:
        By the `traceparent` that came, what is to be handed on: that of a span of its own, with a
        link to the batch's; the batch's own, if it is in that trace.
    """
    if _Process.tracer is None:
        yield {}
        return
    around = trace.get_current_span()
    handed_on: dict[str, str] = {}
    with ExitStack() as steps:
        for came in traceparents:
            step = around
            if not _is_here(came):
                step = _Process.tracer.start_span(
                    name,
                    _W3C.extract({"traceparent": came}),
                    SpanKind.CONSUMER,
                    links=[Link(around.get_span_context())],
                )
                steps.enter_context(_ending(step))
            handed_on[came] = str(_write(step))
        yield handed_on


@contextmanager
def _ending(step: Span) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        _fail(step, error)
        raise
    finally:
        step.end()


def _fail(step: Span, error: BaseException) -> None:
    step.set_status(StatusCode.ERROR)
    step.set_attribute("error.type", type(error).__name__)


def _read(traceparent: str) -> SpanContext:
    found = _W3C.extract({"traceparent": traceparent})
    return trace.get_current_span(found).get_span_context()


def _write(step: Span) -> str | None:
    carrier: dict[str, str] = {}
    _W3C.inject(carrier, trace.set_span_in_context(step))
    return carrier.get("traceparent")


def _is_here(traceparent: str) -> bool:
    here = trace.get_current_span().get_span_context()
    return here.is_valid and _read(traceparent).trace_id == here.trace_id
