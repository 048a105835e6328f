"""Requests share a few kept connections, even if some are ended or clients read slowly, and leave nothing on them.

The tests themselves run as a worker does, without a pool, so these start what has one.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from django.db import connection
from rest_framework_simplejwt.tokens import RefreshToken

from config.stack.embedded import Postgres, postgres_in, wait_until_ready
from config.tests.serving import ROOT, ask, web_process
from dataengine.columns.sql_types import parse_sql_type
from dataengine.services.tables import create_table
from dataengine.tests.waiting import PATIENCE_SECONDS, until
from harness.servers import start, stop

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SIZE = 3


WEB = "tablekeep-web"
READS = f"{WEB}-reader" if os.environ.get("READER_URL") else WEB
"""Who reads lists and exports."""


def sessions(name: str = WEB) -> set[int]:
    """The backends that serve the web process."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()", [name]
        )
        return {row[0] for row in cursor.fetchall()}


@pytest.fixture
def token(transactional_db: None, owner: User) -> str:
    table = create_table(user=owner, name="wide", columns=[parse_sql_type("text", "TEXT")])
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO userdata.{table.name} (text) SELECT repeat('x', 1000) FROM generate_series(1, 40000)"
        )
    return str(RefreshToken.for_user(owner).access_token)


@pytest.fixture(scope="module")
def port(process_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where one web process serves all these tests."""
    with web_process(
        process_environment | {"DATABASE_POOL_SIZE": str(SIZE)}, tmp_path_factory.mktemp("pooled")
    ) as port:
        yield port


def statuses(port: int, token: str, *, count: int, at_once: int) -> set[int]:
    with ThreadPoolExecutor(at_once) as threads:
        asked = [threads.submit(ask, port, "/api/tables/wide/records/?limit=1", token) for _ in range(count)]
        return {future.result()[0] for future in asked}


def test_kept_plans_survive_a_migration(port: int, token: str) -> None:
    """Each kept connection has a plan for fetching the user and the table, and a migration changes their columns."""
    assert statuses(port, token, count=30, at_once=SIZE) == {200}
    changes = [("auth_user", "first_name", 150), ("dataengine_table", "label", 200)]
    try:
        with connection.cursor() as cursor:
            for table, column, length in changes:
                cursor.execute(f"ALTER TABLE {table} ALTER {column} TYPE varchar({length + 1})")
        assert statuses(port, token, count=30, at_once=SIZE) == {200}
    finally:
        with connection.cursor() as cursor:
            for table, column, length in changes:
                cursor.execute(f"ALTER TABLE {table} ALTER {column} TYPE varchar({length})")
    assert statuses(port, token, count=30, at_once=SIZE) == {200}


def test_many_requests_share_a_few_connections(port: int, token: str) -> None:
    assert statuses(port, token, count=60, at_once=15) == {200}
    kept = sessions()
    assert 1 <= len(kept) <= SIZE
    assert 1 <= len(sessions(READS)) <= SIZE
    assert statuses(port, token, count=10, at_once=1) == {200}
    # The pool may have been opening one more for requests that were waiting.
    assert kept <= sessions()
    assert len(sessions()) <= SIZE


def end(backends: set[int], session: Any) -> None:
    session.execute("SELECT pg_terminate_backend(pid, 10000) FROM unnest(%s) AS pid", [list(backends)])


def test_ended_connections_are_passed_over(port: int, token: str, process_environment: dict[str, str]) -> None:
    assert statuses(port, token, count=30, at_once=15) == {200}
    for _ in range(3):
        ended = sessions() | sessions(READS)
        with connection.cursor() as cursor:
            end(sessions(), cursor)
        if READS != WEB:  # each role ends its own
            with psycopg.connect(process_environment["READER_URL"]) as reader:
                end(sessions(READS), reader)
        assert statuses(port, token, count=10, at_once=5) == {200}
        assert not ended & (sessions() | sessions(READS))


def test_slow_downloads_leave_connections_for_requests(port: int, token: str) -> None:
    downloads = []
    for _ in range(SIZE + 1):
        client = socket.create_connection(("127.0.0.1", port))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        head = f"GET /api/tables/wide/export/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}"
        client.sendall(f"{head}\r\n\r\n".encode())
        assert client.recv(12) == b"HTTP/1.1 200"
        downloads.append(client)
    assert statuses(port, token, count=20, at_once=5) == {200}
    assert len(sessions(READS)) > SIZE
    for client in downloads:
        client.close()
    until(lambda: len(sessions(READS)) <= SIZE)
    assert statuses(port, token, count=5, at_once=1) == {200}


@pytest.fixture
def server(tmp_path: Path) -> Postgres:
    made = postgres_in(tmp_path, durable=False)
    made.initialise()
    return made


def test_requests_go_on_when_the_server_has_been_started_again(server: Postgres, tmp_path: Path) -> None:
    def database(port: int) -> tuple[int, str]:
        status, answer = ask(port, "/health/ready/")
        return status, answer["checks"]["database"]

    program = server.program()
    process = start(program, tmp_path / "postgres.log")
    wait_until_ready(program, process)
    server.ensure_database()
    try:
        with web_process({**os.environ, "DATABASE_URL": server.url, "READER_URL": ""}, tmp_path) as port:
            assert database(port)[1] == "ok"
            stop(program, process)
            assert database(port) == (503, "unreachable")
            process = start(program, tmp_path / "postgres.log")
            wait_until_ready(program, process)
            assert database(port)[1] == "ok"
    finally:
        stop(program, process)


LOOK = """
import json, os
import django
from django.conf import settings
settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
django.setup()
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from rest_framework_simplejwt.tokens import RefreshToken

owner = User.objects.get(username="owner")
headers = {"Authorization": f"Bearer {RefreshToken.for_user(owner).access_token}"}
api, console = Client(headers=headers, SERVER_NAME="localhost"), Client(SERVER_NAME="localhost")
console.force_login(owner)

def state():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [[pid]] = cursor.fetchall()
        cursor.execute(
            "SELECT (SELECT json_agg(name) FROM pg_settings WHERE source = 'session'),"
            " (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'),"
            " (SELECT count(*) FROM pg_prepared_statements"
            "   WHERE statement !~ 'FROM .(dataengine_table|auth_user|dataengine_session).'),"
            " (SELECT count(*) FROM pg_cursors),"
            " (SELECT count(*) FROM pg_listening_channels()), pg_my_temp_schema()::text,"
            " current_setting('statement_timeout')"
        )
        return pid, cursor.fetchone()

def send(client, method, path, data=None):
    answer = client.generic(method, path, json.dumps(data), content_type="application/json")
    if answer.streaming:
        b"".join(answer)
        connection.close()  # as a server does after a response; Django's test client keeps it open
    assert connection.connection is None, path
    return answer.status_code

before = state()
connection.close()
done = [
    send(api, "POST", "/api/create-table/", {"table_name": "t", "fields": {"a": "TEXT UNIQUE", "n": "INTEGER"}}),
    send(api, "POST", "/api/tables/t/columns/", {"column_name": "w", "column_type": "REFERENCES wide"}),
    send(api, "PATCH", "/api/tables/t/columns/n/", {"label": "N"}),
    send(api, "POST", "/api/tables/t/records/", {"a": "x", "n": 1, "w": 1}),
    send(api, "POST", "/api/tables/t/records/", {"a": "x"}),
    send(api, "POST", "/api/tables/t/records/bulk/", {"records": [{"a": str(n)} for n in range(50)]}),
    send(api, "PATCH", "/api/tables/t/records/bulk/", {"filter": {"n__isnull": "true"}, "data": {"n": 2}}),
    send(api, "PATCH", "/api/tables/t/records/1/", {"n": 3}),
    send(api, "GET", "/api/tables/wide/records/?search=xx&order_by=-text"),
    send(api, "GET", "/api/tables/wide/records/?count=exact&page=30"),
    send(api, "GET", "/api/tables/t/lookup/?search=1"),
    *(send(api, "GET", f"/api/tables/t/export/?format={kind}") for kind in ("csv", "json", "xlsx")),
    send(console, "GET", "/"), send(console, "GET", "/tables/t/"), send(console, "GET", "/tables/t/charts/"),
    send(console, "GET", "/tables/t/?search=1"), send(console, "GET", "/tables/t/design/"),
    send(console, "POST", "/tables/t/records/1/c0/"), send(api, "DELETE", "/api/tables/t/records/1/"),
    send(api, "DELETE", "/api/tables/t/"), send(api, "GET", "/api/nothing/"), send(console, "GET", "/health/ready/"),
]
after = state()
connection.close()
stats = connection.pool.get_stats()
child = os.fork()
if not child:
    os._exit(state()[0] == after[0])  # a connection of its own
_, status = os.waitpid(child, 0)
print(json.dumps([before, after, done, stats["pool_size"], stats["pool_available"], status, state()[0] == after[0]]))
os._exit(0)
"""


def test_a_connection_goes_back_as_it_was(token: str, process_environment: dict[str, str]) -> None:
    """No setting, lock or prepared statement passes from one request to the next; a forked child has its own pool."""
    environment = process_environment | {"TABLEKEEP_ROLE": "web", "DATABASE_POOL_SIZE": "1"}
    command = [sys.executable, "-W", "ignore", "-c", LOOK]
    ran = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )
    assert ran.returncode == 0, ran.stderr
    before, after, done, size, available, child, is_kept = json.loads(ran.stdout)
    assert before == after
    assert before[1] == [None, 0, 0, 0, 0, "0", "5s"]
    assert {200, 201, 204, 400, 404} == set(done)
    assert (size, available) == (1, 1)
    assert (child, is_kept) == (0, True)
