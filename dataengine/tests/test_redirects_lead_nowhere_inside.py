"""Redirects and names that turn are tried with real servers and sockets: nobody inside is connected to."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from ipaddress import ip_network
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from dataengine import outgoing
from dataengine.tests.file_server import FileServer, send

PATIENCE = outgoing.Patience(lambda: None, 20.0, 10.0)


class Inside:
    """Sockets that nobody may connect to: of this machine, but not of the one address that is allowed."""

    def __init__(self, stack: ExitStack) -> None:
        first = stack.enter_context(closing(socket.create_server(("127.0.0.2", 0))))
        self.port = first.getsockname()[1]
        self._listening = [first]
        with suppress(OSError):  # not every machine has IPv6
            v6 = socket.create_server(("::1", self.port), family=socket.AF_INET6)
            self._listening.append(stack.enter_context(closing(v6)))
        for each in self._listening:
            each.setblocking(False)

    def is_untouched(self) -> bool:
        for each in self._listening:
            try:
                each.accept()
            except BlockingIOError:
                continue
            return False
        return True


@pytest.fixture
def inside() -> Iterator[Inside]:
    with ExitStack() as stack:
        yield Inside(stack)


@pytest.fixture
def server(settings: Settings) -> Iterator[FileServer]:
    settings.OUTGOING_ALLOW = [ip_network("127.0.0.1/32")]
    made = FileServer()
    yield made
    made.close()


def fetch(url: str) -> bytes:
    with outgoing.download(url, {}, PATIENCE) as answer:
        return b"".join(answer.pieces)


def leads_to(location: str, status: int = 302) -> Callable[[Any], None]:
    return lambda handler: send(handler, b"", status, Location=location)


def test_redirects(server: FileServer, inside: Inside, settings: Settings, subtests: pytest.Subtests) -> None:
    server.files["/a"] = b"name\n"
    server.files["/fine"] = leads_to("/again")
    server.files["/again"] = leads_to(f"{server.url}/a", 307)
    assert fetch(f"{server.url}/fine") == b"name\n"
    hosts = [
        "127.0.0.2", "2130706434", "0x7f000002", "0x7f.2", "127.2", "0177.0.0.2", "017700000002", "[::ffff:127.0.0.2]",
        "[::ffff:7f00:2]", "[::7f00:2]", "[64:ff9b::7f00:2]", "[2002:7f00:2::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[::]",
        "0", "0.0", "169.254.169.254", "[fd00:ec2::254]", "100.100.100.200",
        "10.0.0.1", "172.16.0.1", "192.168.0.1", "[fe80::1%25lo]", "[fc00::1]", "127.0.0.1@127.0.0.2",
    ]  # fmt: skip
    for host in hosts:
        for scheme in ("http", "https"):
            with subtests.test(f"{scheme}://{host}"):
                server.files["/r"] = leads_to(f"{scheme}://{host}:{inside.port}/a")
                with pytest.raises(outgoing.Refused):
                    fetch(f"{server.url}/r")
                with pytest.raises(outgoing.Refused):
                    outgoing.post(f"{scheme}://{host}:{inside.port}/", b"", {})
    for location in (f"//127.0.0.2:{inside.port}/a", "file:///etc/passwd", "gopher://127.0.0.2/", "https://[::1/"):
        with subtests.test(location):
            server.files["/r"] = leads_to(location)
            with pytest.raises(outgoing.Refused):
                fetch(f"{server.url}/r")
    for host in ("localhost", "LOCALHOST.", "a.localhost", "\uff11\uff12\uff17.0.0.\uff12"):
        with subtests.test(host):
            settings.OUTGOING_ALLOW = []
            with pytest.raises(outgoing.Refused):
                outgoing.post(f"https://{host}:{inside.port}/", b"", {})
    assert inside.is_untouched()
    socket.create_connection(("127.0.0.2", inside.port)).close()
    assert not inside.is_untouched(), "it would have been noticed"


def test_names_that_turn(server: FileServer, inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that says something else each time it is asked, as attackers have them."""
    really, create = socket.getaddrinfo, socket.create_connection
    turns: list[str] = []
    connected: list[tuple[str, int]] = []

    def resolve(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host != "rebinding.example":
            return really(host, port, *args, **kwargs)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (turns.pop(0), port))]

    def connect(at: tuple[str, int], *args: Any, **kwargs: Any) -> socket.socket:
        connected.append(at)
        return create(at, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    for ask in (fetch, lambda url: outgoing.post(url, b"", {})):
        connected.clear()
        turns[:] = ["127.0.0.1", "127.0.0.2"]
        with pytest.raises(outgoing.Unreachable):  # what listens there speaks no TLS
            ask(f"https://rebinding.example:{server.port}/a")
        # Asked once, so nothing can turn between the check and the connection.
        assert (turns, connected) == (["127.0.0.2"], [("127.0.0.1", server.port)])
        with pytest.raises(outgoing.Refused):
            ask(f"https://rebinding.example:{inside.port}/a")
        assert len(connected) == 1
    assert inside.is_untouched()
