"""Where webhooks may go: public addresses of the internet, and nothing inside.

Users choose the addresses, and the hub calls them from inside its own network: so loopback,
private, link-local (with the metadata service of clouds), multicast and reserved addresses are
refused, and those that wrap one of them in IPv6. A name is judged by what it resolves to, each time
a connection is made, and that very address is connected to.
"""

import ipaddress
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

URL_CHARS_MAX: Final = 2_048
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


class UnsafeUrl(ValueError):
    """An address to which nothing is sent. The message says why, and repeats nothing secret."""


class Target(Struct, frozen=True):
    """A receiver's URL, taken apart."""

    scheme: str
    host: str
    port: int


def check_url(url: str, *, ports: Collection[int], private: bool) -> Target:
    """Make sure that a URL may be called, as far as that can be said without asking anybody.

    Args:
        url: as the user wrote it.
        ports: which may be called; of no account when `private`.
        private: whether addresses inside are allowed: for a demo on one's own machine.

    Raises:
        UnsafeUrl: it may not.
    """
    if len(url) > URL_CHARS_MAX or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise UnsafeUrl("a URL has at most 2,048 printable ASCII characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UnsafeUrl("not a URL") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise UnsafeUrl("a URL begins with https:// or http://")
    if "@" in parts.netloc:
        raise UnsafeUrl("a URL holds no user or password")
    if not parts.hostname or "%" in parts.hostname:
        raise UnsafeUrl("a URL names a host")
    if "#" in url:
        raise UnsafeUrl("a URL to call has no fragment")
    target = Target(parts.scheme, parts.hostname, DEFAULT_PORTS[parts.scheme] if port is None else port)
    if not private:
        if target.port not in ports:
            raise UnsafeUrl(f"port {target.port} is not among {', '.join(map(str, sorted(ports)))}")
        _check_host(target.host)
    return target


def is_public(text: str) -> bool:
    """Whether an IP address, written out, is one of the public internet."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return all(_is_public(one) for one in _with_wrapped(address))


def _check_host(host: str) -> None:
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        raise UnsafeUrl("a name inside is not called")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if host.rstrip(".").rpartition(".")[2][:1].isdigit():
            # No top-level name begins with a digit, but resolvers read `0x7f.1` and `127.1` as addresses.
            raise UnsafeUrl("an address is written as four decimal numbers") from None
        return  # a name: judged by what it resolves to
    if not is_public(host):
        raise UnsafeUrl("an address inside is not called")


def _with_wrapped(address: Address) -> list[Address]:
    """An address, and those that a translator or tunnel would take out of it."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    wrapped: list[Address] = []
    if address.sixtofour is not None:
        wrapped.append(address.sixtofour)
    if address.teredo is not None:
        wrapped.extend(address.teredo)
    if address in _NAT64:
        # The prefix itself is no address of a host: what counts is what it stands for.
        return [ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)]
    return [address, *wrapped]


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)
