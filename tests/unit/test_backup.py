"""The list of a back-up, its files, and documents that are moved before another log."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from langnghe.backup import manifest as manifests
from langnghe.backup.contents import KEPT
from langnghe.backup.manifest import BackupError, Manifest, Standing, file_of, kept
from langnghe.backup.moving import BEFORE_ALL, LOG, MOVES
from schemas.collections import BUCKETS, POSITIONS, QUARANTINE, REGISTRY, RESPONSES
from services.scoring.applying import NOTHING_APPLIED
from services.scoring.storage import UNREADABLE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A whole back-up, with a few bytes for each collection."""
    for name in KEPT:
        file_of(tmp_path, name).write_bytes(name.encode())
    standing = Standing(cluster="c", groups={"ingest": {"feedback.submitted.v1": {0: 7}}})
    manifests.write(
        tmp_path,
        Manifest(
            code="0.1.0",
            database="langnghe",
            taken_at=datetime(2026, 11, 22, 5, tzinfo=UTC),
            kafka=standing,
            collections={name: kept(file_of(tmp_path, name), 1) for name in KEPT},
        ),
    )
    return tmp_path


def test_what_was_written_is_read_and_found_whole(folder: Path) -> None:
    manifest = manifests.read(folder)
    assert manifest.kafka.groups == {"ingest": {"feedback.submitted.v1": {0: 7}}}
    assert list(manifests.check(folder, manifest)) == list(KEPT)
    assert not list(folder.glob("*.part"))


def test_a_folder_without_a_manifest_is_no_backup(folder: Path) -> None:
    (folder / manifests.NAME).rename(folder / f"{manifests.NAME}.part")
    with pytest.raises(BackupError, match=r"is no finished back-up, it has no manifest\.json"):
        manifests.read(folder)


def _drop(content: dict[str, Any]) -> None:
    del content["collections"][REGISTRY]


def _elsewhere(content: dict[str, Any]) -> None:
    content["collections"]["../" + REGISTRY] = content["collections"].pop(REGISTRY)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda content: content.update(format=2), "format: Input should be 1"),
        (lambda content: content.update(taken_at="2026-11-22"), "taken_at: Input should have"),
        (lambda content: content.pop("code"), "code: Field required"),
        (lambda content: content.update(more=1), "more: Extra inputs are not permitted"),
        (_drop, r"must list the collections that this code keeps: registry\.entries$"),
        (_elsewhere, "must list the collections that this code keeps: ../registry"),
    ],
)
def test_a_manifest_that_this_code_does_not_know_is_refused(
    folder: Path, change: Callable[[dict[str, Any]], None], why: str
) -> None:
    path = folder / manifests.NAME
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(BackupError, match=why):
        manifests.read(folder)


def test_half_a_manifest_is_refused(folder: Path) -> None:
    path = folder / manifests.NAME
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(BackupError, match="body: Invalid JSON"):
        manifests.read(folder)


def test_each_file_must_be_the_one_that_was_written(folder: Path) -> None:
    manifest = manifests.read(folder)
    path = file_of(folder, REGISTRY)
    content = path.read_bytes()
    for changed in (content[:-1], content + b"x", content[:-1] + b"x"):
        path.write_bytes(changed)
        with pytest.raises(BackupError, match=r"registry\.entries\.bson\.gz: is not what was"):
            list(manifests.check(folder, manifest))
    path.unlink()
    with pytest.raises(BackupError, match=r"registry\.entries\.bson\.gz: is missing"):
        list(manifests.check(folder, manifest))


def test_places_of_a_log_are_moved_before_the_next_and_keep_their_order() -> None:
    source = {"partition": 2, "offset": 5}
    documents: dict[str, dict[str, Any]] = {
        RESPONSES: {"_id": "a", "source": dict(source), "copies": [{"partition": 2, "offset": 9}]},
        QUARANTINE: {"_id": "feedback.submitted.v1/2/5", "source": dict(source)},
        UNREADABLE: {"_id": "feedback.accepted.v1/2/5", "error": "e"},
        BUCKETS: {"n5": 3, "offset": 9, "h": {"07": {"n5": 3, "offset": 5}}},
        POSITIONS: {"partition": 2, "applied": 9, "refreshed": NOTHING_APPLIED, "next": 4},
    }
    for name, document in documents.items():
        MOVES[name](document)
    moved = {"partition": 2, "offset": 5 - LOG}
    assert documents == {
        RESPONSES: {"_id": "a", "source": moved, "copies": [{"partition": 2, "offset": 9 - LOG}]},
        QUARANTINE: {"_id": f"feedback.submitted.v1/2/{5 - LOG}", "source": moved},
        UNREADABLE: {"_id": f"feedback.accepted.v1/2/{5 - LOG}", "error": "e"},
        BUCKETS: {"n5": 3, "offset": 9 - LOG, "h": {"07": {"n5": 3, "offset": 5 - LOG}}},
        POSITIONS: {"partition": 2, "applied": 9 - LOG, "refreshed": BEFORE_ALL, "next": 4},
    }
    assert set(MOVES) == set(documents)


def test_a_response_without_copies_is_moved_too() -> None:
    document: dict[str, Any] = {"source": {"partition": 0, "offset": 0}}
    MOVES[RESPONSES](document)
    assert document == {"source": {"partition": 0, "offset": -LOG}}
    MOVES[RESPONSES](document)
    assert document["source"]["offset"] == -2 * LOG, "a second restore puts both before the third"
