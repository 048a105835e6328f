"""Who may change a table's shape while what runs. Advisory locks: they die with the transaction or session.

An import holds the table's lock exclusively for as long as it runs, and so does a change of very many records; a change
of schema takes it shared, for its transaction. So schema changes never wait behind an import, they are refused at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import psycopg
from django.db import connection

# The first of the two integers of our advisory locks: "TK".
NAMESPACE = 0x544B
# The same for imports themselves, by the job's id: "TJ".
JOB_NAMESPACE = 0x544A
# And for changes of very many records, by the change job's id: "TC".
CHANGE_NAMESPACE = 0x5443
# And for the building of indexes, by the index's id: "TI"; and by the table's, one after the other: "TB".
INDEX_NAMESPACE = 0x5449
_BUILDS_NAMESPACE = 0x5442

type LockOutcome = Literal["held", "job_taken", "table_taken"]


def shares_table(table_id: int) -> bool:
    """Try to take the table's lock for a change of schema, until the end of the transaction.

    False while an import runs on it.
    """
    return _try("SELECT pg_try_advisory_xact_lock_shared(%s, %s)", table_id)


def _try(statement: str, key: int, namespace: int = NAMESPACE) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, [namespace, _key(key)])
        row = cursor.fetchone()
    return bool(row and row[0])


@contextmanager
def held_by_job(job_id: int, table_id: int | None, namespace: int = JOB_NAMESPACE) -> Iterator[LockOutcome]:
    """Hold a job's locks for a database *session*: the job's own and, where there is a table, the table's.

    ``namespace`` says what kind of job: an import, or a change of very many records.

    They outlive transactions and die with the session, so a job whose lock is free has no worker. Yields what came of
    it; with anything but ``held``, nothing is held.
    """
    if not _try("SELECT pg_try_advisory_lock(%s, %s)", job_id, namespace):
        yield "job_taken"
        return
    try:
        if table_id is not None and not _try("SELECT pg_try_advisory_lock(%s, %s)", table_id):
            yield "table_taken"
            return
        try:
            yield "held"
        finally:
            if table_id is not None:
                _release(NAMESPACE, table_id)
    finally:
        _release(namespace, job_id)


def job_is_held(job_id: int, namespace: int = JOB_NAMESPACE) -> bool:
    """Whether some session works on the job."""
    return bool(_holder(job_id, namespace))


def hold_for_build(session: psycopg.Connection[Any], index_id: int, table_id: int) -> bool:
    """Take, for ``session``, the lock of an index and a share of its table's: no import may begin while it is built.

    False where an index of the table is being built (two builds at once wait for each other until PostgreSQL ends one)
    or an import runs. The locks die with the session.
    """
    for statement, namespace, key in (
        ("SELECT pg_try_advisory_lock(%s, %s)", _BUILDS_NAMESPACE, table_id),
        ("SELECT pg_try_advisory_lock(%s, %s)", INDEX_NAMESPACE, index_id),
        ("SELECT pg_try_advisory_lock_shared(%s, %s)", NAMESPACE, table_id),
    ):
        row = session.execute(statement, [namespace, _key(key)]).fetchone()
        if not (row and row[0]):
            return False
    return True


def cancel_build(table_id: int) -> bool:
    """Stop the building of an index of the table: its session clears up and tries again later.

    False where none is being built.
    """
    pid = _holder(table_id, _BUILDS_NAMESPACE)
    if pid:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_cancel_backend(%s)", [pid])
    return pid is not None


def end_holder(job_id: int, namespace: int = JOB_NAMESPACE) -> None:
    """End the session that holds the job: its process is frozen or cut off, and its lock would stay for ever."""
    pid = _holder(job_id, namespace)
    if pid:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])


def _holder(job_id: int, namespace: int = JOB_NAMESPACE) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = %s AND objid = %s "
            "AND objsubid = 2 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [namespace, job_id % 2**32],
        )
        row = cursor.fetchone()
    return int(row[0]) if row else None


def _release(namespace: int, key: int) -> None:
    # After a lost connection there is nothing to release, and asking would raise over the error that matters.
    if connection.connection is None or connection.connection.closed:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [namespace, _key(key)])


def _key(number: int) -> int:
    """A number as PostgreSQL's int4. Two jobs that are 2**32 apart would share a lock; they do not run together."""
    return (number + 2**31) % 2**32 - 2**31
