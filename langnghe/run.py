"""`langnghe run SERVICE`: one service in this process."""

from enum import StrEnum
from importlib import import_module
from typing import Annotated

import typer
from pydantic import ValidationError

from langnghe.console import MISUSED, stop
from langnghe.servers import problems
from services.runtime.yamlfile import YamlFileError


class ServiceName(StrEnum):
    """The services."""

    GATEWAY = "gateway"
    INGEST = "ingest"
    SCORING = "scoring"
    NOTIFY = "notify"


def command(service: Annotated[ServiceName, typer.Argument(help="Which service")]) -> None:
    """Run one service until it is stopped; settings come from the environment."""
    try:
        # By name, so that a process loads the code of its own service and of no other.
        import_module(f"services.{service}.main").main()
    except ValidationError as error:
        stop(problems(error), MISUSED)
    except YamlFileError as error:
        stop(error, MISUSED)
