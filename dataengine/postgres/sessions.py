"""Database sessions besides Django's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection


@contextmanager
def session_apart(name: str, settings: Iterable[tuple[str, str]] = ()) -> Iterator[psycopg.Connection[Any]]:
    """A session in autocommit mode that connects exactly as Django does: same server, same certificates.

    ``name`` is shown by PostgreSQL as its application; ``settings`` apply to the whole session.
    """
    apart = connection.copy()
    apart.settings_dict["OPTIONS"]["application_name"] = name
    try:
        apart.ensure_connection()
        session: psycopg.Connection[Any] = apart.connection
        for setting in settings:
            session.execute("SELECT set_config(%s, %s, false)", setting)
        yield session
    finally:
        apart.close()
