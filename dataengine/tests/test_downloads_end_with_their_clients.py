"""Over real sockets: each download has a session of its own, and leaves neither it nor its place behind."""

from __future__ import annotations

import http.client
import socket
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import redis
from django.db import connection
from pytest_django.fixtures import Settings
from rest_framework_simplejwt.tokens import AccessToken

from dataengine.models import Table
from dataengine.tests.waiting import until

from .conftest import MakeTable

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from conftest import LiveServer

LONG = 60_000
"""Records of so many bytes that they are in no buffer between server and client."""
_WAIT = 90
_COPYING = "WHERE query LIKE 'COPY (%' AND datname = current_database()"
_PATH = "/api/tables/t/export/"

type Begin = Callable[..., http.client.HTTPConnection]


@pytest.fixture
def table(transactional_db: None, make_table: MakeTable) -> Table:
    made = make_table("t", name="TEXT")
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO userdata.t (name) SELECT repeat('x', 300) FROM generate_series(1, %s)", [LONG])
    return made


@pytest.fixture
def begin(live_asgi: LiveServer, owner: User, table: Table) -> Begin:
    """Send a request for a file, by a client whose buffer is small."""
    server = urlsplit(live_asgi.url)
    headers = {"Authorization": f"Bearer {AccessToken.for_user(owner)}", "Accept-Encoding": "gzip"}

    def ask(method: str = "GET", file_format: str = "csv") -> http.client.HTTPConnection:
        client = http.client.HTTPConnection(server.hostname or "", server.port, timeout=_WAIT)
        client.connect()
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        client.request(method, f"{_PATH}?format={file_format}", headers=headers)
        return client

    return ask


def reset(client: http.client.HTTPConnection) -> None:
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def taken(settings: Settings, user: User) -> int:
    client = redis.Redis.from_url(settings.REDIS_URL)
    return client.zcard(f"tablekeep:exports:{user.pk}")


def copying() -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM pg_stat_activity {_COPYING}")
        return int((cursor.fetchone() or [0])[0])


def test_downloads_do_not_meet(begin: Begin, live_asgi: LiveServer) -> None:
    """They have a thread each: in one thread they would close each other's session."""
    answers = []
    for _ in range(3):
        client = begin()
        answers.append(client.getresponse())
        assert answers[-1].read(1000)
    assert copying() == 3
    for answer in answers:
        assert answer.read().count(b"\n") >= LONG - 10
    live_asgi.wait_until_idle()
    assert copying() == 0


def test_whatever_happens_places_and_sessions_come_free(
    begin: Begin, owner: User, settings: Settings, second_connection: Callable[[], Any]
) -> None:
    settings.MAX_EXPORTS_PER_USER = 10

    def is_free() -> bool:
        return taken(settings, owner) == copying() == 0

    begin("HEAD").getresponse().read()
    assert is_free()

    # Clients that go away before the first byte, with full buffers, after the end of what they send.
    early, stalled, half = begin(), begin(), begin(file_format="json")
    reset(early)
    for client in (stalled, half):
        client.getresponse().read(1000)
    until(lambda: taken(settings, owner) == copying() == 2)
    reset(stalled)
    half.sock.shutdown(socket.SHUT_WR)
    reset(half)
    until(is_free)

    # One that goes away while PostgreSQL lets it wait.
    locker = second_connection()
    with locker.transaction():
        locker.execute("LOCK TABLE userdata.t IN ACCESS EXCLUSIVE MODE")
        waiting = begin()
        until(lambda: taken(settings, owner) == copying() == 1)
        reset(waiting)
        until(is_free)

    # A query that fails midway.
    failing = begin()
    answer = failing.getresponse()
    answer.read(1000)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity {_COPYING}")
    with pytest.raises(http.client.IncompleteRead):
        answer.read()
    until(is_free)
