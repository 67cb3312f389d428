"""`langnghe up`: the local stack, until Ctrl-C."""

import asyncio
import logging
import os
import signal
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from deploy.local.jars import JarError
from deploy.local.kafka_server import KafkaStartError
from deploy.local.mongo_server import MongoStartError
from deploy.local.stack import DEFAULT_RULES, GATEWAY_PORT, Addresses, Options, Stack, StackError
from deploy.local.state import InUseError
from langnghe.console import FAILED, IN_USE, notes, stop
from langnghe.prepare import prepare
from langnghe.servers import DEFAULT_FOLDER, DataOption
from services.runtime.identity import IdentityError
from services.runtime.settings import Settings
from services.runtime.topics import TopicError

START_ERRORS = (
    JarError,
    KafkaStartError,
    MongoStartError,
    StackError,
    IdentityError,
    TopicError,
)

_STYLES = {
    "gateway": "cyan",
    "ingest": "green",
    "scoring": "yellow",
    "notify": "magenta",
    "kafka": "blue",
    "mongod": "bright_black",
}


def show(name: str, line: str) -> None:
    """One line of a process, behind its name."""
    notes.print(Text(f"{name:>8} │ ", style=_STYLES.get(name, "white")) + Text(line))


def progress(message: str) -> None:
    """One line of the stack itself."""
    notes.print(Text(f"{'stack':>8} │ {message}", style="bold"))


async def prepare_servers(kafka_url: str, mongo_url: str) -> None:
    """`prepare` for the servers of a stack."""
    await prepare(Settings(KAFKA_URL=kafka_url, MONGO_URL=mongo_url))


def announce(addresses: Addresses) -> None:
    """Say where everything is."""
    gateway = addresses.gateway
    lines = {
        "dashboard": f"{gateway}/",
        "kiosk": f"{gateway}/kiosk/(unit)",
        "API": f"{addresses.operations['gateway']}/openapi.json",
        "Kafka": addresses.kafka_url,
        "MongoDB": addresses.mongo_url,
        **{f"{name} metrics": f"{url}/metrics" for name, url in addresses.operations.items()},
    }
    for name, address in lines.items():
        progress(f"{name + ':':<17} {address}")


def stack_options(
    folder: Path,
    *,
    port: int,
    rules: Path,
    environment: Mapping[str, str],
    kafka_url: str | None = None,
    mongo_url: str | None = None,
) -> Options:
    """Options of a stack that shows itself on this console.

    It uses the servers that are given, else those of KAFKA_URL and MONGO_URL, else its own.
    """
    return Options(
        folder=folder,
        output=show,
        progress=progress,
        prepare=prepare_servers,
        kafka_url=kafka_url or os.environ.get("KAFKA_URL"),
        mongo_url=mongo_url or os.environ.get("MONGO_URL"),
        gateway_port=port,
        rules=rules,
        environment=environment,
    )


def interruptible(task: asyncio.Task[Any]) -> None:
    """From now on Ctrl-C and SIGTERM cancel a task, each time anew.

    Python's own handling of a second Ctrl-C raises KeyboardInterrupt wherever the code happens to
    be, even between two lines of what cleans up; a task is cancelled only where it waits.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as whoever starts it with `&` wants it
            task.get_loop().add_signal_handler(number, task.cancel)


def run_stack(main: Coroutine[Any, Any, int]) -> int:
    """Run work that holds a stack; Ctrl-C and SIGTERM leave it cleanly.

    Returns:
        The work's exit code; 0 when it was interrupted.
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # tells of every failed connection

    async def cancellable() -> int:
        task = asyncio.create_task(main)
        interruptible(task)
        return await task

    try:
        return asyncio.run(cancellable())
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 0
    except InUseError as error:
        stop(error, IN_USE)
    except START_ERRORS as error:
        stop(error, FAILED)


async def _up(options: Options) -> int:
    async with Stack(options).running() as addresses:
        announce(addresses)
        progress("ready; Ctrl-C stops everything")
        await asyncio.Event().wait()
    return 0


def command(
    data: DataOption = DEFAULT_FOLDER,
    port: Annotated[int, typer.Option(help="Preferred port of the gateway")] = GATEWAY_PORT,
    rules: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="Rule file for alerts")
    ] = DEFAULT_RULES,
) -> None:
    """Run Kafka, MongoDB and the four services on this machine, until Ctrl-C.

    With KAFKA_URL or MONGO_URL set, those servers are used instead of starting new ones.
    """
    options = stack_options(data, port=port, rules=rules, environment={})
    raise typer.Exit(run_stack(_up(options)))
