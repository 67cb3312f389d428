"""A kiosk: keeps every answer on disk until the gateway has it."""

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp

from client.keys import load_or_make, public_text
from client.signing import Signer

_LATER = {HTTPStatus.UNAUTHORIZED, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}


class EnrolmentError(Exception):
    """The gateway did not take the code; says why."""


class Kiosk:
    """One device with its key, its number and its queue, all in one folder."""

    def __init__(self, folder: Path, gateway: str, session: aiohttp.ClientSession) -> None:
        """Open the folder; a key is made if there is none.

        Args:
            folder: of this device alone.
            gateway: base URL.
            session: to send with.
        """
        self._folder = folder
        self._gateway = gateway
        self._session = session
        self._queue = folder / "queue"
        self._queue.mkdir(parents=True, exist_ok=True)
        self._key = load_or_make(folder / "key.pem")
        self._clock_is_behind = timedelta(0)
        device = folder / "device"
        self._signer = Signer(device.read_text(), self._key) if device.exists() else None

    async def enrol(self, code: str) -> str:
        """Enrol with a one-time code; the id of this device. Harmless to repeat.

        Raises:
            EnrolmentError: when the gateway refuses.
        """
        body = {"code": code, "public_key": public_text(self._key)}
        async with self._session.post(f"{self._gateway}/v1/devices", json=body) as answer:
            said = await answer.json(content_type=None)
            if answer.status != HTTPStatus.CREATED:
                raise EnrolmentError(said["detail"])
        device: str = said["device"]
        _write(self._folder / "device", device)
        self._signer = Signer(device, self._key)
        return device

    def keep(self, answer: dict[str, Any]) -> None:
        """Keep an answer, numbered and named as this device's, until `send` has handed it in."""
        if self._signer is None:
            msg = "the device is not enrolled"
            raise EnrolmentError(msg)
        counter = self._folder / "sequence"
        sequence = int(counter.read_text()) + 1 if counter.exists() else 1
        # The number first: one that is left out does no harm, one that is used twice does.
        _write(counter, str(sequence))
        whole = {**answer, "device": self._signer.device, "sequence": sequence}
        _write(self._queue / f"{sequence:012d}.json", json.dumps(whole, ensure_ascii=False))

    def waiting(self) -> Sequence[Path]:
        """Answers that are not handed in yet, oldest first."""
        return sorted(self._queue.glob("*.json"))

    async def send(self) -> int:
        """Hand in what waits, oldest first; how many still wait because the gateway cannot now.

        What the gateway refuses for good is put aside into the folder `refused`.
        """
        for path in self.waiting():
            status = await self._post("/v1/feedback", path.read_bytes())
            if status == HTTPStatus.ACCEPTED:
                path.unlink()
            elif status is None or status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                break
            else:
                aside = self._folder / "refused"
                aside.mkdir(exist_ok=True)
                path.rename(aside / path.name)
        return len(self.waiting())

    async def beat(self) -> bool:
        """Show that this kiosk is there, once a minute, also while nobody answers.

        Returns:
            Whether the gateway has heard it; if not, the next one is as good.
        """
        body = json.dumps({"queued": len(self.waiting())}).encode()
        return await self._post("/v1/heartbeats", body) == HTTPStatus.ACCEPTED

    async def _post(self, path: str, body: bytes) -> int | None:
        if self._signer is None:
            msg = "the device is not enrolled"
            raise EnrolmentError(msg)
        now = datetime.now(UTC) + self._clock_is_behind
        headers = self._signer.headers("POST", path, body, now)
        try:
            async with self._session.post(
                self._gateway + path, data=body, headers=headers
            ) as answer:
                await answer.read()
                if answer.status == HTTPStatus.UNAUTHORIZED and "Date" in answer.headers:
                    # Perhaps the clock: sign by the gateway's from now on.
                    theirs = parsedate_to_datetime(answer.headers["Date"])
                    self._clock_is_behind = theirs - datetime.now(UTC)
                return answer.status
        except (TimeoutError, aiohttp.ClientError):
            return None


def _write(path: Path, text: str) -> None:
    """All or nothing, also if the power goes."""
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
