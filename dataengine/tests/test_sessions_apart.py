"""A session apart begins and ends with its work, also in a process that keeps connections for the next."""

from __future__ import annotations

import pytest
from django.db import connection

from dataengine.postgres.backend.base import DatabaseWrapper
from dataengine.postgres.sessions import session_apart
from dataengine.tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def test_nothing_of_it_goes_into_a_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "pool", {"min_size": 1, "max_size": 1, "timeout": 2.0})
    with session_apart("somebody", [("lock_timeout", "0")]) as session:
        session.execute("SELECT pg_advisory_lock(1)")
        assert session.execute("SHOW application_name").fetchone() == ("somebody",)
        assert not DatabaseWrapper._connection_pools
    assert session.closed
    monkeypatch.undo()
    until(_is_free)


def _is_free() -> bool:
    with connection.cursor() as asking:
        asking.execute("SELECT pg_try_advisory_lock(1)")
        row = asking.fetchone()
        asking.execute("SELECT pg_advisory_unlock_all()")
    return bool(row == (True,))
