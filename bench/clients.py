"""Clients that cost little compared with what they measure: one kept socket each, and minimal HTTP."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Request:
    """``path`` may contain ``{n}``, the number of the request."""

    method: str
    url: str
    path: str
    headers: dict[str, str]
    body: str = ""

    def encoded(self, number: int) -> bytes:
        body = self.body.replace("{n}", str(number)).encode()
        lines = [f"{self.method} {self.path.replace('{n}', str(number))} HTTP/1.1"]
        headers = {"Host": urlsplit(self.url).netloc, "Content-Length": str(len(body)), **self.headers}
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + body

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 80


@dataclass
class Kept:
    """One kept connection, for one request after the other."""

    address: tuple[str, int]
    _socket: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self._socket = socket.create_connection(self.address)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def seconds(self, request: Request, number: int = 0) -> float:
        """From the first byte sent to the last one received. Raises RuntimeError for an error."""
        sent = request.encoded(number)
        start = time.perf_counter()
        self._socket.sendall(sent)
        answer = bytearray()
        while (missing := _missing(answer)) != 0:
            answer += self._socket.recv(max(missing, 1 << 16))
        taken = time.perf_counter() - start
        _check(request, answer)
        return taken


def throughput(request: Request, *, clients: int, seconds: float) -> float:
    """Responses per second with so many clients at once."""
    return asyncio.run(_throughput(request, clients, seconds))


async def _throughput(request: Request, clients: int, seconds: float) -> float:
    end = time.perf_counter() + seconds
    counts = await asyncio.gather(*(_ask_until(request, end, number) for number in range(clients)))
    return sum(counts) / seconds


async def _ask_until(request: Request, end: float, client: int) -> int:
    reader, writer = await asyncio.open_connection(*request.address, limit=1 << 20)
    count = 0
    while time.perf_counter() < end:
        writer.write(request.encoded(1 + (client * 31 + count) % 900))
        head = await reader.readuntil(b"\r\n\r\n")
        answer = head + await reader.readexactly(_length(head))
        _check(request, answer)
        count += 1
    writer.close()
    return count


def _missing(answer: bytes | bytearray) -> int:
    """How many bytes of a response are missing; -1 until its head is complete."""
    end = answer.find(b"\r\n\r\n")
    return -1 if end < 0 else end + 4 + _length(answer[:end]) - len(answer)


def _length(head: bytes | bytearray) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _check(request: Request, answer: bytes | bytearray) -> None:
    if not answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
        said = bytes(answer[:2000]).decode(errors="replace")
        raise RuntimeError(f"{request.method} {request.path}: {said}")
