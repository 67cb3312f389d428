"""Settings of the gateway."""

from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from services.runtime.settings import Settings


class GatewaySettings(Settings):
    """Settings of the gateway.

    Attributes:
        publish_seconds: how long a kiosk may wait for Kafka's acknowledgement before it is told to
            come back.
        retry_after_seconds: how long it is then told to wait.
        max_body: largest request body of one response, in bytes.
        max_batch_body: largest request body of a batch, in bytes.
        session_hours: how long somebody stays signed in at most.
        session_idle_minutes: how long somebody stays signed in without doing anything.
        oidc_issuer: OpenID provider that people may sign in with, as its discovery document
            (`/.well-known/openid-configuration`) names it; without one, only passwords.
        oidc_client_id: who we are to the provider.
        oidc_client_secret: our secret there, if it gave us one.
    """

    publish_seconds: Annotated[float, Field(gt=0)] = 3.0
    retry_after_seconds: Annotated[int, Field(ge=1)] = 5
    max_body: Annotated[int, Field(ge=1024)] = 32 * 1024
    max_batch_body: Annotated[int, Field(ge=1024)] = 2 * 1024 * 1024
    session_hours: Annotated[float, Field(gt=0, le=24 * 7)] = 10
    session_idle_minutes: Annotated[float, Field(gt=1, le=24 * 60)] = 30
    oidc_issuer: Annotated[
        str | None, Field(pattern=r"^(https://|http://(127\.0\.0\.1|localhost)[:/])\S+$")
    ] = None
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None

    @model_validator(mode="after")
    def _whole_provider(self) -> Self:
        if (self.oidc_issuer is None) != (self.oidc_client_id is None):
            msg = "oidc_issuer and oidc_client_id: needs both or neither"
            raise ValueError(msg)
        return self
