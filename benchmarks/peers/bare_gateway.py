"""An endpoint of the gateway's framework and model that asks nobody who they are.

`python -m benchmarks.peers.bare_gateway PORT [KAFKA_URL]`, until it is stopped. With Kafka it
answers when Kafka has what came; without, it only answers, and nothing is kept.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import uvicorn
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI, Request
from pydantic import UUID7, BaseModel, TypeAdapter

from schemas.feedback import Response
from schemas.topics import FEEDBACK_SUBMITTED

_PORT, *_KAFKA = sys.argv[1:]


@asynccontextmanager
async def _connected(app: FastAPI) -> AsyncIterator[None]:
    app.state.producer = None
    if not _KAFKA:
        yield
        return
    async with AIOKafkaProducer(
        bootstrap_servers=_KAFKA[0], acks="all", enable_idempotence=True, linger_ms=2
    ) as app.state.producer:
        yield


app = FastAPI(lifespan=_connected)
# The model is strict, as JSON is meant to be: FastAPI would give it what Python made of the JSON.
_BATCH = TypeAdapter(list[Response])


class Accepted(BaseModel):
    """What the gateway answers, too."""

    id: UUID7
    status: str = "accepted"
    received_at: datetime


class BatchAccepted(BaseModel):
    """What became of a batch, item by item."""

    received_at: datetime
    results: list[Accepted]


async def _keep(responses: Sequence[Response]) -> None:
    producer: AIOKafkaProducer | None = app.state.producer
    if producer is None:
        return
    topic = FEEDBACK_SUBMITTED.name
    sent = [await producer.send(topic, r.to_json(), key=r.unit.encode()) for r in responses]
    await asyncio.gather(*sent)


@app.post("/v1/feedback", status_code=202)
async def one(request: Request) -> Accepted:
    response = Response.model_validate_json(await request.body())
    await _keep([response])
    return Accepted(id=response.id, received_at=datetime.now(UTC))


@app.post("/v1/feedback/batch", status_code=202)
async def batch(request: Request) -> BatchAccepted:
    now, responses = datetime.now(UTC), _BATCH.validate_json(await request.body())
    await _keep(responses)
    taken = [Accepted(id=response.id, received_at=now) for response in responses]
    return BatchAccepted(received_at=now, results=taken)


if __name__ == "__main__":
    uvicorn.run(
        app,
        port=int(_PORT),
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
    )
