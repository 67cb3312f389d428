"""Settings of the gateway."""

from typing import Annotated

from pydantic import Field

from services.runtime.settings import Settings


class GatewaySettings(Settings):
    """Settings of the gateway.

    Attributes:
        publish_seconds: how long a kiosk may wait for Kafka's acknowledgement before it is told to
            come back.
        retry_after_seconds: how long it is then told to wait.
        max_body: largest request body of one response, in bytes.
        max_batch_body: largest request body of a batch, in bytes.
    """

    publish_seconds: Annotated[float, Field(gt=0)] = 3.0
    retry_after_seconds: Annotated[int, Field(ge=1)] = 5
    max_body: Annotated[int, Field(ge=1024)] = 32 * 1024
    max_batch_body: Annotated[int, Field(ge=1024)] = 2 * 1024 * 1024
