"""Settings that every process reads from its environment."""

import os
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, DirectoryPath, Field, FilePath, SecretStr, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)


def _without_scheme(url: str) -> str:
    return url.removeprefix("kafka://")


def _without_secret(url: str) -> str:
    parts = urlsplit(url)
    if "@" in parts.netloc or "password" in parts.query.lower():
        msg = "must hold no user and no password: give them as settings of their own"
        raise ValueError(msg)
    return url


def _address_of_collector(url: str | None) -> str | None:
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path in {"", "/"}:
        msg = (
            "must be an address by http or https with its path, as http://collector:4318/v1/traces"
        )
        raise ValueError(msg)
    return _without_secret(url)


def _secrets_folder() -> Path | None:
    """The folder that the setting `secrets` names; None if there is none, which that one tells."""
    folder = Path(os.environ.get("LANGNGHE_SECRETS", "."))
    return folder if "LANGNGHE_SECRETS" in os.environ and folder.is_dir() else None


class Settings(BaseSettings):
    """Where the servers are and how this process is reached.

    `KAFKA_URL` and `MONGO_URL` are read as they are, everything else with the prefix `LANGNGHE_`.
    A wrong value stops the process at once with the name of
    the setting.
    """

    model_config = SettingsConfigDict(
        env_prefix="LANGNGHE_",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,  # some are keys
    )

    secrets: Annotated[
        DirectoryPath | None,
        Field(
            description="Folder where a setting that the environment does not hold is read from a "
            "file with the variable's name, as container platforms mount secrets"
        ),
    ] = None
    kafka_url: Annotated[
        str,
        AfterValidator(_without_scheme),
        Field(
            validation_alias="KAFKA_URL",
            description="Addresses of brokers, host:port, with commas between them",
        ),
    ] = "127.0.0.1:9092"
    kafka_user: Annotated[
        str | None, Field(description="Who this process is to Kafka; needs LANGNGHE_KAFKA_CA")
    ] = None
    kafka_password: Annotated[
        SecretStr | None, Field(description="Password of that user (SCRAM-SHA-512)")
    ] = None
    kafka_ca: Annotated[
        FilePath | None,
        Field(description="Certification authorities (PEM) that Kafka is checked by; with it, TLS"),
    ] = None
    mongo_url: Annotated[
        str,
        Field(
            validation_alias="MONGO_URL",
            description="Connection string of a replica set, mongodb://…, without user or password",
        ),
        AfterValidator(_without_secret),
    ] = "mongodb://127.0.0.1:27017/?replicaSet=langnghe"
    mongo_user: Annotated[
        str | None, Field(description="Who this process is to MongoDB; needs LANGNGHE_MONGO_CA")
    ] = None
    mongo_password: Annotated[SecretStr | None, Field(description="Password of that user")] = None
    mongo_ca: Annotated[
        FilePath | None,
        Field(
            description="Certification authorities (PEM) that MongoDB is checked by; with it, TLS"
        ),
    ] = None
    database: Annotated[
        str, Field(pattern=r"^[a-z0-9_-]{1,38}$", description="Name of the database")
    ] = "langnghe"
    ops_host: Annotated[
        str, Field(description="Address to serve metrics and health on; not for the public")
    ] = "127.0.0.1"
    ops_port: Annotated[
        int, Field(ge=1, le=65535, description="Port to serve metrics and health on")
    ] = 8081
    log_level: Annotated[
        str,
        Field(pattern=r"^(DEBUG|INFO|WARNING|ERROR)$", description="Least level that is logged"),
    ] = "INFO"
    log_format: Annotated[
        str,
        Field(pattern=r"^(text|json)$", description="`text` for people, `json` for machines"),
    ] = "text"
    traces: Annotated[
        str | None,
        AfterValidator(_address_of_collector),
        Field(
            description="Where an OpenTelemetry collector takes traces by OTLP/HTTP, "
            "http://…:4318/v1/traces; without one, nothing is traced"
        ),
    ] = None

    @model_validator(mode="after")
    def _credentials_are_whole(self) -> Self:
        for server in ("kafka", "mongo"):
            user, password, authorities = (
                f"{server}_{what}" for what in ("user", "password", "ca")
            )
            if (getattr(self, user) is None) != (getattr(self, password) is None):
                msg = f"{user} and {password}: must be given together"
                raise ValueError(msg)
            if getattr(self, user) is not None and getattr(self, authorities) is None:
                msg = f"{authorities}: must be given with {user}, a password needs TLS"
                raise ValueError(msg)
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then the folder of secrets that it names."""
        del dotenv_settings, file_secret_settings
        secrets = SecretsSettingsSource(settings_cls, secrets_dir=_secrets_folder())
        return init_settings, env_settings, secrets
