"""Signed webhooks after Standard Webhooks 1.0: headers webhook-id, -timestamp, -signature."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import aiohttp
from standardwebhooks import Webhook

from schemas.scope import Scope
from services.notify.channels import NotDeliveredError
from services.notify.message import Message
from services.notify.outbox import Entry
from services.runtime.clock import Clock

_TIMEOUT = aiohttp.ClientTimeout(total=10)


def agency_secret(master_key: str, agency: Scope) -> str:
    """The secret that an agency verifies our signatures with (`whsec_…`).

    Derived from the master key by HMAC-SHA-256, so that none is stored and one that leaks tells
    nothing of the others.
    """
    derived = hmac.new(master_key.encode(), f"webhook:{agency}".encode(), hashlib.sha256).digest()
    return "whsec_" + base64.b64encode(derived).decode()


def payload(entry: Entry, message: Message) -> str:
    """The body: what happened in fields, and in words in both languages."""
    return json.dumps(
        {
            "type": f"alert.{entry.event.state}",
            "timestamp": entry.event.changed_at.isoformat(),
            "data": {
                **entry.event.model_dump(mode="json", exclude_none=True),
                "name": {"vi": message.name_vi, "en": message.name_en},
                "subject": message.subject,
                "text": message.text,
                "link": message.link,
            },
        },
        ensure_ascii=False,
    )


class WebhookChannel:
    """Posts messages to agencies."""

    def __init__(self, master_key: str, clock: Clock) -> None:
        """Hold the key that secrets derive from, and the present."""
        self._master_key = master_key
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Keep connections as long as the process runs."""
        async with aiohttp.ClientSession() as self._session:
            yield

    async def deliver(self, entry: Entry, message: Message) -> None:
        """Post one message; only a 2xx counts as taken, and no redirect is followed.

        Raises:
            NotDeliveredError: with the status or the reason.
        """
        if self._session is None:
            msg = "not open yet"
            raise NotDeliveredError(msg)
        body = payload(entry, message)
        now: datetime = self._clock()
        webhook = Webhook(agency_secret(self._master_key, entry.agency))
        headers = {
            "content-type": "application/json",
            "webhook-id": entry.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": webhook.sign(entry.id, now, body),
        }
        try:
            async with self._session.post(
                entry.target,
                data=body.encode(),
                headers=headers,
                allow_redirects=False,
                timeout=_TIMEOUT,
            ) as response:
                if not 200 <= response.status < 300:
                    msg = f"HTTP {response.status}"
                    raise NotDeliveredError(msg)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NotDeliveredError(type(error).__name__) from error
