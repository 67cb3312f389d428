"""A TCP proxy that can cut and delay: a bad network between a service and a server."""

import asyncio
import contextlib

_CHUNK = 2**16


class Proxy:
    """Passes on what comes to a loopback port, until it is told to misbehave.

    Attributes:
        port: to connect to.
        delay: seconds that every chunk waits, in both directions.
    """

    def __init__(self, port: int, target: int) -> None:
        """Listen for nothing yet.

        Args:
            port: to listen on.
            target: port that the connections go on to.
        """
        self.port = port
        self.delay = 0.0
        self._target = target
        self._cut = False
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Drop every connection and listen no more."""
        self.cut()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def cut(self) -> None:
        """Reset every connection, and every new one, until `mend`."""
        self._cut = True
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        """Let connections through again."""
        self._cut = False

    async def _pass_on(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        if self._cut:
            back.transport.abort()
            return
        try:
            far, forth = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            back.transport.abort()
            return
        ends = {back, forth}
        self._writers |= ends
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(near, forth))
                group.create_task(self._pump(far, back))
        finally:
            self._writers -= ends
            for writer in ends:
                writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                if self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(chunk)
                await writer.drain()
        # One direction has ended: so does the connection, as both sides then see at once.
        writer.transport.abort()
