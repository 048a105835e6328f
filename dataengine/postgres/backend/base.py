"""Database connections: from the process's pool (web), or new ones (workers, commands, long downloads).

Django's own pool queries the server at each hand-out, and for each dead connection it finds it sleeps a second, then
two, then four: after a restart of the server, requests that meet four of them would be refused. Ours looks at the
socket, which costs no round trip, and takes the next connection at once.
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
    """A pool that skips and replaces connections that the server has closed meanwhile."""

    def getconn(self, timeout: float | None = None) -> psycopg.Connection[Any]:
        """A live connection. Raises PoolTimeout if there is none in time: all are in use, or there is no server."""
        end = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            session = super().getconn(end - time.monotonic())
            if is_alive(session):
                return session
            self.putconn(session)  # which replaces it by a new one


def is_alive(session: psycopg.Connection[Any]) -> bool:
    """Whether the server keeps the connection open.

    A closed connection has something to read, from the server or the system; only then is it tested.
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
    """Django's wrapper, with our pool if ``OPTIONS["pool"]`` gives its size, and a way around it."""

    is_beside_pool = False
    _connection_pools: ClassVar[dict[str, Pool]] = {}

    @property
    def pool(self) -> Pool | None:
        """The pool of this process; None if there is none, or for connections outside of it."""
        options = self.settings_dict["OPTIONS"].get("pool")
        if not options or self.is_beside_pool or self.alias == NO_DB_ALIAS:
            return None
        if self.alias not in self._connection_pools:
            # Statements are only prepared on request, never automatically: the table of a record may change.
            parameters = self.get_connection_params() | {"autocommit": True, "prepare_threshold": 2**62}
            configure = self._configure_connection  # type: ignore[attr-defined]  # not in the stubs
            # If several threads get here at once, one wins; the other pools were never opened.
            made = Pool(kwargs=parameters, open=False, configure=configure, **options)
            self._connection_pools.setdefault(self.alias, made)
        return self._connection_pools[self.alias]


@contextmanager
def beside_pool() -> Iterator[None]:
    """Give this thread a new connection of its own, for work whose duration the client decides.

    Otherwise slow downloads could take all connections of the pool and leave none for requests.
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


# A child must neither use nor close its parent's connections, so it keeps the pools it forgets.
_parents: list[Any] = []


def _forget_pools() -> None:
    _parents.append(DatabaseWrapper._connection_pools)
    DatabaseWrapper._connection_pools = {}


os.register_at_fork(after_in_child=_forget_pools)
