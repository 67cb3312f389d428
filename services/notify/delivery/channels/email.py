"""E-mail by SMTP, plain text and HTML."""

import asyncio
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib

from services.notify.delivery.channels import NotDeliveredError
from services.notify.delivery.outbox import Entry
from services.notify.settings import NotifySettings
from services.notify.wording.message import Message

_TIMEOUT_SECONDS = 30
"""For the whole conversation with the server."""


def compose_mail(entry: Entry, address: str, message: Message, sender: str) -> EmailMessage:
    """One mail; its Message-ID stays the same over every attempt."""
    mail = EmailMessage()
    mail["Subject"] = message.subject
    mail["From"] = sender
    mail["To"] = address
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = f"<{entry.id}@langnghe>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    mail.add_alternative(message.html, subtype="html")
    return mail


class EmailChannel:
    """Sends mail through one server."""

    def __init__(self, settings: NotifySettings) -> None:
        """Hold the server's address."""
        self._settings = settings

    async def deliver(self, entry: Entry, address: str, message: Message) -> None:
        """Hand one mail to the server.

        Raises:
            NotDeliveredError: when there is no server or it does not take the mail.
        """
        settings = self._settings
        if settings.smtp_host is None:
            msg = "no mail server is set (LANGNGHE_SMTP_HOST)"
            raise NotDeliveredError(msg)
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await aiosmtplib.send(
                    compose_mail(entry, address, message, settings.mail_from),
                    hostname=settings.smtp_host,
                    port=settings.smtp_port,
                    username=settings.smtp_user,
                    password=settings.smtp_password.get_secret_value()
                    if settings.smtp_password
                    else None,
                    start_tls=settings.smtp_tls,
                    timeout=10,
                )
        except aiosmtplib.SMTPResponseException as error:
            # By its code alone: the text may hold the address.
            msg = f"SMTP {error.code}"
            raise NotDeliveredError(msg) from error
        except (TimeoutError, aiosmtplib.SMTPTimeoutError) as error:
            msg = "no answer from the mail server"
            raise NotDeliveredError(msg) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise NotDeliveredError(type(error).__name__) from error
