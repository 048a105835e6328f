"""Building indexes: claim, build CONCURRENTLY with live progress, clear up, and what the sweeper mends.

The build has a database session of its own. Its advisory locks say that somebody works on the index and keep imports
away from the table; they die with the session, and the session with the worker, which PostgreSQL looks for every two
seconds. What a killed build leaves is an invalid index, dropped before the next attempt.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
from django.db import connection
from django.db.models import F
from django.utils import timezone
from psycopg import errors

from dataengine.models import ChangeJob, Column, Index, Table
from dataengine.postgres import ddl, locks, names
from dataengine.postgres.statement_progress import concurrent_share
from dataengine.services.indexes import text_columns

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.5
_SETTINGS = (
    ("statement_timeout", "0"), ("lock_timeout", "0"), ("idle_in_transaction_session_timeout", "0"),
    ("maintenance_work_mem", "256MB"), ("client_connection_check_interval", "2s"),
)  # fmt: skip
# GIN indexes hold so many columns; a table with more texts is searched by words, which are one expression.
_MAX_TRIGRAM_COLUMNS = 32


def run(index_id: int) -> Index | None:
    """Build the index if it is queued and nothing stands against it. Harmless to call twice, late or at once.

    Returns it as it stands afterwards: ready, failed, or queued still (an import has the table, or many of its records
    are about to change).
    """
    index = Index.objects.filter(pk=index_id, state=Index.State.QUEUED).select_related("table", "column").first()
    if index is not None and not ChangeJob.objects.filter(table=index.table, state__in=ChangeJob.ACTIVE).exists():
        with _session() as session:
            if locks.hold_for_build(session, index.pk, index.table_id) and _claim(index):
                _attempt(index, session)
    return Index.objects.filter(pk=index_id).first()


@contextlib.contextmanager
def _session() -> Iterator[psycopg.Connection[Any]]:
    """A session in autocommit mode, as CONCURRENTLY wants it, without time limits."""
    parameters = connection.get_connection_params()
    known = ("dbname", "user", "password", "host", "port", "sslmode", "connect_timeout")
    with psycopg.connect(
        **{name: parameters[name] for name in known if name in parameters},
        application_name="tablekeep-index",
        autocommit=True,
        prepare_threshold=None,
    ) as session:
        for name, value in _SETTINGS:
            session.execute("SELECT set_config(%s, %s, false)", [name, value])
        yield session


def _claim(index: Index) -> bool:
    claimed = Index.objects.filter(pk=index.pk, state=Index.State.QUEUED).update(
        state=Index.State.BUILDING, attempt=F("attempt") + 1, progress=0, error=""
    )
    if claimed:
        index.refresh_from_db(fields=["state", "attempt"])
    return bool(claimed)


def _attempt(index: Index, session: psycopg.Connection[Any]) -> None:
    """One attempt. Whatever PostgreSQL says ends in the index's row."""
    name = names.index(index.table_id, index.column_id)
    try:
        session.execute(ddl.drop_index(name, concurrently=True))
        for statement, changes in _ways(index, session):
            try:
                if not _build(index, session, statement):
                    session.execute(ddl.drop_index(name, concurrently=True))
                    return
            except (errors.UndefinedObject, errors.InsufficientPrivilege):
                if index.column_id is not None or changes["method"] == Index.Method.WORDS:
                    raise
                continue  # no trigrams here after all
            session.execute(ddl.analyze(index.table))
            _end(index, Index.State.READY, progress=1, finished_at=timezone.now(), **changes)
            return
    except psycopg.Error as error:
        logger.warning("Index %s, attempt %s: %s", index.pk, index.attempt, error)
        _clear_up(name)
        reason = _reason(error)
        passes = isinstance(error, psycopg.OperationalError | errors.UndefinedTable | errors.UndefinedColumn)
        if passes and not isinstance(error, errors.ProgramLimitExceeded):
            _retry(index, reason, stopped=isinstance(error, errors.QueryCanceled))
        else:
            _end(index, Index.State.FAILED, error=reason, finished_at=timezone.now())


def _ways(index: Index, session: psycopg.Connection[Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """The statements to try, the best first, each with what is true of the index when it has succeeded."""
    table = Table.objects.get(pk=index.table_id)
    index.table = table
    if index.column_id is not None:
        yield ddl.column_index(table, Column.objects.get(pk=index.column_id)), {}
        return
    columns = text_columns(table)
    covers = [column.pk for column in columns]
    if len(columns) <= _MAX_TRIGRAM_COLUMNS and _has_trigrams(session):
        yield ddl.trigram_index(table, columns), {"method": Index.Method.TRIGRAM, "covers": covers}
    yield ddl.words_index(table, columns), {"method": Index.Method.WORDS, "covers": covers}


def _has_trigrams(session: psycopg.Connection[Any]) -> bool:
    """Whether the server has pg_trgm, after trying to switch it on: any owner of a database may."""
    known = session.execute("SELECT installed_version FROM pg_available_extensions WHERE name = 'pg_trgm'").fetchone()
    if known is None:
        return False
    if known[0] is None:
        try:
            session.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        except (errors.InsufficientPrivilege, errors.UniqueViolation):
            return False
    return True


def _build(index: Index, session: psycopg.Connection[Any], statement: Any) -> bool:
    """Execute ``statement``, noting its progress. False where it was stopped because nobody wants the index now."""
    failures: list[psycopg.Error] = []

    def execute() -> None:
        try:
            session.execute(statement)
        except psycopg.Error as error:
            failures.append(error)

    thread = threading.Thread(target=execute, name=f"index-{index.pk}")
    thread.start()
    wanted = True
    try:
        while thread.is_alive():
            thread.join(_POLL_SECONDS)
            if thread.is_alive() and wanted:
                wanted = _note_progress(index, session.info.backend_pid)
                if not wanted:
                    session.cancel_safe()
    except BaseException:
        session.cancel_safe()
        raise
    finally:
        thread.join()
    if failures and wanted:
        raise failures[0]
    return wanted and Index.objects.filter(pk=index.pk).exists()


def _note_progress(index: Index, pid: int) -> bool:
    """Write how far the build is; False where the index's row is gone or another's."""
    share = concurrent_share(pid)
    mine = Index.objects.filter(pk=index.pk, state=Index.State.BUILDING, attempt=index.attempt)
    if share is None:
        return mine.exists()
    index.progress = max(index.progress, share)
    return bool(mine.update(progress=index.progress))


def _end(index: Index, state: Index.State, **changes: Any) -> None:
    mine = Index.objects.filter(pk=index.pk, state=Index.State.BUILDING, attempt=index.attempt)
    mine.update(state=state, **changes)


def _retry(index: Index, reason: str, *, stopped: bool = False) -> None:
    """Queue it again, or let it fail where it has had its attempts; one that was ``stopped`` does not count."""
    if stopped:
        _end(index, Index.State.QUEUED, error=reason, attempt=index.attempt - 1)
    elif index.attempt >= Index.MAX_ATTEMPTS:
        tried = f"{reason} It was tried {index.attempt} times."
        _end(index, Index.State.FAILED, error=tried, finished_at=timezone.now())
    else:
        _end(index, Index.State.QUEUED, error=reason)


def _reason(error: psycopg.Error) -> str:
    match error:
        case errors.ProgramLimitExceeded():
            return "Some values are too long for an index: it takes up to about 2,700 bytes each."
        case errors.DiskFull():
            return "The database has no room left."
        case errors.QueryCanceled():
            return "It was stopped to let a change of the table through."
        case psycopg.OperationalError():
            return "The connection to the database was lost."
        case errors.UndefinedTable() | errors.UndefinedColumn():
            return "The table changed meanwhile."
        case _:
            return f"PostgreSQL refused it ({type(error).__name__})."


def _clear_up(name: str) -> None:
    """Drop what a failed build left, in a session of its own: that of the build may be lost."""
    try:
        with _session() as session:
            session.execute("SELECT set_config('lock_timeout', '2s', false)")
            session.execute(ddl.drop_index(name, concurrently=True))
    except psycopg.Error as error:
        logger.warning("%s was not dropped, the sweeper will: %s", name, error)


def waiting_for(index: Index) -> list[int]:
    """The queued index that may have waited for this one's table."""
    queued = Index.objects.filter(state=Index.State.QUEUED, table_id=index.table_id)
    return list(queued.values_list("pk", flat=True)[:1])


def sweep() -> list[int]:
    """Mend what crashes left, and return the indexes whose doorbell is to be rung. Safe to call at any time."""
    for index in Index.objects.filter(state=Index.State.BUILDING):
        if not locks.index_is_held(index.pk):
            # Ask again: it may have ended between the two questions.
            index.refresh_from_db()
            if index.state == Index.State.BUILDING:
                _retry(index, "The process that ran it ended unexpectedly.")
    for name in _leftovers():
        _clear_up(name)
    return list(Index.objects.filter(state=Index.State.QUEUED).values_list("pk", flat=True)[:100])


def _leftovers() -> list[str]:
    """Invalid indexes of ours that nobody builds, and those whose row is gone."""
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
        # Of this database: the server may have others, with builds of their own.
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name = 'tablekeep-index' AND datname = current_database()"
        )
        building = bool((cursor.fetchone() or [0])[0])
    # While anything is built, an invalid index may be the one.
    return [name for name, pk, state in found if not building or (pk is not None and state == Index.State.FAILED)]
