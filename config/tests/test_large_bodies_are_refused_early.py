"""Bodies that are too large are refused before or while they arrive, in the right format, and nothing is kept."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest
from django.conf import settings as current

from config.body_limits import BodyLimits
from config.handler import Handler
from dataengine.models import ImportJob
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from conftest import LiveServer

LIMIT = 100_000
ANNOUNCED = 50_000_000_000
FORM = "multipart/form-data; boundary=x"


@pytest.fixture(autouse=True)
def _limit(settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = LIMIT
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = LIMIT


@pytest.fixture
def headers(live_asgi: LiveServer, owner: User, password: str) -> dict[str, str]:
    who = {"username": owner.username, "password": password}
    answer = httpx.post(f"{live_asgi.url}/api/token/", json=who)
    return {"Authorization": f"Bearer {answer.json()['access']}"}


def announce(live_asgi: LiveServer, path: str, *lines: str) -> tuple[int, bytes]:
    """Send the head of a request whose body never comes, and read the answer."""
    address = urlsplit(live_asgi.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as client:
        head = [f"POST {path} HTTP/1.1", f"Host: {address.netloc}", *lines]
        client.sendall("\r\n".join([*head, "", ""]).encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += client.recv(65_536)
        top, _, content = answer.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in top.split(b"\r\n")[1:])
        while len(content) < int(fields[b"content-length"]):
            content += client.recv(65_536)
    return int(top.split()[1]), content


def stream(size: int) -> Iterator[bytes]:
    yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    for _ in range(size // 10_000):
        yield b"a,b\n" * 2_500
    yield b"\r\n--x--\r\n"


@pytest.mark.parametrize("expects", [[], ["Expect: 100-continue"]], ids=["plain", "asks first"])
def test_a_body_announced_as_too_large_is_refused_at_once(live_asgi: LiveServer, expects: list[str]) -> None:
    lines = [f"Content-Type: {FORM}", f"Content-Length: {ANNOUNCED}", *expects]
    status, content = announce(live_asgi, "/api/upload-csv/", *lines)
    assert status == 413
    error = json.loads(content)["error"]
    assert (error["code"], list(error["fields"])) == ("too_large", ["file"])
    assert "100,000 bytes" in error["message"]


def test_the_console_says_it_on_a_page(live_asgi: LiveServer) -> None:
    lines = [f"Content-Type: {FORM}", f"Content-Length: {ANNOUNCED}"]
    status, content = announce(live_asgi, "/tables/new/import/", *lines)
    assert status == 413
    page = read(content.decode())
    assert page.element("h1").words == "This is too large"
    assert "at most 100,000 bytes are allowed" in page


def test_other_bodies_have_their_own_limit(live_asgi: LiveServer) -> None:
    lines = ["Content-Type: application/json", f"Content-Length: {LIMIT + 1}"]
    status, content = announce(live_asgi, "/api/create-table/", *lines)
    error = json.loads(content)["error"]
    assert (status, error["code"], error["fields"]) == (413, "too_large", {})


def test_a_client_that_sends_everything_first_gets_the_answer(live_asgi: LiveServer) -> None:
    body = b"".join(stream(8_000_000))
    answer = httpx.post(f"{live_asgi.url}/api/upload-csv/", content=body, headers={"Content-Type": FORM}, timeout=60)
    assert answer.status_code == 413


async def test_the_rest_of_a_body_is_read_with_the_answer_under_way() -> None:
    """Closing a connection with unread data would discard the answer before the client has read it."""
    rest = [{"type": "http.request", "body": b"x" * 1000, "more_body": left > 0} for left in reversed(range(300))]
    sent: list[Any] = []

    async def receive() -> Any:
        return rest.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": "/api/upload-csv/", "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost"), (b"content-type", FORM.encode()), (b"content-length", b"%d" % ANNOUNCED)],
    }  # fmt: skip
    await BodyLimits(Handler())(scope, receive, send)
    assert (sent[0]["status"], sent[-1]["more_body"], rest) == (413, False, [])


def test_a_body_of_unknown_length_is_cut_off(live_asgi: LiveServer, headers: dict[str, str]) -> None:
    def slowly() -> Iterator[bytes]:
        for chunk in stream(4_000_000):
            yield chunk
            time.sleep(0.001)

    answer = httpx.post(
        f"{live_asgi.url}/api/upload-csv/", content=slowly(), headers={**headers, "Content-Type": FORM}, timeout=60
    )
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"
    assert not ImportJob.objects.exists()
    live_asgi.wait_until_idle()
    assert not list(Path(current.FILE_UPLOAD_TEMP_DIR).glob("*.upload*"))


def test_a_file_between_both_limits_is_refused_by_the_service(live_asgi: LiveServer, headers: dict[str, str]) -> None:
    """Between the limits of file and body, Django receives everything and the service refuses it."""
    files = {"file": ("a.csv", b"a,b\n" * (LIMIT // 4 + 1))}
    data = {"table_name": "fresh", "email": "a@example.com", "options": '{"create_table": true}'}
    answer = httpx.post(f"{live_asgi.url}/api/upload-csv/", data=data, files=files, headers=headers, timeout=60)
    assert answer.status_code == 413
    assert answer.json()["error"]["fields"]["file"] == ["The file has 100,004 bytes; at most 100,000 are allowed."]
    live_asgi.wait_until_idle()
    assert not list(Path(current.FILE_UPLOAD_TEMP_DIR).glob("*.upload*"))


def test_bodies_within_the_limit_are_accepted(live_asgi: LiveServer, headers: dict[str, str]) -> None:
    body = b"".join(stream(20_000)).replace(
        b"--x--", b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\n\r\n--x--'
    )
    answer = httpx.post(
        f"{live_asgi.url}/api/tables/nothing/imports/", content=iter([body]), headers={**headers, "Content-Type": FORM}
    )
    assert answer.status_code == 404  # there is no such table; the body was accepted
