"""Jars, Kafka's above all: fetched by jgo as a lock pins them, every one checked by its SHA-256.

They are kept inside the virtual environment (`share/langnghe`), so they go when it goes.
"""

import hashlib
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from filelock import FileLock
from jgo.env import EnvironmentBuilder, EnvironmentSpec, LockedDependency, LockFile
from jgo.maven import MavenContext

_HERE = Path(__file__).resolve().parent / "kafka"
SPEC = _HERE / "jgo.toml"
LOCK = _HERE / "jgo.lock.toml"
CACHE = Path(sys.prefix) / "share" / "langnghe" / "jars"

_ATTEMPTS = 3

Progress = Callable[[int, int], None]
"""Told how many jars are there, of how many."""


class JarError(Exception):
    """A jar could not be fetched, or is not the one that the lock names."""


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(context: MavenContext, pinned: LockedDependency) -> Path:
    component = context.project(pinned.groupId, pinned.artifactId).at_version(pinned.version)
    artifact = component.artifact(pinned.classifier or "", pinned.packaging)
    error: Exception | None = None
    for _ in range(_ATTEMPTS):
        try:
            path = Path(artifact.resolve())
            if _sha256(path) == pinned.sha256:
                return path
            error = JarError(f"{path.name} is not the jar that the lock names")
            path.unlink()
        except (OSError, RuntimeError) as raised:
            error = raised
    msg = f"{pinned.groupId}:{pinned.artifactId}:{pinned.version}: {error}"
    raise JarError(msg) from error


def fetch(progress: Progress, lock: Path = LOCK) -> list[Path]:
    """All jars that a lock names, Kafka's by default, from the cache or from Maven Central.

    Raises:
        JarError: when one cannot be fetched or its hash differs.
    """
    pinned = LockFile.load(lock).dependencies
    context = MavenContext(repo_cache=CACHE)
    CACHE.mkdir(parents=True, exist_ok=True)
    # Who starts at the same time waits, and finds them there.
    with FileLock(CACHE / ".lock"), ThreadPoolExecutor(max_workers=8) as pool:
        futures = [pool.submit(_fetch, context, dependency) for dependency in pinned]
        for done, future in enumerate(as_completed(futures), start=1):
            future.result()
            progress(done, len(futures))
    return [future.result() for future in futures]


def resolve(spec: Path = SPEC, lock: Path = LOCK) -> None:
    """Resolve the coordinates of a jgo.toml and write its jgo.lock.toml."""
    with tempfile.TemporaryDirectory() as folder:
        builder = EnvironmentBuilder(context=MavenContext(repo_cache=CACHE), cache_dir=Path(folder))
        builder.resolve_lockfile(EnvironmentSpec.load(spec)).save(lock)


if __name__ == "__main__":
    resolve()
