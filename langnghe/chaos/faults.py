"""Does to a running stack what a schedule says, and undoes it."""

import asyncio
import signal
import time
from collections.abc import Callable, Sequence

from deploy.local import ports
from deploy.local.process import Process
from deploy.local.stack import Addresses, Stack
from langnghe.chaos.schedule import Fault, Kind
from langnghe.chaos.servers import Servers


class Mischief:
    """The hand that does it."""

    def __init__(
        self, stack: Stack, addresses: Addresses, servers: Servers, tell: Callable[[str], None]
    ) -> None:
        """Hold what can be harmed.

        Args:
            stack: of the four services.
            addresses: of the stack.
            servers: that it uses.
            tell: gets a line about everything that is done.
        """
        self._stack = stack
        self._addresses = addresses
        self._servers = servers
        self._tell = tell
        self.ended_at: list[float] = []
        """When each fault was undone, on a monotonic clock."""

    async def run(self, faults: Sequence[Fault]) -> None:
        """Do everything at its time; returns when all is undone."""
        started = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for fault in faults:
                group.create_task(self._at_its_time(fault, started))

    async def _at_its_time(self, fault: Fault, started: float) -> None:
        await asyncio.sleep(max(0.0, started + fault.at - time.monotonic()))
        self._tell(str(fault))
        await self._do(fault)
        self.ended_at.append(time.monotonic())

    async def _do(self, fault: Fault) -> None:
        match fault.kind:
            case Kind.KILL:
                self._process(fault.target).signal(signal.SIGKILL)
            case Kind.RESTART:
                self._process(fault.target).signal(signal.SIGTERM)
            case Kind.FREEZE:
                await self._freeze(self._process(fault.target), fault.lasts)
            case Kind.CUT:
                proxy = self._servers.proxies[fault.target]
                proxy.cut()
                await asyncio.sleep(fault.lasts)
                proxy.mend()
            case Kind.DELAY:
                proxy = self._servers.proxies[fault.target]
                proxy.delay = fault.delay
                await asyncio.sleep(fault.lasts)
                proxy.delay = 0.0
            case Kind.SECOND:
                await self._second(fault.target, fault.lasts)

    def _process(self, name: str) -> Process:
        if name in self._servers.processes:
            return self._servers.processes[name]
        return next(p for p in self._stack.supervisor.processes if p.name == name)

    @staticmethod
    async def _freeze(process: Process, seconds: float) -> None:
        process.signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            process.signal(signal.SIGCONT)

    async def _second(self, name: str, seconds: float) -> None:
        another = self._stack.instance(name, self._addresses, ports.choose())
        await another.start()
        try:
            await asyncio.sleep(seconds)
        finally:
            await another.stop()
