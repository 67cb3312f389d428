"""Which servers a command talks to: those of the environment, else those of a running stack."""

import os
from pathlib import Path
from typing import Annotated

import typer

from deploy.local.record import read_record
from services.runtime.settings import Settings

DEFAULT_FOLDER = Path(".langnghe/stack")

DataOption = Annotated[
    Path, typer.Option("--data", help="Data folder of the stack that `langnghe up` runs")
]


def settings_for(folder: Path) -> Settings:
    """Settings from KAFKA_URL and MONGO_URL, or from the stack of a data folder."""
    known = read_record(folder)
    for name in ("kafka_url", "mongo_url"):
        if name in known:
            os.environ.setdefault(name.upper(), known[name])
    return Settings()
