"""Signed webhooks after Standard Webhooks 1.0: headers webhook-id, -timestamp, -signature."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from datetime import datetime
from http import HTTPStatus

import aiohttp
from standardwebhooks import Webhook

from schemas.scope import Scope
from services.notify.delivery.channels import GoneError, NotDeliveredError
from services.notify.delivery.channels.receivers import (
    PrivateAddressError,
    ReceiverError,
    check_url,
    public_connector,
)
from services.notify.delivery.outbox import Entry
from services.notify.delivery.schedule import wait_asked
from services.notify.wording.message import Message
from services.runtime import tracing
from services.runtime.clock import Clock

_TIMEOUT = aiohttp.ClientTimeout(total=10)
# Nothing of an answer's body is wanted, so no more of it is taken in than one buffer.
_READ_BYTES = 4096


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
            "type": f"alert.{entry.alert.state}",
            "timestamp": entry.alert.changed_at.isoformat(),
            "data": {
                **entry.alert.model_dump(mode="json", exclude_none=True),
                "name": {"vi": message.name_vi, "en": message.name_en},
                "subject": message.subject,
                "text": message.text,
                "link": message.link,
            },
        },
        ensure_ascii=False,
    )


def _refusal(status: int, retry_after: str | None, now: datetime) -> NotDeliveredError:
    """What an answer other than 2xx means; the phrase is HTTP's own, not the receiver's."""
    known = status in HTTPStatus.__members__.values()
    said = f"HTTP {status} {HTTPStatus(status).phrase}" if known else f"HTTP {status}"
    if status == HTTPStatus.GONE:
        return GoneError(said)
    if 300 <= status < 400:
        return NotDeliveredError(f"{said}: redirects are not followed")
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        return NotDeliveredError(said, wait_asked(retry_after, now))
    return NotDeliveredError(said)


def _failure(error: Exception) -> NotDeliveredError:
    """What kept an answer away, by its kind alone: its text may hold the address."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            reason = "the name of its host is not found"
        case aiohttp.ClientSSLError():
            reason = "TLS: its certificate or protocol is not accepted"
        case aiohttp.ClientConnectorError(os_error=PrivateAddressError() as refused):
            reason = str(refused)
        case aiohttp.ClientConnectorError():
            reason = "no connection"
        case TimeoutError():
            reason = f"no answer within {_TIMEOUT.total:g} s"
        case aiohttp.ServerDisconnectedError():
            reason = "the connection ended without an answer"
        case _:
            reason = type(error).__name__
    return NotDeliveredError(reason)


def _session(connector: aiohttp.TCPConnector | None) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        timeout=_TIMEOUT,
        read_bufsize=_READ_BYTES,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    )


class WebhookChannel:
    """Posts messages to agencies."""

    def __init__(self, master_key: str, private_hosts: AbstractSet[str], clock: Clock) -> None:
        """Nothing is connected to yet.

        Args:
            master_key: that the agencies' secrets derive from.
            private_hosts: hosts that may have private addresses, and be spoken to without TLS.
            clock: the present.
        """
        self._master_key = master_key
        self._private_hosts = private_hosts
        self._clock = clock
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Keep connections as long as the process runs; those to private hosts apart."""
        async with _session(public_connector()) as public, _session(None) as private:
            self._sessions = {False: public, True: private}
            yield

    async def deliver(self, entry: Entry, address: str, message: Message) -> None:
        """Post one message; only a 2xx counts as taken, and no redirect is followed.

        Raises:
            GoneError: for 410.
            NotDeliveredError: with the status or the reason, and what Retry-After asked for.
        """
        try:
            url, private = check_url(address, self._private_hosts)
        except ReceiverError as error:
            raise NotDeliveredError(str(error)) from None
        body = payload(entry, message)
        now: datetime = self._clock()
        webhook = Webhook(agency_secret(self._master_key, entry.agency))
        headers = {
            "content-type": "application/json",
            "webhook-id": entry.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": webhook.sign(entry.id, now, body),
        }
        if (traceparent := tracing.current()) is not None:
            headers["traceparent"] = traceparent
        try:
            async with self._sessions[private].post(
                url,
                data=body.encode(),
                headers=headers,
                allow_redirects=False,
            ) as response:
                if not 200 <= response.status < 300:
                    asked = response.headers.get("Retry-After")
                    raise _refusal(response.status, asked, now)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _failure(error) from error
