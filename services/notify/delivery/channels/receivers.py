"""Which webhook addresses may be connected to: whoever edits the registry must not get to reach
what stands beside this process (server-side request forgery).

What counts is the address that a socket is opened to, whatever the URL or a name server said
before: a name cannot change its mind between check and connection.
"""

import socket
from collections.abc import Set as AbstractSet
from ipaddress import IPv6Address, ip_address
from typing import Any

from aiohttp import TCPConnector
from pydantic import AnyHttpUrl, TypeAdapter, ValidationError

_URL: TypeAdapter[AnyHttpUrl] = TypeAdapter(AnyHttpUrl)


class ReceiverError(Exception):
    """A webhook address that nothing is sent to. The message never repeats the address."""


class PrivateAddressError(OSError):
    """A connection was about to be opened to an address that is not public."""


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the open Internet, by IANA's registries.

    Addresses that carry another inside (IPv4-mapped, 6to4, NAT64) are not, whatever they carry.
    """
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address) and (parsed.sixtofour is not None or parsed.is_site_local):
        return False
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def _public_socket(address_info: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol, _, address = address_info
    if not is_public(address[0]):
        msg = "private address"
        raise PrivateAddressError(msg)
    return socket.socket(family, kind, protocol)


def public_connector() -> TCPConnector:
    """A connector that opens no socket to an address that is not public."""
    return TCPConnector(socket_factory=_public_socket)


def check_url(url: str, private_hosts: AbstractSet[str]) -> tuple[str, bool]:
    """Look at a webhook address before anything is sent there.

    Args:
        url: as the registry holds it.
        private_hosts: hosts that may have private addresses, and be spoken to without TLS.

    Returns:
        The address with its host in one spelling, to connect to; and whether its host is private.

    Raises:
        ReceiverError: naming the rule.
    """
    try:
        parsed = _URL.validate_python(url)
    except ValidationError:
        msg = "not an address of http or https"
        raise ReceiverError(msg) from None
    if parsed.username is not None or parsed.password is not None:
        msg = "user name or password in the address"
        raise ReceiverError(msg)
    private = parsed.host in private_hosts
    if parsed.scheme != "https" and not private:
        msg = "not https"
        raise ReceiverError(msg)
    return str(parsed), private
