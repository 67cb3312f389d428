"""Which addresses webhooks may reach."""

import pytest

from services.notify.delivery.channels.receivers import ReceiverError, check_url, is_public

PUBLIC = ["8.8.8.8", "203.113.131.1", "2001:4860:4860::8888", "2405:4800::1"]
NOT_PUBLIC = {
    "loopback": ["127.0.0.1", "127.255.0.9", "::1"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd00::1", "fc00::1"],
    "link-local": ["169.254.169.254", "fe80::1", "fe80::1%eth0"],
    "carrier NAT": ["100.64.0.1", "100.127.255.255"],
    "unspecified": ["0.0.0.0", "0.1.2.3", "::"],  # noqa: S104  # not bound to
    "multicast": ["224.0.0.1", "239.1.1.1", "ff02::1", "ff0e::1"],
    "reserved": ["240.0.0.1", "255.255.255.255", "192.0.0.1", "198.18.0.1", "fec0::1"],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1"],
    "IPv4 inside": ["::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1"],
    "6to4": ["2002:7f00:1::", "2002:a00:1::1"],
    "Teredo": ["2001:0:4136:e378:8000:63bf:3fff:fdd2"],
}


@pytest.mark.parametrize("address", PUBLIC)
def test_the_open_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address", [one for group in NOT_PUBLIC.values() for one in group], ids=lambda a: a
)
def test_nothing_else_is_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://agency.example.vn/hook", "not https"),
        ("http://127.0.0.1.nip.example/", "not https"),
        ("http://allowed.test.example.vn/", "not https"),
        ("https://user:pass@agency.example.vn/", "user name or password"),
        ("https://user@allowed.test/", "user name or password"),
        ("ftp://agency.example.vn/", "not an address"),
        ("https://", "not an address"),
        ("https://exa mple.vn/", "not an address"),
    ],
)
def test_addresses_that_nothing_is_sent_to(url: str, reason: str) -> None:
    with pytest.raises(ReceiverError, match=reason) as caught:
        check_url(url, {"allowed.test"})
    assert "pass@" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "cleaned", "private"),
    [
        ("https://Agency.Example.vn/hook?a=1", "https://agency.example.vn/hook?a=1", False),
        ("http://ALLOWED.test/", "http://allowed.test/", True),
        ("http://0x7f.1/", "http://127.0.0.1/", True),
        ("http://2130706433/", "http://127.0.0.1/", True),
        # What the host is, is decided once: the spelling that is connected to is this one.
        ("http://allowed.test\\@agency.example.vn/", "http://allowed.test/@agency.example.vn/", 1),
    ],
)
def test_a_host_has_one_spelling(url: str, cleaned: str, private: bool) -> None:
    assert check_url(url, {"allowed.test", "127.0.0.1"}) == (cleaned, bool(private))
