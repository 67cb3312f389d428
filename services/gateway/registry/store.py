"""Writes the registry, all of it or nothing."""

from collections.abc import Iterable
from pathlib import Path

from pymongo import ReplaceOne

from schemas.collections import REGISTRY
from schemas.registry import Registry, RegistryEntry
from services.gateway.registry.reader import RowError, read_files
from services.gateway.registry.rules import check
from services.runtime.cached import next_revision
from services.runtime.database import Database, Document, Session


class RegistryError(Exception):
    """Files that break rules; nothing was loaded."""

    def __init__(self, errors: list[RowError]) -> None:
        """Keep every error."""
        super().__init__(f"{len(errors)} errors, nothing loaded")
        self.errors = errors


async def read_registry(database: Database) -> Registry:
    """The registry as it stands in the database."""
    documents = await database[REGISTRY].find({}, {"_id": 0}).to_list(None)
    return Registry.of_documents(documents)


async def write(database: Database, entries: Iterable[RegistryEntry]) -> None:
    """Add or replace entries in one transaction and announce a new revision."""
    operations = [
        ReplaceOne[Document](
            {"_id": entry.version_key},
            {"_id": entry.version_key, **entry.model_dump(mode="json")},
            upsert=True,
        )
        for entry in entries
    ]

    async def work(session: Session) -> None:
        if operations:
            await database[REGISTRY].bulk_write(operations, ordered=False, session=session)
        await next_revision(database, REGISTRY, session)

    await database.transaction(work)


async def load(database: Database, paths: Iterable[Path]) -> list[RegistryEntry]:
    """Load CSV files: all rows, or none.

    Returns:
        The entries loaded.

    Raises:
        RegistryError: with every error of every row, when there is any.
    """
    rows, errors = read_files(paths)
    if not errors:
        errors = check(rows, await read_registry(database))
    if errors:
        raise RegistryError(errors)
    entries = [row.entry for row in rows]
    await write(database, entries)
    return entries
