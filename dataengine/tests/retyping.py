"""Shared by tests that change columns of tables so large that a worker copies them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from dataengine.models import ChangeJob, Table
from dataengine.postgres import locks
from dataengine.postgres.successor import Successor
from dataengine.services import change_runs, column_changes, table_copying
from dataengine.tests.importing import make_table
from dataengine.tests.threads import in_thread
from dataengine.tests.waiting import PATIENCE_SECONDS, until

ROWS = 3_000
PRICE = "/api/tables/sold/columns/price/"


def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave all changes of values to a worker, which the tests are themselves."""
    monkeypatch.setattr(column_changes, "MANY", 50)
    monkeypatch.setattr("dataengine.services.retype_runs.ring", lambda *args, **options: None)
    monkeypatch.setattr("dataengine.services.indexes.ring", lambda *args, **options: None)


def make_sold(owner: User, **more: str) -> Table:
    """A table ``sold`` of ``ROWS`` records, with numbers and days as text."""
    made = make_table(owner, "sold", name="TEXT UNIQUE", price="TEXT", day="TEXT", n="INTEGER", **more)
    sql(
        "INSERT INTO userdata.sold (name, price, day, n)"
        " SELECT 'a' || i, i || ',50', to_char('2020-01-01'::date + i, 'DD.MM.YYYY'), i"
        " FROM generate_series(1, %s) i",
        ROWS,
    )
    sql("ANALYZE userdata.sold")
    return made


def sql(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """What a statement returns that goes straight to PostgreSQL."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        found: list[tuple[Any, ...]] = cursor.fetchall() if cursor.description else []
    return found


def run_in_thread(job_id: int) -> threading.Thread:
    """A thread that runs the job like another worker."""
    return in_thread(lambda: change_runs.run(job_id))


def done(job_id: int) -> ChangeJob:
    """The job after a worker has run it."""
    found = change_runs.run(job_id)
    assert found is not None
    assert found.state == "completed", (found.error_code, found.error)
    return found


def values(column: str, table: str = "sold") -> list[str | None]:
    """A column as text, in the order of the ids."""
    return [value for [value] in sql(f'SELECT "{column}"::text FROM userdata."{table}" ORDER BY id')]


def nothing_is_left(job_id: int) -> None:
    """No lock, table, trigger or function of the change is there any more."""
    until(lambda: not locks.job_is_held(job_id, locks.CHANGE_NAMESPACE))
    table_copying.sweep()
    left = sql(
        "SELECT relname FROM pg_class WHERE relnamespace = 'userdata_changes'::regnamespace"
        " UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'userdata_changes'::regnamespace"
        " UNION ALL SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgname LIKE 'tk:%'"
        " UNION ALL SELECT conname FROM pg_constraint WHERE NOT convalidated"
    )
    assert left == []


@contextmanager
def meanwhile(monkeypatch: pytest.MonkeyPatch, job_id: int, step: str) -> Iterator[None]:
    """Another worker runs the job up to a step of its successor; then the block; then the worker does the rest."""
    reached, go_on = threading.Event(), threading.Event()
    original = getattr(Successor, step)

    def held_up(*arguments: Any, **options: Any) -> Any:
        if not reached.is_set():
            reached.set()
            go_on.wait(PATIENCE_SECONDS)
        return original(*arguments, **options)

    monkeypatch.setattr(Successor, step, held_up)
    thread = run_in_thread(job_id)
    try:
        until(reached.is_set)
        yield
    finally:
        go_on.set()
        thread.join()
