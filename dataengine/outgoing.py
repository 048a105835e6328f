"""Requests to addresses that users gave. They reach public addresses only, and those that the installation allows.

What counts is the address that is connected to, not the name: it is looked up once, each result is checked, and one of
those is connected to. So a name that resolves to another address the next time gains nothing, nor does a redirect,
since none is followed.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

import httpcore
from django.conf import settings

_SECONDS = 10.0
"""How long connecting, and each wait for data, may take."""
_MOST_BYTES = 64 * 1024
_SYNTHESISED = IPv6Network("64:ff9b::/96")  # IPv4 addresses as seen behind NAT64


class Refused(Exception):
    """The address is not one that may be reached."""


class Unreachable(Exception):
    """No answer came; another time one may."""


class Answer(NamedTuple):
    """``body`` is its beginning."""

    status: int
    body: bytes


def post(url: str, content: bytes, headers: Mapping[str, str]) -> Answer:
    """POST ``content`` to ``url`` (see ``check_url``). Raises Refused or Unreachable; follows no redirect."""
    check_url(url)
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), _SECONDS)
    try:
        with (
            httpcore.ConnectionPool(ssl_context=_tls(), network_backend=_Checked()) as pool,
            pool.stream(
                "POST", url, headers=list(headers.items()), content=content, extensions={"timeout": timeouts}
            ) as response,
        ):
            return Answer(response.status, _beginning(response.iter_stream()))
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
        raise Unreachable(_reason(error)) from error


def check_url(url: str) -> None:
    """Raise Refused, saying why, for a URL that can never be right: not https, or of an address that is not public.

    Plain http is for addresses that the installation allows.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise Refused("This is not a URL.") from None
    if parts.scheme not in ("http", "https") or not host or any(c <= " " or c == "\x7f" for c in url):
        raise Refused("This is not a URL that begins with https://.")
    if parts.username is not None or parts.password is not None:
        raise Refused("A URL with a user name or a password in it is not used.")
    address = _literal(host)
    if address is None and (host.rstrip(".") == "localhost" or host.rstrip(".").endswith(".localhost")):
        address = ip_address("127.0.0.1")
    if address is not None and not may_reach(address):
        raise Refused("This address is not public.")
    if parts.scheme == "http" and not (address is not None and _is_allowed(address)):
        raise Refused("Give a URL that begins with https://.")


def may_reach(address: IPv4Address | IPv6Address) -> bool:
    """Whether requests may go there: to what the whole internet can reach, or what the installation allows."""
    return _is_allowed(address) or all(one.is_global and not one.is_multicast for one in _meant(address))


def _is_allowed(address: IPv4Address | IPv6Address) -> bool:
    return any(one in network for network in settings.OUTGOING_ALLOW for one in _meant(address))


def _meant(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The address, or the IPv4 address that it stands for; for tunnels both, since either may be where it ends."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in _SYNTHESISED:
        return [IPv4Address(int(address) & 0xFFFF_FFFF)]
    tunnels = [address.sixtofour, *(address.teredo or ())]
    return [address, *(one for one in tunnels if one is not None)]


class _Checked(httpcore.SyncBackend):
    """Connects to addresses that were checked."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = _resolved(host, port)
        if not all(may_reach(address) for address in addresses):
            raise Refused("This address is not public.")
        failed: Exception = httpcore.ConnectError("it has no address")
        for address in addresses:
            try:
                return super().connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed


def _resolved(host: str, port: int) -> list[IPv4Address | IPv6Address]:
    address = _literal(host)
    if address is not None:
        return [address]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError("its name is not known") from error
    # In the order of preference, each once; an address of a link has its interface after a %.
    return list(dict.fromkeys(ip_address(str(one[4][0]).partition("%")[0]) for one in found))


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is written as, also in the ways that C libraries know (``127.1``, ``0x7f000001``)."""
    with suppress(ValueError):
        return ip_address(host.partition("%")[0])
    with suppress(OSError):
        return IPv4Address(socket.inet_aton(host))
    return None


def _beginning(chunks: Iterable[bytes]) -> bytes:
    body = b""
    for chunk in chunks:
        body += chunk
        if len(body) >= _MOST_BYTES:
            break
    return body[:_MOST_BYTES]


def _reason(error: Exception) -> str:
    if isinstance(error, httpcore.TimeoutException):
        return f"No answer came within {_SECONDS:.0f} seconds."
    cause = error.__cause__ or error
    text = str(cause.__cause__ or cause) or type(error).__name__
    return f"The address did not answer: {text}."


@cache
def _tls() -> ssl.SSLContext:
    """Trusts whom the machine and certifi trust; made once, since reading the certificates takes 30 ms."""
    context = httpcore.default_ssl_context()
    context.load_default_certs()
    return context
