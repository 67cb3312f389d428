"""Settings of the gateway."""

from typing import Annotated

from limits import parse
from pydantic import AfterValidator, Field, SecretStr

from services.gateway.contacts.sealing import MasterKey
from services.runtime.settings import Settings


def _master_key(key: SecretStr) -> SecretStr:
    MasterKey.from_base64(key.get_secret_value())
    return key


def _rate(text: str) -> str:
    parse(text)
    return text


class GatewaySettings(Settings):
    """Settings of the gateway.

    Attributes:
        publish_seconds: how long a kiosk may wait for Kafka's acknowledgement before it is told to
            come back.
        retry_after_seconds: how long it is then told to wait.
        max_body: largest request body of one response, in bytes.
        max_batch_body: largest request body of a batch, in bytes.
        contact_key: master key of citizens' contact data, base64 of 32 bytes
            (`openssl rand -base64 32`); without one, contact data is not taken.
        contact_days: how long contact data is kept.
        contact_rate: how many contacts one address may leave, as `10/hour`.
    """

    publish_seconds: Annotated[float, Field(gt=0)] = 3.0
    retry_after_seconds: Annotated[int, Field(ge=1)] = 5
    max_body: Annotated[int, Field(ge=1024)] = 32 * 1024
    max_batch_body: Annotated[int, Field(ge=1024)] = 2 * 1024 * 1024
    contact_key: Annotated[SecretStr, AfterValidator(_master_key)] | None = None
    contact_days: Annotated[int, Field(ge=1, le=366)] = 90
    contact_rate: Annotated[str, AfterValidator(_rate)] = "10/hour"
