"""`langnghe run SERVICE`: one service in this process."""

from enum import StrEnum
from typing import Annotated

import typer
from pydantic import ValidationError

from langnghe.console import MISUSED, stop
from services.gateway import main as gateway
from services.ingest import main as ingest
from services.notify import main as notify
from services.runtime.yamlfile import YamlFileError
from services.scoring import main as scoring


class ServiceName(StrEnum):
    """The services."""

    GATEWAY = "gateway"
    INGEST = "ingest"
    SCORING = "scoring"
    NOTIFY = "notify"


_MAINS = {
    ServiceName.GATEWAY: gateway.main,
    ServiceName.INGEST: ingest.main,
    ServiceName.SCORING: scoring.main,
    ServiceName.NOTIFY: notify.main,
}


def command(service: Annotated[ServiceName, typer.Argument(help="Which service")]) -> None:
    """Run one service until it is stopped; settings come from the environment."""
    try:
        _MAINS[service]()
    except ValidationError as error:
        settings = [
            f"LANGNGHE_{'.'.join(map(str, detail['loc'])).upper()}: {detail['msg']}"
            for detail in error.errors(include_input=False)
        ]
        stop("\n".join(settings), MISUSED)
    except YamlFileError as error:
        stop(error, MISUSED)
