"""Settings of the gateway."""

from typing import Annotated

from pydantic import Field, SecretStr

from services.runtime.settings import Settings


class GatewaySettings(Settings):
    """Settings of the gateway.

    Attributes:
        publish_seconds: how long a kiosk may wait for Kafka's acknowledgement before it is told to
            come back.
        retry_after_seconds: how long it is then told to wait.
        max_body: largest request body of one response, in bytes.
        max_batch_body: largest request body of a batch, in bytes.
        body_seconds: how long a request body may take to arrive.
        most_at_once: requests of the intake that may be under way; more are turned away at once.
        signature_minutes: how far the time of a signature may lie from ours, either way.
        kiosk_per_minute: answers that one kiosk may send; one that was cut off catches up with it.
        system_per_minute: answers that one system (a portal, an import) may send.
        anonymous_per_minute: answers from one address without a device.
        enrolments_per_minute: attempts to enrol from one address.
        token_key: key of the dossier tokens, 32 characters or more; without it none is taken.
    """

    publish_seconds: Annotated[float, Field(gt=0)] = 3.0
    retry_after_seconds: Annotated[int, Field(ge=1)] = 5
    max_body: Annotated[int, Field(ge=1024)] = 32 * 1024
    max_batch_body: Annotated[int, Field(ge=1024)] = 2 * 1024 * 1024
    body_seconds: Annotated[float, Field(gt=0)] = 10.0
    most_at_once: Annotated[int, Field(ge=1)] = 500
    signature_minutes: Annotated[int, Field(ge=1)] = 5
    kiosk_per_minute: Annotated[int, Field(ge=1)] = 1000
    system_per_minute: Annotated[int, Field(ge=1)] = 200_000
    anonymous_per_minute: Annotated[int, Field(ge=1)] = 60
    enrolments_per_minute: Annotated[int, Field(ge=1)] = 20
    token_key: Annotated[SecretStr | None, Field(min_length=32)] = None
