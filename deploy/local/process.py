"""One child process: started, its output passed on line by line, stopped cleanly."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Mapping, Sequence

Output = Callable[[str, str], None]
"""Told the process's name and one line that it wrote."""


class Process:
    """A program that runs until it is told to stop."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], output: Output
    ) -> None:
        """Nothing runs until `start`."""
        self.name = name
        self._command = list(command)
        self._environment = dict(environment)
        self._output = output
        self._child: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process id, while there is one."""
        return self._child.pid if self._child else None

    @property
    def running(self) -> bool:
        """Whether the program runs now."""
        return self._child is not None and self._child.returncode is None

    @property
    def ended(self) -> int | None:
        """The exit code, negative for a signal; None before the end."""
        return self._child.returncode if self._child else None

    async def start(self) -> None:
        """Run the program, in a session of its own: Ctrl-C reaches only its parent, which stops
        everything in the right order."""
        self._child = await asyncio.create_subprocess_exec(
            *self._command,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        if self._child is None or self._child.stdout is None:
            return
        while True:
            try:
                line = await self._child.stdout.readline()
            except ValueError:  # a line beyond the buffer: asyncio dropped it
                continue
            if not line:
                return
            self._output(self.name, line.decode(errors="replace").rstrip())

    async def wait(self) -> int:
        """Wait for the end; the exit code, negative for a signal."""
        if self._child is None:
            return 0
        code = await self._child.wait()
        if self._reader is not None:
            await self._reader
        return code

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if the program still runs."""
        if self._child is not None and self.running:
            with contextlib.suppress(ProcessLookupError):
                self._child.send_signal(number)

    async def stop(self, patience: float = 40.0) -> int:
        """Ask the program to end (SIGTERM) and end it (SIGKILL) after `patience` seconds."""
        self.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(patience):
                return await self.wait()
        except TimeoutError:
            self._output(self.name, f"did not stop within {patience:.0f} s, killed")
            self.signal(signal.SIGKILL)
            return await self.wait()
