"""A Docker engine and its Compose, by their command lines."""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class RehearsalError(Exception):
    """The image or docker-compose.yml does not do what it should; says what."""


class ContainerError(RehearsalError):
    """A command of the engine failed; holds what it said."""


async def docker(*arguments: str, **environment: str) -> str:
    """What a command of the engine writes on standard output.

    Args:
        arguments: of `docker`.
        environment: further variables.

    Raises:
        ContainerError: when it fails, or there is no such command here.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *("docker", *arguments),
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except FileNotFoundError:
        msg = "there is no command `docker` here"
        raise ContainerError(msg) from None
    try:
        out, notes = await process.communicate()
    finally:
        if process.returncode is None:  # we were interrupted: what it began must not go on
            process.terminate()
            await process.communicate()
    if process.returncode != 0:
        said = (out + notes).decode(errors="replace").strip()
        msg = f"docker {' '.join(arguments)}\nended with {process.returncode}:\n{said}"
        raise ContainerError(msg)
    return out.decode()


class Compose:
    """The services of docker-compose.yml, beside servers of this machine."""

    def __init__(
        self,
        folder: Path,
        image: str,
        environment: Mapping[str, Mapping[str, str]],
        variables: Mapping[str, str],
    ) -> None:
        """Write what differs from docker-compose.yml: image, network and addresses.

        Args:
            folder: for that file.
            image: to run.
            environment: further variables of each service, by its name.
            variables: that docker-compose.yml itself asks for.
        """
        self._file = folder / "override.yml"
        self._variables = dict(variables)
        self._project = f"langnghe-rehearsal-{os.getpid()}"
        services = {
            name: {"image": image, "network_mode": "host", "environment": dict(values)}
            for name, values in environment.items()
        }
        self._file.write_text(json.dumps({"services": services}), encoding="utf-8")

    async def __call__(self, *arguments: str) -> str:
        """What a command of Compose writes on standard output.

        Raises:
            ContainerError: when it fails.
        """
        files = ("--file", str(ROOT / "docker-compose.yml"), "--file", str(self._file))
        return await docker(
            "compose", "--project-name", self._project, *files, *arguments, **self._variables
        )

    async def once(self, *command: str, volume: str | None = None) -> str:
        """What `langnghe COMMAND…` says in a container of its own, with the settings of `prepare`.

        Args:
            command: arguments of `langnghe`.
            volume: to mount, FOLDER:PLACE.
        """
        mounted = ("--volume", volume) if volume else ()
        return await self(
            "run", "--rm", "--no-deps", "--no-TTY", "--quiet-pull", *mounted, "prepare", *command
        )

    async def inspect(self, service: str) -> dict[str, Any]:
        """What the engine knows of the container of a service."""
        identity = (await self("ps", "--all", "--quiet", service)).strip()
        found: list[dict[str, Any]] = json.loads(await docker("inspect", identity))
        return found[0]
