"""Keeps processes running: starts them again when they end by themselves, stops them in order."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable

from deploy.local.process import Output, Process

_LONGEST_PAUSE_SECONDS = 10.0
_WELL_AFTER_SECONDS = 30.0
_MISUSED = 2
"""Exit code of a process whose settings are wrong: starting it again would not help."""

Start = Callable[[], Awaitable[None]]


class Supervisor:
    """The processes of one stack, in the order in which they were added."""

    def __init__(self, output: Output, on_change: Callable[[], None]) -> None:
        """Start empty.

        Args:
            output: gets a line whenever a process ends or is started again.
            on_change: called when a process has another pid.
        """
        self._output = output
        self._on_change = on_change
        self.processes: list[Process] = []
        self.given_up: set[str] = set()
        self._keepers: list[asyncio.Task[None]] = []

    async def add(self, process: Process, start: Start) -> None:
        """Start a process and keep it running.

        Args:
            process: to keep.
            start: runs it until it is usable; raises what keeps it from that.
        """
        self.processes.append(process)
        await start()
        self._on_change()
        self._keepers.append(asyncio.create_task(self._keep(process, start)))

    async def _keep(self, process: Process, start: Start) -> None:
        pause = 0.5
        while True:
            started = time.monotonic()
            code = await process.wait()
            if code == _MISUSED:
                self._output(process.name, "ended because of a wrong setting, not started again")
                self.given_up.add(process.name)
                return
            if time.monotonic() - started > _WELL_AFTER_SECONDS:
                pause = 0.5
            self._output(process.name, f"ended with {code}, starting again in {pause:.1f} s")
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            try:
                await start()
            except Exception as error:  # noqa: BLE001  # said aloud, and tried again
                self._output(process.name, f"did not start: {error}")
            self._on_change()

    async def stop(self) -> None:
        """Stop everything: the youngest first, so that servers outlive what uses them.

        Whoever is tired of waiting cancels this: then all end at once, and nothing is left behind.
        """
        for keeper in self._keepers:
            keeper.cancel()
        servers = [p for p in self.processes if p.name in {"kafka", "mongod"}]
        services = [p for p in self.processes if p not in servers]
        try:
            await asyncio.gather(*self._keepers, return_exceptions=True)
            await asyncio.gather(*(process.stop() for process in services))
            await asyncio.gather(*(process.stop() for process in servers))
        except asyncio.CancelledError:
            for process in self.processes:
                process.signal(signal.SIGKILL)
            raise
