"""Settings of the gateway."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from services.gateway.contacts.sealing import MasterKey, key_of
from services.runtime.settings import Settings


def _well_formed(key: SecretStr) -> SecretStr:
    key_of(key.get_secret_value())
    return key


ContactKey = Annotated[SecretStr, AfterValidator(_well_formed)]


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
        body_seconds: how long a request body may take to arrive.
        most_at_once: requests of the intake that may be under way; more are turned away at once.
        signature_minutes: how far the time of a signature may lie from ours, either way.
        kiosk_per_minute: answers that one kiosk may send; one that was cut off catches up with it.
        system_per_minute: answers that one system (a portal, an import) may send.
        anonymous_per_minute: answers from one address without a device.
        enrolments_per_minute: attempts to enrol from one address.
        token_key: key of the dossier tokens, 32 characters or more; without it none is taken.
        contact_key: master key of citizens' contact data, base64 of 32 bytes
            (`openssl rand -base64 32`); without one, contact data is not taken.
        contact_key_before: the master key before it, until `langnghe contacts rewrap` is through.
        contact_days: how long contact data is kept.
        contacts_per_hour: contacts that one address may leave.
        session_hours: how long somebody stays signed in at most.
        session_idle_minutes: how long somebody stays signed in without doing anything.
        oidc_issuer: OpenID provider that people may sign in with, as its discovery document
            (`/.well-known/openid-configuration`) names it; without one, only passwords.
        oidc_client_id: who we are to the provider.
        oidc_client_secret: our secret there, if it gave us one.
    """

    http_host: str = "127.0.0.1"
    http_port: Annotated[int, Field(ge=1, le=65535)] = 8080
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
    contact_key: ContactKey | None = None
    contact_key_before: ContactKey | None = None
    contact_days: Annotated[int, Field(ge=1, le=366)] = 90
    contacts_per_hour: Annotated[int, Field(ge=1)] = 10
    session_hours: Annotated[float, Field(gt=0, le=24 * 7)] = 10
    session_idle_minutes: Annotated[float, Field(gt=1, le=24 * 60)] = 30
    oidc_issuer: Annotated[
        str | None, Field(pattern=r"^(https://|http://(127\.0\.0\.1|localhost)[:/])\S+$")
    ] = None
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None

    @property
    def master_key(self) -> MasterKey | None:
        """What seals and opens contact data; None when none is taken."""
        if self.contact_key is None:
            return None
        before = self.contact_key_before
        return MasterKey(
            key_of(self.contact_key.get_secret_value()),
            key_of(before.get_secret_value()) if before else None,
        )

    @model_validator(mode="after")
    def _a_key_after_the_one_before(self) -> Self:
        before = self.contact_key_before
        if before is not None and self.contact_key in (None, before):
            msg = "contact_key_before: needs contact_key, and another one"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        if self.http_port == self.ops_port:
            msg = "http_port: must not be ops_port, which is not for the public"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _whole_provider(self) -> Self:
        if (self.oidc_issuer is None) != (self.oidc_client_id is None):
            msg = "oidc_issuer and oidc_client_id: needs both or neither"
            raise ValueError(msg)
        return self
