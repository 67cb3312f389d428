"""An agency's ends of the line: a webhook receiver that checks signatures, and a mailbox."""

import asyncio
import email
import email.policy
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from itertools import pairwise
from typing import Any

from aiohttp import web
from aiosmtpd.controller import Controller
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from deploy.local import ports
from services.notify.delivery.channels.webhook import agency_secret


@dataclass(frozen=True)
class Delivery:
    """A message that arrived.

    Attributes:
        channel: webhook or email.
        id: of the message; the same over repetitions.
        alert: the alert's id.
        scope: what the alert is about.
        state: firing or resolved.
        at: when it arrived, on a monotonic clock.
        text: what a person reads.
    """

    channel: str
    id: str
    alert: str
    scope: str
    state: str
    at: float
    text: str


class _Mailbox:
    """Takes every mail; aiosmtpd calls it from a thread of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, take: Callable[[bytes], None]) -> None:
        self._loop = loop
        self._take = take

    async def handle_DATA(  # noqa: N802  # aiosmtpd calls it so
        self, _server: object, _session: object, envelope: Any
    ) -> str:
        self._loop.call_soon_threadsafe(self._take, bytes(envelope.content))
        return "250 OK"


class Agency:
    """Receives what agencies would, and keeps it."""

    def __init__(self, master_key: str, on_delivery: Callable[[Delivery], None]) -> None:
        """Listen for nothing yet.

        Args:
            master_key: that webhook secrets derive from.
            on_delivery: told of every message that arrives.
        """
        self._master_key = master_key
        self._on_delivery = on_delivery
        self.deliveries: list[Delivery] = []
        self.refused = 0
        self.webhook_url = ""
        self.smtp_port = 0

    def _received(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        self._on_delivery(delivery)

    async def _on_webhook(self, request: web.Request) -> web.Response:
        body = await request.text()
        agency = request.match_info["agency"]
        try:
            Webhook(agency_secret(self._master_key, agency)).verify(body, dict(request.headers))
        except WebhookVerificationError:
            self.refused += 1
            return web.Response(status=401)
        data: dict[str, Any] = json.loads(body)["data"]
        self._received(
            Delivery(
                "webhook",
                request.headers["webhook-id"],
                data["alert"],
                data["scope"],
                data["state"],
                time.monotonic(),
                data["subject"],
            )
        )
        return web.Response(status=204)

    def _on_mail(self, content: bytes) -> None:
        mail: EmailMessage = email.message_from_bytes(content, policy=email.policy.default)
        part = mail.get_body(("plain",))
        text = str(part.get_content()) if part else ""
        vietnamese = text.partition("\n--\n")[0]
        moment = time.monotonic()
        for said, code in pairwise(vietnamese.split("Mã cảnh báo: ")):  # a mail may tell of several
            alert = code.split()[0]
            state = "resolved" if "đã phục hồi" in said else "firing"
            scope = alert.split("/")[1]
            self._received(
                Delivery("email", str(mail["Message-ID"]), alert, scope, state, moment, text)
            )

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen on free loopback ports, as long as the block runs."""
        app = web.Application()
        app.router.add_post("/hooks/{agency}", self._on_webhook)
        runner = web.AppRunner(app)
        await runner.setup()
        port, self.smtp_port = ports.choose(), ports.choose()
        self.webhook_url = f"http://127.0.0.1:{port}/hooks"
        await web.TCPSite(runner, "127.0.0.1", port).start()
        mailbox = _Mailbox(asyncio.get_running_loop(), self._on_mail)
        controller = Controller(mailbox, hostname="127.0.0.1", port=self.smtp_port)
        controller.start()
        try:
            yield
        finally:
            controller.stop()
            await runner.cleanup()
