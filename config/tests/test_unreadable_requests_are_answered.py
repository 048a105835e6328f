"""Requests that the web server cannot parse never reach Django; under the API's URLs they get the API's error."""

from __future__ import annotations

import json
import socket
from http.client import HTTPResponse
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from conftest import LiveServer

LONG = b"a" * 70_000


def ask(server: LiveServer, *lines: bytes) -> tuple[int, str, bytes]:
    """Status, content type and content of the response to a raw request."""
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=60) as client:
        client.sendall(b"\r\n".join([*lines, b"", b""]))
        answer = HTTPResponse(client)
        answer.begin()
        content = answer.read()
        assert client.recv(1) == b""  # and the connection is closed
    return answer.status, answer.headers["Content-Type"], content


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([b"GET /api/get-records/?cursor=" + LONG + b" HTTP/1.1", b"Host: localhost"], "The URL is too long"),
        ([b"GET /api/" + LONG + b"/ HTTP/1.1", b"Host: localhost"], "The URL is too long"),
        ([b"GET /api/tables/ HTTP/1.1", b"Host: localhost", b"no header"], "This is not a valid HTTP request"),
        ([b"GET /api/tables/ HTTP/one", b"Host: localhost"], "This is not a valid HTTP request"),
        (
            [b"POST /api/token/ HTTP/1.1", b"Host: localhost", b"Content-Length: many"],
            "This is not a valid HTTP request",
        ),
    ],
)
def test_of_the_api(live_asgi: LiveServer, lines: list[bytes], said: str) -> None:
    status, content_type, content = ask(live_asgi, *lines)
    error = json.loads(content)["error"]
    assert (status, content_type) == (400, "application/json")
    assert (error["code"], error["fields"]) == ("bad_request", {})
    assert error["message"].startswith(said)


@pytest.mark.parametrize(
    "lines", [[b"GET /tables/?search=" + LONG + b" HTTP/1.1", b"Host: localhost"], [b"\x16\x03\x01", b"Hello"]]
)
def test_of_anything_else(live_asgi: LiveServer, lines: list[bytes]) -> None:
    status, content_type, content = ask(live_asgi, *lines)
    assert (status, content_type) == (400, "text/plain; charset=utf-8")
    assert content == b"Invalid HTTP request received."
