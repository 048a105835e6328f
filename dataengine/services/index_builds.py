"""Builds indexes CONCURRENTLY, so that nobody has to wait, and cleans up after builds that were killed.

The build has a database session of its own. Its advisory locks show that somebody works on the index and keep imports
away from the table; they end with the session, and the session ends with the worker, for which PostgreSQL checks every
two seconds. A killed build leaves an invalid index, which is dropped before the next attempt.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypedDict

import psycopg
from django.db import Error as DatabaseError
from django.db import connection
from psycopg import errors

from dataengine.jobs.failures import Failure, PutOff, cause_of
from dataengine.jobs.runner import Runner, Session
from dataengine.jobs.watch import Cancelled, Watch
from dataengine.models import ChangeJob, Column, Index, Table
from dataengine.postgres import ddl, locks, names
from dataengine.postgres.sessions import session_apart
from dataengine.postgres.statement_progress import concurrent_share
from dataengine.services.indexes import text_columns

logger = logging.getLogger(__name__)

_NAME = "tablekeep-index"
_SETTINGS = (
    ("statement_timeout", "0"), ("lock_timeout", "0"), ("idle_in_transaction_session_timeout", "0"),
    ("maintenance_work_mem", "256MB"), ("client_connection_check_interval", "2s"),
)  # fmt: skip
# GIN indexes can have so many columns; a table with more text columns is searched by words, which are one expression.
_MAX_TRIGRAM_COLUMNS = 32


class BuiltIndex(TypedDict, total=False):
    """The fields of a search index that its build sets; none for a column's index."""

    method: Index.Method
    covers: list[int]


class _BuildWatch(Watch):
    """Also reports how far the build is."""

    _progress = 0.0

    def values(self) -> dict[str, Any]:
        share = concurrent_share(self.backend) if self.backend else None
        self._progress = max(self._progress, share or 0.0)
        return {"progress": self._progress}


class IndexRunner(Runner[Index, _BuildWatch]):
    """Builds of indexes, each in a session of its own, as CONCURRENTLY requires."""

    model = Index
    namespace = locks.INDEX_NAMESPACE

    def may_begin(self, job: Index) -> bool:
        """Not while many of the table's records are about to change: the build would be in the way.

        Automatic indexes are built one at a time, so that they never occupy all workers.
        """
        others = Index.objects.filter(automatic=True, state=Index.State.RUNNING).exclude(pk=job.pk)
        if job.automatic and others.exists():
            return False
        return not ChangeJob.objects.filter(table=job.table_id, state__in=ChangeJob.ACTIVE).exists()

    @contextmanager
    def hold(self, job: Index) -> Iterator[tuple[locks.LockOutcome, Session]]:
        with session_apart(_NAME, _SETTINGS) as session:
            yield "held" if locks.hold_for_build(session, job.pk, job.table_id) else "table_taken", session

    def watch(self, job: Index, session: Session) -> _BuildWatch:
        return _BuildWatch(job, session)

    def work(self, job: Index, watch: _BuildWatch) -> None:
        assert watch.session is not None
        name = names.index(job.table_id, job.column_id)
        try:
            watch.session.execute(ddl.drop_index(name, concurrently=True))
            changes = _build(job, watch.session)
            watch.complete(progress=1, **changes)
        # Keep the index if only the row could not be written: it may already say that the index exists.
        except (Cancelled, psycopg.Error) as error:
            _clear_up(name)
            if isinstance(error, errors.QueryCanceled) and not watch.cancelled.is_set():
                raise PutOff("It was stopped to make way for a change of the table.") from error
            raise

    def failure(self, error: Exception) -> Failure:
        match cause_of(error):
            case errors.ProgramLimitExceeded():
                reason = "Some values are too long for an index, which can hold about 2,700 bytes of each."
                return Failure(reason, "value_too_long", is_final=True)
            case errors.UndefinedTable() | errors.UndefinedColumn():
                return Failure("The table changed meanwhile.")
            case _:
                return super().failure(error)


def run(index_id: int) -> Index | None:
    """Build the index (see ``Runner.run``)."""
    return IndexRunner().run(index_id)


def sweep() -> list[int]:
    """Clean up after crashes. Returns the indexes to ring for. Safe to call at any time, and often."""
    waiting = IndexRunner().sweep()
    for name in _leftovers():
        _clear_up(name)
    return waiting


def _build(index: Index, session: Session) -> BuiltIndex:
    """Build it in the best way that the server offers. Returns the fields of the index that this sets."""
    for statement, changes in _ways(index, session):
        try:
            session.execute(statement)
        except (errors.UndefinedObject, errors.InsufficientPrivilege):
            if index.column_id is not None or changes["method"] == Index.Method.WORDS:
                raise
            continue  # the server has no trigrams after all
        if index.column is not None:
            finer = ddl.finer_statistics(index.table, index.column)
            if finer is not None:
                session.execute(finer)
        session.execute(ddl.analyze(index.table))
        return changes
    raise AssertionError("there is always a way")


def _ways(index: Index, session: psycopg.Connection[Any]) -> Iterator[tuple[ddl.Statement, BuiltIndex]]:
    """The statements to try, best first, each with the fields of the index that it sets."""
    table = Table.objects.get(pk=index.table_id)
    index.table = table
    if index.column_id is not None:
        # Its type may have been changed since the job was read.
        index.column = Column.objects.get(pk=index.column_id)
        yield ddl.column_index(table, index.column), {}
        return
    columns = text_columns(table)
    covers = [column.pk for column in columns]
    if len(columns) <= _MAX_TRIGRAM_COLUMNS and _has_trigrams(session):
        yield ddl.trigram_index(table, columns), {"method": Index.Method.TRIGRAM, "covers": covers}
    yield ddl.words_index(table, columns), {"method": Index.Method.WORDS, "covers": covers}


def _has_trigrams(session: psycopg.Connection[Any]) -> bool:
    """Whether the server has pg_trgm, after trying to enable it, which any owner of a database may do."""
    known = session.execute("SELECT installed_version FROM pg_available_extensions WHERE name = 'pg_trgm'").fetchone()
    if known is None:
        return False
    if known[0] is None:
        try:
            session.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        except (errors.InsufficientPrivilege, errors.UniqueViolation):
            return False
    return True


def _clear_up(name: str) -> None:
    """Drop what a failed build left, in a session of its own: the build's session may be lost."""
    try:
        with session_apart(_NAME, (*_SETTINGS, ("lock_timeout", "2s"))) as session:
            session.execute(ddl.drop_index(name, concurrently=True))
    except (psycopg.Error, DatabaseError) as error:
        logger.warning("%s was not dropped, the sweeper will: %s", name, error)


def _leftovers() -> list[str]:
    """Our invalid indexes that nobody is building, and those whose row is gone."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname, x.id, x.state FROM pg_index i
              JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
              LEFT JOIN dataengine_index x ON c.relname =
                CASE WHEN x.column_id IS NULL THEN format(%s, x.table_id) ELSE format(%s, x.column_id) END
             WHERE n.nspname = %s AND c.relname ~ %s
               AND (NOT i.indisvalid OR x.id IS NULL)
            """,
            [names.SEARCH_INDEX_FORMAT, names.INDEX_FORMAT, ddl.SCHEMA, names.INDEX_PATTERN],
        )
        found = cursor.fetchall()
        # Only in this database: the server may have others, with builds of their own.
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()",
            [_NAME],
        )
        building = bool((cursor.fetchone() or [0])[0])
    # While anything is being built, the invalid index may be just that.
    return [name for name, pk, state in found if not building or (pk is not None and state == Index.State.FAILED)]
