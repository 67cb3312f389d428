"""What a data folder knows of the stack that uses it: a lock, the addresses, the processes."""

import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from deploy.local.process import Process
from deploy.local.record import FILE, read_record

_PATIENCE_SECONDS = 30


class InUseError(Exception):
    """Another stack uses this folder now."""


class StackState:
    """A data folder, held by one stack at a time."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; nothing is touched until `acquire`."""
        self._folder = folder
        self._file = folder / FILE
        self._lock = FileLock(folder / "lock")
        self._values: dict[str, Any] = {}

    def acquire(self) -> None:
        """Take the folder, and stop what a stack that was killed left running.

        Raises:
            InUseError: while another stack holds it.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            other = read_record(self._folder)
            msg = (
                f"{self._folder} is in use by process {other.get('pid', '?')}; "
                f"its gateway is at {other.get('gateway_url', '?')}"
            )
            raise InUseError(msg) from None
        self._values = read_record(self._folder)
        self._stop_leftovers()

    def release(self) -> None:
        """Give the folder back."""
        self._values.pop("processes", None)
        self._values.pop("pid", None)
        self._write()
        self._lock.release()

    def _write(self) -> None:
        temporary = self._file.with_suffix(".new")
        temporary.write_text(json.dumps(self._values, indent=2), encoding="utf-8")
        temporary.chmod(0o600)  # it holds the webhook key
        temporary.replace(self._file)

    def port(self, name: str) -> int | None:
        """The port that a part had last time: addresses stay the same where they can."""
        port: int | None = self._values.get("ports", {}).get(name)
        return port

    def webhook_key(self) -> str:
        """A master key for webhook signatures, made once for this folder."""
        key: str = self._values.setdefault("webhook_key", secrets.token_hex(32))
        return key

    def note(self, **values: Any) -> None:
        """Write down addresses and ports."""
        self._values |= {"pid": os.getpid(), **values}
        self._write()

    def note_processes(self, processes: Iterable[Process]) -> None:
        """Write down what runs, well enough to find it again after a kill."""
        running = {}
        for process in processes:
            if process.running and process.pid is not None:
                try:
                    created = psutil.Process(process.pid).create_time()
                except psutil.NoSuchProcess:
                    continue
                running[process.name] = {"pid": process.pid, "created": created}
        self.note(processes=running)

    def _stop_leftovers(self) -> None:
        leftovers: list[psutil.Process] = []
        for known in self._values.get("processes", {}).values():
            try:
                process = psutil.Process(known["pid"])
                # The same number may be another program by now: the start time tells.
                if abs(process.create_time() - known["created"]) < 1:
                    process.terminate()
                    leftovers.append(process)
            except psutil.NoSuchProcess:
                continue
        _, alive = psutil.wait_procs(leftovers, timeout=_PATIENCE_SECONDS)
        for process in alive:
            process.kill()
        psutil.wait_procs(alive, timeout=_PATIENCE_SECONDS)
