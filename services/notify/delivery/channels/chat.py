"""Chat services and others that Apprise knows, where an agency wants them.

What goes there is short, and without what citizens wrote: the service may be anybody's.
"""

import asyncio
import logging

from apprise import Apprise, AppriseAsset, NotifyFormat, PersistentStoreMode
from apprise.plugins.base import NotifyBase

from services.notify.delivery.channels import NotDeliveredError
from services.notify.delivery.outbox import Entry
from services.notify.wording.message import Message

_TIMEOUT_SECONDS = 30
"""For one message, however many requests a service needs."""

# Its log holds addresses, and these hold secrets.
logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)

_ASSET = AppriseAsset(
    app_id="Lang Nghe",  # is a header, which takes no other letters
    allow_templates=False,
    http_redirects=False,
    image_url_logo="",
    image_url_mask="",
    storage_mode=PersistentStoreMode.MEMORY,
)


def service_of(address: str) -> NotifyBase | None:
    """The service behind an address; None where Apprise knows none or misses a part of it."""
    return Apprise.instantiate(address, asset=_ASSET)


async def deliver(_entry: Entry, address: str, message: Message, /) -> None:
    """Hand one message to its service.

    Raises:
        NotDeliveredError: when it was not taken; why, Apprise does not say without its address.
    """
    service = service_of(address)
    if service is None:
        msg = "Apprise does not know its address"
        raise NotDeliveredError(msg)
    one = Apprise(asset=_ASSET)
    one.add(service)
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            taken = await one.async_notify(
                title=message.subject,
                body=f"{message.brief}\n{message.link}",
                body_format=NotifyFormat.TEXT,
            )
    except TimeoutError as error:
        msg = f"no answer from {service.service_name} within {_TIMEOUT_SECONDS} s"
        raise NotDeliveredError(msg) from error
    if not taken:
        msg = f"{service.service_name} did not take it"
        raise NotDeliveredError(msg)
