"""Settings that every process reads from its environment."""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def _without_scheme(url: str) -> str:
    return url.removeprefix("kafka://")


class Settings(BaseSettings):
    """Where the servers are and how this process is reached.

    `KAFKA_URL` and `MONGO_URL` are read as they are, everything else with the prefix `LANGNGHE_`.
    A wrong value stops the process at once with the name of the setting.
    """

    model_config = SettingsConfigDict(
        env_prefix="LANGNGHE_",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,  # some are keys
    )

    kafka_url: Annotated[
        str,
        AfterValidator(_without_scheme),
        Field(
            validation_alias="KAFKA_URL",
            description="Addresses of brokers, host:port, with commas between them",
        ),
    ] = "127.0.0.1:9092"
    mongo_url: Annotated[
        str,
        Field(
            validation_alias="MONGO_URL",
            description="Connection string of a replica set, mongodb://…",
        ),
    ] = "mongodb://127.0.0.1:27017/?replicaSet=langnghe"
    database: Annotated[
        str, Field(pattern=r"^[a-z0-9_-]{1,38}$", description="Name of the database")
    ] = "langnghe"
    http_host: Annotated[str, Field(description="Address to listen on")] = "127.0.0.1"
    http_port: Annotated[int, Field(ge=1, le=65535, description="Port to listen on")] = 8080
    log_level: Annotated[
        str,
        Field(pattern=r"^(DEBUG|INFO|WARNING|ERROR)$", description="Least level that is logged"),
    ] = "INFO"
