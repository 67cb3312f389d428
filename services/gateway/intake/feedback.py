"""`POST /v1/feedback`: takes responses in, answers 202 when Kafka has them.

The way of a request: capacity → body → `senders` (who is it?) → form → `senders` (may it?) → Kafka.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import UUID7, BaseModel, Field

from schemas.feedback import FeedbackSubmitted, Response, Violation
from schemas.topics import FEEDBACK_SUBMITTED
from services.gateway.body import documented_body, json_body, parsed
from services.gateway.devices.model import Device
from services.gateway.intake.batches import BATCH_LIMIT, read_batch
from services.gateway.intake.heartbeats import Presence
from services.gateway.intake.senders import NotAllowedError, Senders
from services.gateway.limits import Capacity
from services.gateway.people.guard import INTAKE
from services.gateway.problems import ProblemError, documented, unavailable
from services.gateway.settings import GatewaySettings
from services.runtime import metrics, tracing
from services.runtime.clock import Clock
from services.runtime.producer import KafkaUnavailableError, Producer

EXAMPLE: dict[str, Any] = {
    "id": "019aa000-0000-7000-8000-000000000001",
    "unit": "000.00.19.H26",
    "device": "d-1f2e3d4c5b6a798897a6b5c4",
    "sequence": 1,
    "channel": "kiosk",
    "stage": "result",
    "field": "ho-tich",
    "occurred_at": "2026-11-22T09:00:00+07:00",
    "instrument": "kiosk",
    "instrument_version": 1,
    "answers": {"overall": 5},
    "comment": "Cán bộ hướng dẫn tận tình",
    "language": "vi",
}


class Accepted(BaseModel):
    """Kafka has the response: it will be counted or set aside with a reason, never lost."""

    id: UUID7
    status: Literal["accepted"] = "accepted"
    received_at: datetime


class ItemResult(BaseModel):
    """What became of one item of a batch."""

    index: int = Field(description="Place in the batch, from 0")
    id: str | None = Field(description="The item's id, as far as it could be read")
    status: Literal["accepted", "refused"]
    errors: tuple[Violation, ...] = ()  # a list would be copied for each


class BatchResult(BaseModel):
    """What became of a batch, item by item."""

    accepted: int
    refused: int
    received_at: datetime
    results: list[ItemResult]


def _received(response: Response, now: datetime) -> FeedbackSubmitted:
    # Every value is checked already, and `dict(response)` would take as long as checking it again.
    return FeedbackSubmitted.model_construct(**response.__dict__, received_at=now)


class Intake:
    """Where responses come in."""

    def __init__(
        self,
        producer: Producer,
        senders: Senders,
        presence: Presence,
        capacity: Capacity,
        settings: GatewaySettings,
        clock: Clock,
    ) -> None:
        """Hold what the work needs."""
        self._producer = producer
        self._senders = senders
        self._presence = presence
        self._capacity = capacity
        self._settings = settings
        self._clock = clock
        metrics.from_zero(metrics.GATEWAY_RESPONSES, ("accepted", "refused", "unavailable"))

    async def _publish(self, events: list[FeedbackSubmitted]) -> None:
        started = time.monotonic()
        try:
            await self._producer.send(
                FEEDBACK_SUBMITTED, events, timeout=self._settings.publish_seconds
            )
        except KafkaUnavailableError:
            metrics.GATEWAY_RESPONSES.labels("unavailable").inc(len(events))
            raise unavailable(
                "unavailable",
                "The response was not stored; keep it and send it again.",
                self._settings.retry_after_seconds,
            ) from None
        metrics.GATEWAY_PUBLISH_SECONDS.observe(time.monotonic() - started)
        metrics.GATEWAY_RESPONSES.labels("accepted").inc(len(events))

    async def one(self, request: Request) -> Accepted:
        """Take one response in, from a device that signs, with a token, or from anybody."""
        try:
            with self._capacity.one():
                return await self._one(request)
        except ProblemError as error:
            if error.problem.status != 503:
                metrics.GATEWAY_RESPONSES.labels("refused").inc()
            raise

    async def _one(self, request: Request) -> Accepted:
        body = await json_body(request, self._settings.max_body, self._settings.body_seconds)
        device = await self._senders.sender(request, body)
        if device is not None:
            self._presence.seen(device)
            await self._senders.spend(device, 1)
        try:
            response = self._senders.admit(parsed(Response, body, "response"), device)
        except NotAllowedError as error:
            detail = "The sender may not hand this response in."
            raise ProblemError(403, "not-allowed", detail, error.errors) from None
        now = self._clock()
        await self._publish([_received(response, now)])
        return Accepted(id=response.id, received_at=now)

    async def batch(self, request: Request) -> BatchResult:
        """Take up to 500 responses of a device in; each is judged for itself."""
        with self._capacity.one():
            limit = self._settings.max_batch_body
            body = await json_body(request, limit, self._settings.body_seconds)
            device = await self._senders.device(request, body)
            self._presence.seen(device)
            items = read_batch(body)
            await self._senders.spend(device, len(items))
            now = self._clock()
            events: list[FeedbackSubmitted] = []
            results: list[ItemResult] = []
            for index, (identity, said) in enumerate(items):
                judged = self._judge(said, device)
                if isinstance(judged, Response):
                    events.append(_received(judged, now))
                    result = ItemResult(index=index, id=identity, status="accepted")
                else:
                    result = ItemResult(
                        index=index, id=identity, status="refused", errors=tuple(judged)
                    )
                results.append(result)
            refused = len(results) - len(events)
            metrics.GATEWAY_RESPONSES.labels("refused").inc(refused)
            if events:
                await self._publish(events)
        return BatchResult(accepted=len(events), refused=refused, received_at=now, results=results)

    def _judge(
        self, said: Response | list[Violation], device: Device
    ) -> Response | list[Violation]:
        """One item of a batch, or every rule that it breaks."""
        if not isinstance(said, Response):
            return said
        try:
            return self._senders.admit(said, device)
        except NotAllowedError as error:
            return error.errors


@contextmanager
def _traced(request: Request) -> Iterator[None]:
    """As a step of the trace that the sender began, or as the first one."""
    came = request.headers.get("traceparent")
    with tracing.continuing(came), tracing.span(f"POST {request.url.path}", "server"):
        yield


def router(intake: Intake) -> APIRouter:
    """The routes of the intake."""
    routes = APIRouter(prefix="/v1/feedback", tags=["feedback"], dependencies=[INTAKE])
    schema = {"$ref": "#/components/schemas/Response"}

    @routes.post(
        "",
        status_code=202,
        summary="Hand in one response",
        responses=documented(400, 401, 403, 408, 413, 415, 422, 429, 503),
        openapi_extra=documented_body(schema, EXAMPLE),
    )
    async def one(request: Request) -> Accepted:
        with _traced(request):
            return await intake.one(request)

    @routes.post(
        "/batch",
        status_code=202,
        summary=f"Hand in up to {BATCH_LIMIT} responses",
        responses={
            207: {"model": BatchResult, "description": "Some responses break a rule"},
            **documented(400, 401, 408, 413, 415, 422, 429, 503),
        },
        response_model=BatchResult,
        openapi_extra=documented_body(
            {
                "type": "array",
                "minItems": 1,
                "maxItems": BATCH_LIMIT,
                "items": {"anyOf": [schema, {"description": "Refused, and the others are not"}]},
            },
            [EXAMPLE],
        ),
    )
    async def batch(request: Request) -> BatchResult | JSONResponse:
        with _traced(request):
            result = await intake.batch(request)
        if result.refused:
            return JSONResponse(result.model_dump(mode="json"), status_code=207)
        return result

    return routes
