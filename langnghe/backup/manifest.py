"""The list of what a back-up holds. It is written last: a folder without it is no back-up."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from langnghe.backup.contents import KEPT
from schemas.feedback import Violation
from services.runtime.groups import Places

NAME: Final = "manifest.json"


class BackupError(Exception):
    """A folder that is no whole back-up, or a place where none can be made or restored."""


class UnfinishedError(Exception):
    """What was begun and did not come to its end."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Kept(_Part):
    """One collection, as a file."""

    documents: Annotated[int, Field(ge=0)]
    bytes: Annotated[int, Field(ge=0, description="Size of the file")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="Of the file")]


class Standing(_Part):
    """Where the consumers of Kafka stood before the data was read.

    Attributes:
        cluster: that the positions in the data belong to.
        groups: None when that cluster did not answer.
    """

    cluster: str
    groups: dict[str, Places] | None


class Manifest(_Part):
    """What a back-up holds."""

    format: Literal[1] = 1
    code: str
    database: str
    taken_at: AwareDatetime
    kafka: Standing
    collections: dict[str, Kept]


def file_of(folder: Path, collection: str) -> Path:
    """Documents as BSON, one after another, with gzip."""
    return folder / f"{collection}.bson.gz"


def kept(path: Path, documents: int) -> Kept:
    """What the manifest says of a file that is finished."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Kept(documents=documents, bytes=path.stat().st_size, sha256=digest)


def write(folder: Path, manifest: Manifest) -> None:
    """Declare a back-up whole, once all of it is on the disk."""
    draft = folder / f"{NAME}.part"
    with draft.open("w", encoding="utf-8") as file:
        file.write(manifest.model_dump_json(indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.rename(folder / NAME)


def read(folder: Path) -> Manifest:
    """What a folder is said to hold.

    Raises:
        BackupError: when it is no finished back-up, or one that this code does not know.
    """
    path = folder / NAME
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        msg = f"{folder}: is no finished back-up, it has no {NAME}"
        raise BackupError(msg) from None
    except ValidationError as error:
        rules = "; ".join(f"{v.field}: {v.rule}" for v in Violation.all_of(error))
        msg = f"{path}: {rules}"
        raise BackupError(msg) from None
    if strange := sorted(manifest.collections.keys() ^ set(KEPT)):
        msg = f"{path}: must list the collections that this code keeps: {', '.join(strange)}"
        raise BackupError(msg)
    return manifest


def check(folder: Path, manifest: Manifest) -> Iterator[str]:
    """Compare each file with the manifest; the collections, as they are done.

    Raises:
        BackupError: naming the file that is missing or not the one that was written.
    """
    for collection, expected in manifest.collections.items():
        path = file_of(folder, collection)
        if not path.is_file():
            msg = f"{path}: is missing"
            raise BackupError(msg)
        if kept(path, expected.documents) != expected:
            msg = f"{path}: is not what was written, its size or SHA-256 differs"
            raise BackupError(msg)
        yield collection
