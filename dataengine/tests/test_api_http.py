"""The API as HTTP clients see it: through the real server."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from rest_framework_simplejwt.tokens import RefreshToken

from dataengine.exports.export import Export

if TYPE_CHECKING:
    from conftest import LiveServer

FIELDS = {"table_name": "t", "fields": {"n": "INTEGER"}}


@pytest.fixture
def ask(live_asgi: LiveServer, owner: User) -> Any:
    token = f"Bearer {RefreshToken.for_user(owner).access_token}"

    def send(method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(urlsplit(live_asgi.url).netloc)
        connection.request(method, path, body, {"Authorization": token, "Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text else None

    return send


def in_chunks(text: bytes) -> Iterator[bytes]:
    for start in range(0, len(text), 7):
        yield text[start : start + 7]


def test_bodies_in_chunks(ask: Any) -> None:
    status, table = ask("POST", "/api/create-table/", in_chunks(json.dumps(FIELDS).encode()))
    assert (status, table["table_name"]) == (201, "t")
    form = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nn\r\n1\r\n\r\n'
        b'--x\r\nContent-Disposition: form-data; name="table_name"\r\n\r\nt\r\n'
        b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\na@example.com\r\n--x--\r\n'
    )
    media = {"Content-Type": "multipart/form-data; boundary=x"}
    status, job = ask("POST", "/api/upload-csv/", in_chunks(form), **media)
    assert (status, job["bytes_total"]) == (202, 6)
    ask("POST", f"/api/imports/{job['id']}/cancel/")


@pytest.mark.parametrize("file_format", ["csv", "json", "xlsx"])
def test_the_head_of_an_export_is_no_work(ask: Any, monkeypatch: pytest.MonkeyPatch, file_format: str) -> None:
    ask("POST", "/api/create-table/", json.dumps(FIELDS))
    begun: list[str] = []

    def pieces(export: Export) -> Iterator[bytes]:
        begun.append(export.file_format)
        yield b"a file"

    monkeypatch.setattr(Export, "pieces", pieces)
    assert ask("HEAD", f"/api/tables/t/export/?format={file_format}") == (200, None)
    assert begun == []


def test_deletes_with_a_body_or_a_query(ask: Any) -> None:
    for path, body in (
        ("/api/delete-table/", json.dumps({"table_name": "t"})),
        ("/api/delete-table/?table_name=t", None),
    ):
        assert ask("POST", "/api/create-table/", json.dumps(FIELDS))[0] == 201
        assert ask("DELETE", path, body) == (204, None)


def test_paths_that_try_to_climb(ask: Any) -> None:
    for path in ("/api/tables/..%2f..%2fetc/", "/api/%2e%2e/admin/", "/api//tables/", "/api/tables/%F0%28%8C%28/"):
        status, body = ask("GET", path)
        assert status == 404
        assert body["error"]["code"]
