"""Where connections come from: from the process's pool (web), or new ones (workers, commands, long downloads).

Django's own pool asks the server at each hand-out and sleeps a second, then two, then four, for each dead connection
that it finds: after a restart of the server, requests with four of them at hand would be refused. Ours looks at the
socket, which costs no round trip, and takes the next one at once.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool


class Pool(ConnectionPool[psycopg.Connection[Any]]):
    """Connections that the server has ended meanwhile are passed over; others take their places."""

    def getconn(self, timeout: float | None = None) -> psycopg.Connection[Any]:
        """A connection that lives. Raises PoolTimeout where there is none in time: all in use, or no server."""
        end = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            session = super().getconn(end - time.monotonic())
            if is_alive(session):
                return session
            self.putconn(session)  # which makes a new one of it


def is_alive(session: psycopg.Connection[Any]) -> bool:
    """Whether the server keeps the connection open.

    A server that ends one says so, or the system does for it, and that lies ready to be read: only then it is asked.
    """
    if session.closed:
        return False
    socket = select.poll()
    socket.register(session.fileno(), select.POLLIN)
    if socket.poll(0):
        try:
            session.execute("")
        except psycopg.Error:
            session.close()
    return not session.closed


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, with our pool where ``OPTIONS["pool"]`` says how large, and a way round it."""

    is_beside_pool = False
    _connection_pools: ClassVar[dict[str, Pool]] = {}

    @property
    def pool(self) -> Pool | None:
        """The pool of this process; None where there is none, or for connections beside it."""
        options = self.settings_dict["OPTIONS"].get("pool")
        if not options or self.is_beside_pool or self.alias == NO_DB_ALIAS:
            return None
        if self.alias not in self._connection_pools:
            # Statements are prepared where that is asked for, and never by themselves: a record's table may change.
            parameters = self.get_connection_params() | {"autocommit": True, "prepare_threshold": 2**62}
            configure = self._configure_connection  # type: ignore[attr-defined]  # not in the stubs
            # Of threads that come here at once one wins; the others' pools have not been opened.
            made = Pool(kwargs=parameters, open=False, configure=configure, **options)
            self._connection_pools.setdefault(self.alias, made)
        return self._connection_pools[self.alias]


@contextmanager
def beside_pool() -> Iterator[None]:
    """Give this thread a new connection of its own, for what takes as long as whoever reads it likes.

    As many slow downloads as the pool has connections would else leave none for requests.
    """
    mine = connections[DEFAULT_DB_ALIAS]
    if not isinstance(mine, DatabaseWrapper) or mine.pool is None:
        yield
        return
    mine.close()
    mine.is_beside_pool = True
    try:
        yield
    finally:
        mine.close()
        mine.is_beside_pool = False


# A child must neither use its parent's connections nor clear them up: what it forgets is kept.
_parents: list[Any] = []


def _forget_pools() -> None:
    _parents.append(DatabaseWrapper._connection_pools)
    DatabaseWrapper._connection_pools = {}


os.register_at_fork(after_in_child=_forget_pools)
