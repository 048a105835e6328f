"""One database of the tests is made by migrations, and the others, of other workers, are copies of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

# By the run, which may be one of several on a server.
_COPIED = f"tablekeep_{os.environ.get('PYTEST_XDIST_TESTRUNUID', '')[:12]}"
# "TT": who makes the first one keeps the others waiting.
_LOCK = 0x5454


@contextmanager
def made_once(settings: dict[str, str]) -> Iterator[None]:
    """Within it, a database is made as Django's ``settings`` of test databases say: a copy, if there is one to copy.

    Migrations take some seconds of a processor's time, a copy a tenth of one.
    """
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        if server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_COPIED]).fetchone():
            settings["TEMPLATE"] = _COPIED
            server.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
        yield
        if "TEMPLATE" not in settings:
            _copy(server, settings["NAME"])


def forget(settings: dict[str, str]) -> None:
    """At the end of the run, who made the database that others are copies of drops it."""
    if "TEMPLATE" not in settings:
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(_COPIED)))


def _copy(server: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    server.execute(statement.format(sql.Identifier(_COPIED), sql.Identifier(name)))
