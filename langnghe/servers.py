"""Which servers a command talks to: those of the environment, else those of a running stack."""

import os
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from deploy.local.record import read_record
from langnghe.console import MISUSED, stop
from services.runtime.settings import Settings

DEFAULT_FOLDER = Path(".langnghe/stack")

DataOption = Annotated[
    Path, typer.Option("--data", help="Data folder of the stack that `langnghe up` runs")
]


def problems(error: ValidationError) -> str:
    """What is wrong with settings, a line for each; never a value, which may be a secret."""
    lines = []
    for detail in error.errors(include_input=False):
        name = ".".join(map(str, detail["loc"])).upper()
        variable = name if name in {"KAFKA_URL", "MONGO_URL"} else f"LANGNGHE_{name}"
        lines.append(f"{variable}: {detail['msg']}" if name else detail["msg"])
    return "\n".join(lines)


def settings_for(folder: Path) -> Settings:
    """Settings from KAFKA_URL and MONGO_URL, or from the stack of a data folder."""
    known = read_record(folder)
    for name in ("kafka_url", "mongo_url"):
        if name in known:
            os.environ.setdefault(name.upper(), known[name])
    try:
        return Settings()
    except ValidationError as error:
        stop(problems(error), MISUSED)
