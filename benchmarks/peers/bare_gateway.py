"""An endpoint of the gateway's framework and model that only answers: nothing is kept.

`python -m benchmarks.peers.bare_gateway PORT`, until it is stopped.
"""

import sys
from datetime import UTC, datetime

import uvicorn
from fastapi import FastAPI, Request
from pydantic import UUID7, BaseModel, TypeAdapter

from schemas.feedback import Response

app = FastAPI()
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


@app.post("/v1/feedback", status_code=202)
async def one(request: Request) -> Accepted:
    response = Response.model_validate_json(await request.body())
    return Accepted(id=response.id, received_at=datetime.now(UTC))


@app.post("/v1/feedback/batch", status_code=202)
async def batch(request: Request) -> BatchAccepted:
    now, responses = datetime.now(UTC), _BATCH.validate_json(await request.body())
    taken = [Accepted(id=response.id, received_at=now) for response in responses]
    return BatchAccepted(received_at=now, results=taken)


if __name__ == "__main__":
    uvicorn.run(
        app,
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
    )
