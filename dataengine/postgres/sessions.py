"""Database sessions besides Django's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from django.db import connection, transaction
from psycopg import sql
from psycopg.pq import TransactionStatus

from dataengine.postgres.backend.base import DatabaseWrapper

_CANCEL_SECONDS = 5.0


@contextmanager
def session_apart(name: str, settings: Iterable[tuple[str, str]] = ()) -> Iterator[psycopg.Connection[Any]]:
    """A session in autocommit mode that connects exactly as Django does: same server, same certificates.

    ``name`` is shown by PostgreSQL as its application; ``settings`` apply to the whole session. It ends with this
    block, and its locks with it: a connection of the web process's pool would go back there with both.
    """
    apart = connection.copy()
    if isinstance(apart, DatabaseWrapper):
        apart.is_beside_pool = True
    apart.settings_dict["OPTIONS"]["application_name"] = name
    try:
        apart.ensure_connection()
        session: psycopg.Connection[Any] = apart.connection
        for setting in settings:
            session.execute("SELECT set_config(%s, %s, false)", setting)
        yield session
    finally:
        apart.close()


def drop_if_interrupted() -> None:
    """Close the thread's session if a statement was broken off in it, as Ctrl-C does: it would take no other one."""
    session = connection.connection
    if session is None or session.info.transaction_status is not TransactionStatus.ACTIVE:
        return
    with suppress(psycopg.Error):
        session.cancel_safe(timeout=_CANCEL_SECONDS)  # or the server would go on with it, and keep the session's locks
    connection.close()


@contextmanager
def one_snapshot() -> Iterator[str]:
    """A transaction that sees one moment from its beginning to its end; yields what ``seeing`` needs."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT pg_export_snapshot()")
        yield str(cursor.fetchone()[0])


@contextmanager
def seeing(snapshot: str, session: psycopg.Connection[Any]) -> Iterator[None]:
    """A transaction of ``session`` that reads at the moment of another one, which is still open."""
    session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    session.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
    try:
        yield
    finally:
        # Also after a lost connection, whose error tells more than that of a rollback.
        if not session.closed:
            session.rollback()
