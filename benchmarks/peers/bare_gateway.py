"""An endpoint that only answers: the framework, the server and the model of the gateway, no more.

`python -m benchmarks.peers.bare_gateway PORT`, until it is stopped.
"""

import sys
from datetime import UTC, datetime

import uvicorn
from fastapi import FastAPI

from schemas.feedback import Response
from services.gateway.intake.feedback import Accepted, BatchResult, ItemResult

app = FastAPI(openapi_url=None)


@app.post("/v1/feedback", status_code=202)
async def one(response: Response) -> Accepted:
    """Say yes to an answer."""
    return Accepted(id=response.id, received_at=datetime.now(UTC))


@app.post("/v1/feedback/batch", status_code=202)
async def batch(responses: list[Response]) -> BatchResult:
    """Say yes to many."""
    return BatchResult(
        accepted=len(responses),
        refused=0,
        received_at=datetime.now(UTC),
        results=[
            ItemResult(index=index, id=str(response.id), status="accepted")
            for index, response in enumerate(responses)
        ],
    )


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", http="httptools", log_level="warning")
