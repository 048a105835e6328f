"""A second login that can read users' tables and nothing else, for statements that users' words reach.

Should words of a user ever become SQL there, it reads no account, no token and no audit trail: a session of that role
cannot become another.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from dataengine.postgres.backend.base import DatabaseWrapper

READER = "reader"
_ASKED_AGAIN_AFTER = 60.0  # seconds

logger = logging.getLogger(__name__)


@contextmanager
def reading() -> Iterator[None]:
    """Have this thread's statements sent as the reader, if there is one (``READER_URL``).

    Nothing is written there, and nothing of the catalog read. Within a transaction all goes on as before, for it has to
    see what it wrote; within a time limit too, so this comes first.
    """
    mine = connections[DEFAULT_DB_ALIAS]
    if READER not in connections.settings or mine.in_atomic_block or mine.execute_wrappers or not is_ready():
        yield
        return
    reader = connections[READER]
    if isinstance(mine, DatabaseWrapper) and isinstance(reader, DatabaseWrapper):
        reader.is_beside_pool = mine.is_beside_pool
    # Whatever asks for "the connection" meanwhile gets this one, ORM and SQL alike.
    connections[DEFAULT_DB_ALIAS] = reader
    _instead.of = mine
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS], _instead.of = mine, None
        if reader.settings_dict["OPTIONS"].get("pool"):  # else it is closed with the others, at the request's end
            reader.close()


@contextmanager
def owning() -> Iterator[None]:
    """Within ``reading``, have statements sent as the owner: for what PostgreSQL tells nobody else.

    That is statistics of indexes on expressions, which are asked for by names of our own alone.
    """
    now, mine = connections[DEFAULT_DB_ALIAS], _instead.of
    connections[DEFAULT_DB_ALIAS] = mine or now
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = now


class _Replaced(threading.local):
    """Of this thread: the owner's connection, while the reader's is in its place."""

    of: BaseDatabaseWrapper | None = None


_instead = _Replaced()


class _Known:
    """Of this process: whether the reader has its rights, and when that was asked last."""

    is_ready = False
    asked_at: float | None = None


def is_ready() -> bool:
    """Whether `manage.py prepare` has given the reader its rights. Until then that is asked once a minute."""
    if _Known.is_ready or (_Known.asked_at is not None and time.monotonic() - _Known.asked_at < _ASKED_AGAIN_AFTER):
        return _Known.is_ready
    _Known.asked_at = time.monotonic()
    _Known.is_ready = may_read(connections.settings[READER]["USER"])
    if not _Known.is_ready:
        logger.warning(
            "READER_URL names a role without rights to users' tables: run `manage.py prepare`. It is not used."
        )
    return _Known.is_ready


def forget() -> None:
    """Ask again, the next time."""
    _Known.is_ready, _Known.asked_at = False, None


def may_read(role: str) -> bool:
    """Whether there is such a role, and it has got its rights."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(
            "SELECT has_schema_privilege(r.oid, n.oid, 'USAGE') FROM pg_roles r, pg_namespace n"
            " WHERE r.rolname = %s AND n.nspname = 'userdata'",
            [role],
        )
        row = cursor.fetchone()
    return bool(row and row[0])
