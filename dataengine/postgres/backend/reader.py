"""A second login that can read users' tables and nothing else, for statements that users' words reach.

Should words of a user ever become SQL there, it reads no account, no token and no audit trail: a session of that role
cannot become another.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from django.db import DEFAULT_DB_ALIAS, connections

from dataengine.postgres.backend.base import DatabaseWrapper

READER = "reader"

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
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = mine
        reader.close()


@cache
def is_ready() -> bool:
    """Whether `manage.py prepare` has given the reader its rights. Asked once: whoever adds it starts anew."""
    if may_read(connections.settings[READER]["USER"]):
        return True
    logger.warning("READER_URL names a role that may not read users' tables: run `manage.py prepare`. It is not used.")
    return False


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
