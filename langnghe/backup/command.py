"""`langnghe backup` and `langnghe restore`."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from aiokafka.errors import KafkaError
from rich.progress import Progress

from langnghe.audit import operator
from langnghe.backup import manifest as manifests
from langnghe.backup import restoring, saving
from langnghe.backup.manifest import BackupError, Manifest, UnfinishedError
from langnghe.console import FAILED, MISUSED, notes, results, stop
from langnghe.servers import DEFAULT_FOLDER, DataOption, settings_for, with_database
from services.gateway import audit
from services.gateway.audit import Act
from services.runtime.clock import system_clock
from services.runtime.database import Database
from services.runtime.identity import IdentityError
from services.runtime.settings import Settings

Result = TypeVar("Result")


def _run(
    settings: Settings, name: str, work: Callable[[Database], Coroutine[Any, Any, Result]]
) -> Result:
    try:
        return with_database(settings, name, work)
    except (BackupError, IdentityError) as error:
        stop(error, MISUSED)
    except (UnfinishedError, KafkaError, OSError) as error:
        stop(error, FAILED)


def backup_command(
    folder: Annotated[Path, typer.Argument(help="New or empty; only its owner may read it")],
    data: DataOption = DEFAULT_FOLDER,
) -> None:
    """Keep everything in MongoDB, as it stands at one moment, in a folder. Services may run.

    Left out are contact data and its keys, sessions, sign-ins under way and codes for devices
    (docs/backup.md). manifest.json is written last: a folder without it is no back-up. In the
    audit trail: backup.make.
    """
    settings = settings_for(data, Settings)

    async def work(database: Database) -> Manifest:
        standing = await saving.standing(database, settings)
        if standing.groups is None:
            notes.print(
                f"Kafka cluster {standing.cluster} does not answer: this back-up can only be "
                "restored beside another one"
            )
        saving.make_folder(folder)
        await audit.note(database, Act(operator(), "backup.make", folder.name), system_clock())
        with Progress(console=notes, transient=True) as progress:
            task = progress.add_task("documents", total=await saving.expected(database))
            return await saving.save(
                *(database, folder, standing, system_clock()),
                lambda number: progress.advance(task, number),
            )

    made = _run(settings, "backup", work)
    documents = sum(kept.documents for kept in made.collections.values())
    size = sum(kept.bytes for kept in made.collections.values())
    results.print(f"{documents} documents in {folder}, {size} bytes", markup=False)


def restore_command(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Of a back-up")],
    data: DataOption = DEFAULT_FOLDER,
) -> None:
    """Fill an empty, prepared database from a back-up. No service may run.

    Every file is checked before anything is written. The Kafka may be the one of the back-up,
    which has gone on since, or another. In the audit trail: backup.restore.
    """
    settings = settings_for(data, Settings)

    async def work(database: Database) -> restoring.Restored:
        manifest = manifests.read(folder)
        with Progress(console=notes, transient=True) as progress:
            checking = progress.add_task("files", total=len(manifest.collections))
            for _ in manifests.check(folder, manifest):
                progress.advance(checking)
            log = await restoring.look_at_log(settings, manifest, restoring.positions(folder))
            await restoring.check_database(database, log.cluster)
            total = sum(kept.documents for kept in manifest.collections.values())
            loading = progress.add_task("documents", total=total)
            return await restoring.restore(
                *(database, settings, folder, manifest, log, system_clock()),
                lambda number: progress.advance(loading, number),
            )

    done = _run(settings, "restore", work)
    results.print(
        f"{done.documents} documents are restored, {done.counted} responses were counted; "
        f"ingest has {done.again} records to read"
    )
    if done.gone:
        notes.print(
            f"up to {done.gone} records that were not dealt with are no longer in Kafka",
            style="red",
        )
