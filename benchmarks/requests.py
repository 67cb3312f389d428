"""Requests made beforehand and sent as fast as they are answered: the sender has to cost little,
as it runs beside what it measures."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence


class RefusedError(Exception):
    """A request was not taken."""


def encoded(path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """A POST as it goes over the wire.

    Args:
        path: with which it was signed.
        headers: beside those that every request has.
        body: as it was signed.
    """
    lines = [f"POST {path} HTTP/1.1", "Host: gateway", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join((*lines, "", "")).encode() + body


async def _send(port: int, requests: Iterator[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for request in requests:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            answer = await reader.readexactly(length)
            if not head.startswith(b"HTTP/1.1 202 "):
                msg = f"{head.splitlines()[0].decode()}: {answer[:500].decode()}"
                raise RefusedError(msg)
    finally:
        writer.close()


async def hand_in(port: int, requests: Sequence[bytes], connections: int) -> None:
    """Send all, each connection its next one when the last was answered.

    Raises:
        RefusedError: when one is not answered with 202.
    """
    waiting = iter(requests)
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(_send(port, waiting))
