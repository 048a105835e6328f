"""Who may change a table's columns while what is running. Advisory locks, which end with the transaction or session.

An import holds the table's lock exclusively while it runs, and so does a change of very many records; a change of the
schema takes it shared, for its transaction. So schema changes never wait for an import: they are refused at once.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import psycopg
from django.db import connection

from dataengine.postgres.sessions import drop_if_interrupted

# The first of the two integers of a table's lock: "TK".
NAMESPACE = 0x544B
# For import jobs, by their id: "TJ".
JOB_NAMESPACE = 0x544A
# For change jobs, by their id: "TC".
CHANGE_NAMESPACE = 0x5443
# For deliveries of webhooks, by their id: "TW".
DELIVERY_NAMESPACE = 0x5457
# For downloads of files, by their id: "TD".
DOWNLOAD_NAMESPACE = 0x5444
# For index builds, by the index's id: "TI"; and by the table's, so that they run one after the other: "TB".
INDEX_NAMESPACE = 0x5449
BUILDS_NAMESPACE = 0x5442
# For fetching files, by the number of a place: "TP"; and by their user's id: "TF".
_PLACES_NAMESPACE = 0x5450
_FETCHING_NAMESPACE = 0x5446
# For the names of tables that imports are to make, by a hash: "TN".
_NAMES_NAMESPACE = 0x544E
# For beginning imports, by their user's id: "TU".
_USER_NAMESPACE = 0x5455

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

    ``namespace`` tells the kind of job.

    They outlive transactions and end with the session, so a job whose lock is free has no worker. Yields the outcome;
    with anything but ``held``, nothing is held.
    """
    if not _try("SELECT pg_try_advisory_lock(%s, %s)", job_id, namespace):
        yield "job_taken"
        return
    try:
        with table_held(table_id) as is_held:
            yield "held" if is_held else "table_taken"
    finally:
        _release(namespace, job_id)


@contextmanager
def table_held(table_id: int | None) -> Iterator[bool]:
    """Hold the table's lock, if there is a table, for a database session. Yields whether it is held."""
    if table_id is None:
        yield True
        return
    if not _try("SELECT pg_try_advisory_lock(%s, %s)", table_id):
        yield False
        return
    try:
        yield True
    finally:
        _release(NAMESPACE, table_id)


@contextmanager
def place_to_fetch(user_id: int, places: int) -> Iterator[bool]:
    """Hold one of so many places, and the user's only one, for a database session. Yields whether they are held."""
    if not _try("SELECT pg_try_advisory_lock(%s, %s)", user_id, _FETCHING_NAMESPACE):
        yield False
        return
    try:
        one = "SELECT pg_try_advisory_lock(%s, %s)"
        place = next((place for place in range(places) if _try(one, place, _PLACES_NAMESPACE)), None)
        try:
            yield place is not None
        finally:
            if place is not None:
                _release(_PLACES_NAMESPACE, place)
    finally:
        _release(_FETCHING_NAMESPACE, user_id)


def job_is_held(job_id: int, namespace: int = JOB_NAMESPACE) -> bool:
    """Whether a session holds the job's lock."""
    return bool(_holder(job_id, namespace))


def holds_job(job_id: int, namespace: int) -> bool:
    """Try to take a job's lock until the end of the transaction, so that no worker begins with it meanwhile."""
    return _try("SELECT pg_try_advisory_xact_lock(%s, %s)", job_id, namespace)


def holds_key(number: int) -> bool:
    """Try to take the lock of a request's key until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        row = cursor.fetchone()
    return bool(row and row[0])


def takes_name(name: str) -> bool:
    """Try to take the name of a table that is to be made until the end of the transaction; its case does not matter."""
    return _try("SELECT pg_try_advisory_xact_lock(%s, %s)", zlib.crc32(name.casefold().encode()), _NAMES_NAMESPACE)


def wait_for_imports_of(user_id: int) -> None:
    """Wait until nobody else begins an import of the user, and keep others waiting until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_USER_NAMESPACE, _key(user_id)])


def hold_for_build(session: psycopg.Connection[Any], index_id: int, table_id: int) -> bool:
    """Lock an index and share its table's lock, for ``session``: no import may begin while it is built.

    False if an index of the table is being built (two builds would wait for each other until PostgreSQL ends one) or an
    import is running. The locks end with the session.
    """
    for statement, namespace, key in (
        ("SELECT pg_try_advisory_lock(%s, %s)", BUILDS_NAMESPACE, table_id),
        ("SELECT pg_try_advisory_lock(%s, %s)", INDEX_NAMESPACE, index_id),
        ("SELECT pg_try_advisory_lock_shared(%s, %s)", NAMESPACE, table_id),
    ):
        row = session.execute(statement, [namespace, _key(key)]).fetchone()
        if not (row and row[0]):
            return False
    return True


def cancel_build(table_id: int) -> bool:
    """Stop the building of an index of the table: its session cleans up and tries again later.

    False if none is being built.
    """
    pid = _holder(table_id, BUILDS_NAMESPACE)
    if pid:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_cancel_backend(%s)", [pid])
    return pid is not None


def end_holder(job_id: int, namespace: int = JOB_NAMESPACE) -> None:
    """End the session that holds the job: its process is frozen or cut off, and would keep the lock for ever."""
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
    drop_if_interrupted()
    # After a lost connection there is nothing to release, and trying would hide the original error.
    if connection.connection is None or connection.connection.closed:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [namespace, _key(key)])


def _key(number: int) -> int:
    """A number as int4. Two jobs whose ids are 2**32 apart would share a lock, but they never run together."""
    return (number + 2**31) % 2**32 - 2**31
