"""Requests to addresses that users gave. They reach public addresses only, and those that the installation allows.

What counts is the address that is connected to, not the name: it is looked up once, each result is checked, and one of
those is connected to. So a name that resolves to another address the next time gains nothing, nor does a redirect:
messages follow none, and downloads check each one like the first address.
"""

from __future__ import annotations

import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, NamedTuple
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

import httpcore
from django.conf import settings

_SECONDS = 10.0
"""How long connecting, and each wait for data, may take."""
_POST_SECONDS = 30.0
"""How long an answer to a message may take in all: one that drips would hold its worker for hours."""
_MOST_BYTES = 64 * 1024
_MOST_REDIRECTS = 5
_MOST_ADDRESSES = 4
"""How many addresses of one name are tried: each may take all the time that connecting has."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LOOK_UP_SECONDS = 0.5
"""How often somebody who waits for data is asked whether to go on."""
_PIECE_BYTES = 256 * 1024
_SYNTHESISED = IPv6Network("64:ff9b::/96")  # IPv4 addresses as seen behind NAT64
# All that the internet uses of IPv6. Python calls more of it global: sites, and old ways to write IPv4 addresses.
_UNICAST = IPv6Network("2000::/3")


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
    patience = Patience(lambda: None, _POST_SECONDS, _SECONDS)
    deadline = time.monotonic() + _POST_SECONDS
    backend = _Checked(lambda stream: _Patient(stream, patience, deadline))
    try:
        with (
            httpcore.ConnectionPool(ssl_context=_tls(), network_backend=backend) as pool,
            pool.stream(
                "POST", _ascii(url), headers=list(headers.items()), content=content, extensions={"timeout": timeouts}
            ) as response,
        ):
            return Answer(response.status, _beginning(response.iter_stream()))
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
        raise Unreachable(_reason(error)) from error


class Download(NamedTuple):
    """An answer that is still coming. ``headers`` have lower-case names; ``pieces`` are its content, unpacked.

    ``url`` is where it was found in the end.
    """

    status: int
    headers: dict[str, str]
    url: str
    pieces: Iterator[bytes]


class Patience(NamedTuple):
    """How long a download may take, in all and in each wait for data.

    ``go_on`` is called about twice a second and ends it by raising.
    """

    go_on: Callable[[], None]
    seconds: float
    idle_seconds: float


@contextmanager
def download(url: str, headers: Mapping[str, str], patience: Patience) -> Iterator[Download]:
    """GET ``url`` (see ``check_url``), following redirects, each checked. Raises Refused or Unreachable, then or later.

    Nothing but ``headers`` is sent: no cookie that an address set, no password.
    """
    asked = [*headers.items(), ("Accept-Encoding", "gzip, identity")]
    timeouts = {"connect": _SECONDS, "write": _SECONDS, "pool": _SECONDS, "read": patience.idle_seconds}
    deadline = time.monotonic() + patience.seconds
    backend = _Checked(lambda stream: _Patient(stream, patience, deadline))
    try:
        with httpcore.ConnectionPool(ssl_context=_tls(), network_backend=backend) as pool:
            for _ in range(_MOST_REDIRECTS + 1):
                check_url(url)
                patience.go_on()
                with pool.stream("GET", _ascii(url), headers=asked, extensions={"timeout": timeouts}) as response:
                    found = {name.decode("latin-1").lower(): text.decode("latin-1") for name, text in response.headers}
                    if response.status in _REDIRECTS and "location" in found:
                        url = _next(url, found["location"])
                        continue
                    pieces = _unpacked(response.iter_stream(), found.get("content-encoding", ""))
                    yield Download(response.status, found, url, pieces)
                    return
            raise Unreachable(f"The address leads on more than {_MOST_REDIRECTS} times.")
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
        raise Unreachable(_reason(error, patience.idle_seconds)) from error


def masked(url: str) -> str:
    """The URL as it may be shown: without what is often secret."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "…" if parts.query else "", ""))


def _next(url: str, location: str) -> str:
    try:
        return urljoin(url, location).partition("#")[0]
    except ValueError:
        raise Refused("The address leads on to something that is no URL.") from None


def _ascii(url: str) -> str:
    """The URL as it is sent: names in IDNA, everything else in per cent."""
    parts = urlsplit(url)
    try:
        host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode()
    except UnicodeError:
        raise Refused("This is not a URL that begins with https://.") from None
    path, query = (quote(part, safe="%/:@!$&'()*+,;=~-._?") for part in (parts.path or "/", parts.query))
    return urlunsplit((parts.scheme, host, path, query, ""))


def _unpacked(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The content, a piece at a time, however much a few bytes become."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        yield from chunks
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise Unreachable("The address sends its content packed in a way that is not read here.")
    packed = zlib.decompressobj(wbits=47)
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                if packed.eof:  # a gzip stream may have several members
                    packed = zlib.decompressobj(wbits=47)
                if piece := packed.decompress(rest, _PIECE_BYTES):
                    yield piece
                rest = packed.unused_data if packed.eof else packed.unconsumed_tail
        while not packed.eof:
            piece = packed.decompress(b"", _PIECE_BYTES)
            if not piece:
                raise Unreachable("The content ended too early.")
            yield piece
    except zlib.error as error:
        raise Unreachable("The content is packed wrongly.") from error


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
    return _is_allowed(address) or all(_is_public(one) for one in _meant(address))


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    is_used = isinstance(address, IPv4Address) or address in _UNICAST
    return is_used and address.is_global and not address.is_multicast


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


class _Patient(httpcore.NetworkStream):
    """Reads with many short waits, so that somebody can end a long one."""

    def __init__(self, stream: httpcore.NetworkStream, patience: Patience, deadline: float) -> None:
        self._stream = stream
        self._patience = patience
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        idle = time.monotonic() + self._patience.idle_seconds
        while True:
            self._patience.go_on()
            now = time.monotonic()
            if now >= self._deadline:
                raise Unreachable(f"It was not all here within {self._patience.seconds:,.0f} seconds.")
            try:
                return self._stream.read(max_bytes, min(_LOOK_UP_SECONDS, max(self._deadline - now, 0.01)))
            except httpcore.ReadTimeout:
                if time.monotonic() >= idle:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, timeout)
        return _Patient(stream, self._patience, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Checked(httpcore.SyncBackend):
    """Connects to addresses that were checked; ``around`` is put around each connection."""

    def __init__(self, around: Callable[[httpcore.NetworkStream], httpcore.NetworkStream]) -> None:
        self._around = around

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
        for address in addresses[:_MOST_ADDRESSES]:
            try:
                return self._around(super().connect_tcp(str(address), port, timeout, local_address, socket_options))
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


def _reason(error: Exception, seconds: float = _SECONDS) -> str:
    if isinstance(error, httpcore.TimeoutException):
        return f"No answer came within {seconds:,.0f} seconds."
    cause = error.__cause__ or error
    text = str(cause.__cause__ or cause) or type(error).__name__
    return f"The address did not answer: {text}."


@cache
def _tls() -> ssl.SSLContext:
    """Trusts whom the machine and certifi trust; made once, since reading the certificates takes 30 ms."""
    context = httpcore.default_ssl_context()
    context.load_default_certs()
    return context
