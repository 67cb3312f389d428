"""What `demo` and `chaos` share: a fresh folder, the country with invented offices, an agency."""

import shutil
from pathlib import Path

import deploy.demo
import deploy.registry
from deploy.local.record import read_record
from deploy.local.state import StackState
from langnghe.console import MISUSED, stop
from schemas.registry import EntryKind, Registry
from services.gateway.registry.store import load, read_registry, write
from services.runtime.database import Database
from simulator.agency import Agency

DATABASE = "langnghe"
MASTER_KEY = "rehearsal: not a secret, the receiver is on this machine"
DEMO_FILES = Path(deploy.demo.__path__[0])

_REGISTRY_FILES = [
    *sorted(Path(deploy.registry.__path__[0]).glob("*.csv")),
    DEMO_FILES / "units.csv",
]


async def load_registry(database: Database, webhook_url: str) -> Registry:
    """The country, and demo units whose webhooks lead to our receiver."""
    entries = await load(database, _REGISTRY_FILES)
    await write(
        database,
        [
            entry.model_copy(update={"webhook": f"{webhook_url}/{entry.key}"})
            for entry in entries
            if entry.kind is EntryKind.UNIT
        ],
    )
    return await read_registry(database)


def environment(agency: Agency) -> dict[str, str]:
    """Settings of services whose alerts all go to one agency on this machine."""
    return {
        "LANGNGHE_DATABASE": DATABASE,
        "LANGNGHE_WEBHOOK_KEY": MASTER_KEY,
        "LANGNGHE_WEBHOOK_PRIVATE_HOSTS": "127.0.0.1",
        "LANGNGHE_SMTP_HOST": "127.0.0.1",
        "LANGNGHE_SMTP_PORT": str(agency.smtp_port),
        "LANGNGHE_GROUP_WAIT_SECONDS": "0",
        # A dozen kiosks stand for thousands.
        "LANGNGHE_KIOSK_PER_MINUTE": "100000",
        "LANGNGHE_MAIL_FROM": "Lắng Nghe <langnghe@rehearsal.invalid>",
    }


def empty_folder(folder: Path, stack: Path) -> None:
    """Remove a folder of an earlier run.

    Args:
        folder: to remove.
        stack: the part of it that a stack holds.

    Raises:
        InUseError: when a stack uses it now.
        typer.Exit: when it holds something that is no stack; nothing is touched.
    """
    if folder.exists() and any(folder.iterdir()) and not read_record(stack):
        stop(f"{folder} holds something that is no stack; choose another --data", MISUSED)
    state = StackState(stack)
    state.acquire()
    state.release()
    shutil.rmtree(folder)
