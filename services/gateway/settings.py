"""Settings of the gateway."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from services.runtime.settings import Settings


class GatewaySettings(Settings):
    """Settings of the gateway.

    Attributes:
        http_host: address to serve the public on.
        http_port: port to serve the public on.
        publish_seconds: how long a kiosk may wait for Kafka's acknowledgement before it is told to
            come back.
        retry_after_seconds: how long it is then told to wait.
        max_body: largest request body of one response, in bytes.
        max_batch_body: largest request body of a batch, in bytes.
    """

    http_host: str = "127.0.0.1"
    http_port: Annotated[int, Field(ge=1, le=65535)] = 8080
    publish_seconds: Annotated[float, Field(gt=0)] = 3.0
    retry_after_seconds: Annotated[int, Field(ge=1)] = 5
    max_body: Annotated[int, Field(ge=1024)] = 32 * 1024
    max_batch_body: Annotated[int, Field(ge=1024)] = 2 * 1024 * 1024

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        if self.http_port == self.ops_port:
            msg = "http_port: must not be ops_port, which is not for the public"
            raise ValueError(msg)
        return self
