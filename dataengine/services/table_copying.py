"""Replaces a table by a copy of itself with one column converted, while everybody goes on reading and writing.

Only the last step, in which the copy takes the table's place, changes anything, and it is one transaction with whatever
the caller writes in it. What an attempt leaves when it is killed, the next one or the sweeper drops.
"""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from itertools import count
from tempfile import SpooledTemporaryFile
from typing import IO, Any, NamedTuple, Protocol

import psycopg
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction
from psycopg import errors

from dataengine.exceptions import Conflict, DataEngineError, Unavailable, some_of
from dataengine.imports.ahead import ahead
from dataengine.jobs.failures import PutOff
from dataengine.jobs.stage_watch import StageWatch
from dataengine.models import Column, Table
from dataengine.postgres import change_log, locks, sessions, surroundings
from dataengine.postgres.ddl import Statement
from dataengine.postgres.statement_progress import plain_share
from dataengine.postgres.statements import raw_connection, run
from dataengine.postgres.successor import Successor
from dataengine.postgres.swap import Swap
from dataengine.services.schema_changes import change_schema

logger = logging.getLogger(__name__)

_NAME = "tablekeep-change"
SETTINGS = (
    ("statement_timeout", "0"), ("idle_in_transaction_session_timeout", "0"),
    # A killed worker cannot commit, so its statement need not go on.
    ("client_connection_check_interval", "2s"),
    ("work_mem", "64MB"), ("maintenance_work_mem", "256MB"),
)  # fmt: skip
_FEW = 2_000
"""So many records can be brought after while everybody waits."""
_MOST_ROUNDS = 50
_LOCK_MS = 300
_PAUSES_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
_PATIENCE_SECONDS = 1_800.0
_SPOOL_BYTES = 16 << 20
_STAGES = {"converting": 6.0, "indexing": 2.5, "finishing": 0.5}


class Ending(Protocol):
    """What else happens in the transaction in which the copy takes the table's place."""

    def write_catalog(self) -> Column:
        """Change the catalog; returns the column of the old values, with its name in PostgreSQL."""

    def complete(self, successor: Successor) -> None:
        """End the job, last of all."""


class Values(ABC):
    """Where the new values of records come from."""

    @abstractmethod
    def read(self, session: psycopg.Connection[Any], records: Statement, into: IO[bytes]) -> bool:
        """Read what is needed of ``records``, a relation, and write it ``into`` a file. Called in any thread.

        Returns whether the new values are there already (``Successor.take_over``): then nothing has to be put.
        """

    @abstractmethod
    def put(self, successor: Successor, records: Statement, read: IO[bytes]) -> bool:
        """Put ids and new values of the same records into ``successor.converted``.

        Returns True, and puts nothing, if the new values are there already.
        """

    @abstractmethod
    def check(self, successor: Successor) -> None:
        """Raise Conflict if what has failed so far is too much."""


class _Piece(NamedTuple):
    """What was read of some records; nothing has to be put if their values are just cast."""

    file: IO[bytes]
    is_cast: bool


class TableCopying:
    """One attempt of the change job ``job_id``, which holds the table's lock."""

    def __init__(self, job_id: int, table: Table, swap: Swap, values: Values, watch: StageWatch) -> None:
        self._job_id, self._table, self._swap, self._values, self._watch = job_id, table, swap, values, watch
        self._definition = ""

    def run(self, ending: Ending) -> None:
        """Copy the table and let the copy take its place.

        Raises Conflict if too much fails, or if something stands in the way.
        """
        self._watch.plan(**_STAGES)
        self._patiently(self._begin)
        self._definition = surroundings.fingerprint(self._table)
        self._successor = Successor(self._table, self._job_id, self._swap)
        try:
            self._successor.prepare()
            self._copy()
            self._bring_after()
            if self._patiently(self._successor.refer):
                with _transaction():
                    self._successor.check_reference()
            self._patiently(lambda: self._switch(ending), between=self._bring_after)
        except IntegrityError as error:
            raise outdated("Values that were written meanwhile do not fit.") from error
        finally:
            if not connection.in_atomic_block and connection.is_usable():
                self._successor.dispose()

    def _begin(self) -> None:
        change_log.remove(self._job_id)
        change_log.install(self._table, self._job_id)

    def _patiently[T](self, action: Callable[[], T], *, between: Callable[[], None] | None = None) -> T:
        """Do something in a transaction as soon as its locks can be had without keeping anybody waiting for long."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        for tries in count():
            try:
                with _transaction(("lock_timeout", f"{_LOCK_MS}ms")):
                    return action()
            except OperationalError as error:
                if not isinstance(error.__cause__, errors.LockNotAvailable | errors.DeadlockDetected):
                    raise
                if time.monotonic() > deadline:
                    raise Unavailable("The table is in use without a pause.", code="table_busy") from error
            self._watch.check()
            time.sleep(_PAUSES_SECONDS[min(tries, len(_PAUSES_SECONDS) - 1)])
            if between is not None:
                between()
        raise AssertionError("unreachable")

    # Copying --------------------------------------------------------------------------------------------------------

    def _copy(self) -> None:
        """Copy all records as they are at one moment. What is written from then on is noted."""
        successor = self._successor
        with sessions.one_snapshot() as snapshot, sessions.session_apart(_NAME, SETTINGS) as reader:
            _set(*SETTINGS)
            successor.create()
            chunks = list(successor.chunks())

            def read() -> Generator[_Piece]:
                with sessions.seeing(snapshot, reader):
                    for _, records in chunks:
                        yield self._read(reader, records)

            # While one chunk is written, the next one is converted.
            with closing(ahead(read, 1)) as pieces:
                for (share, records), piece in zip(chunks, pieces, strict=True):
                    self._watch.at("converting", share)
                    successor.take_over(records, cast=self._put(records, piece))
            successor.judge_repeats()
            self._values.check(successor)
            self._build_indexes()
            # The copy's files are safe on disk with this commit; at the switch everybody would wait for that.
        with _transaction():
            successor.analyze()
            successor.expect_few()

    def _read(self, session: psycopg.Connection[Any], records: Statement) -> _Piece:
        spool = SpooledTemporaryFile(_SPOOL_BYTES)  # noqa: SIM115  (closed by _put)
        is_cast = self._values.read(session, records, spool)
        return _Piece(spool, is_cast and not self._swap.broken)

    def _put(self, records: Statement, piece: _Piece) -> bool:
        """Returns whether nothing had to be put."""
        with piece.file:
            if piece.is_cast:
                return True
            piece.file.seek(0)
            if self._values.put(self._successor, records, piece.file):
                return True
        self._successor.judge()
        self._values.check(self._successor)
        return False

    def _build_indexes(self) -> None:
        statements = self._successor.build_indexes()
        for done, statement in enumerate(statements):
            self._watch.at("indexing", done / len(statements), self._measure(done, len(statements)))
            run(statement)

    def _measure(self, done: int, of: int) -> Callable[[], float | None]:
        def measure() -> float | None:
            share = plain_share(self._watch.backend) if self._watch.backend else None
            return None if share is None else (done + share) / of

        return measure

    # What is written meanwhile --------------------------------------------------------------------------------------

    def _bring_after(self) -> None:
        """Bring the copy up to date until so little is left that the rest can be done while everybody waits."""
        for _ in range(_MOST_ROUNDS):
            self._watch.at("finishing")
            if change_log.waiting(self._job_id, _FEW + 1) <= _FEW:
                return
            with _transaction():
                self._round()
        raise PutOff("Others write to the table faster than it can be copied.")

    def _round(self) -> None:
        successor = self._successor
        if successor.gather():
            # Only this session sees these records, and it cannot read and write at once.
            piece = self._read(raw_connection(), successor.to_convert)
            successor.bring_after(cast=self._put(successor.to_convert, piece))
            successor.clear()

    # The last step --------------------------------------------------------------------------------------------------

    def _switch(self, ending: Ending) -> None:
        successor = self._successor
        successor.lock()
        if surroundings.fingerprint(successor.table) != self._definition:
            raise PutOff("Somebody has changed the table meanwhile.")
        refuse_if_in_the_way(successor.table, successor.swap.old)
        self._round()
        if successor.refers_to_what_is_gone():
            raise outdated("Records that the column would refer to were deleted meanwhile.")
        successor.take_the_place(ending.write_catalog())
        ending.complete(successor)


def refuse_if_in_the_way(table: Table, column: Column) -> None:
    """Raise Conflict if something that others have made in PostgreSQL would not survive the change."""
    found = surroundings.in_the_way(table, column.name)
    if found:
        raise Conflict(
            f"“{table.name}” is so large that it has to be copied, and this stands in the way: {some_of(found)}.",
            code="in_the_way",
            details={"in_the_way": found},
        )


def clear_up(job_id: int) -> None:
    """Drop what an attempt has left. Raises Unavailable if the table is busy."""

    def remove() -> None:
        if locks.holds_job(job_id, locks.CHANGE_NAMESPACE):
            change_log.remove(job_id)

    change_schema(remove)


def sweep() -> None:
    """Drop what killed attempts have left, and check references that were not checked yet."""
    for job_id in change_log.jobs():
        try:
            clear_up(job_id)
        except (DatabaseError, DataEngineError) as error:
            logger.warning("What the change %s has left stays for now: %s", job_id, error)
    check_references()


def check_references() -> None:
    """Have PostgreSQL check our references, as far as it has not; nobody has to wait for that."""
    for table, name in surroundings.unchecked_references():
        try:
            with _transaction(("lock_timeout", "5s")):
                surroundings.check_reference(table, name)
        except DatabaseError as error:
            logger.warning("The reference %s of %s could not be checked: %s", name, table, error)


@contextmanager
def _transaction(*more: tuple[str, str]) -> Iterator[None]:
    with transaction.atomic():
        _set(*SETTINGS, *more)
        yield


def _set(*settings: tuple[str, str]) -> None:
    with connection.cursor() as cursor:
        for setting in settings:
            cursor.execute("SELECT set_config(%s, %s, true)", setting)


def outdated(reason: str) -> Conflict:
    """The refusal of what did fit when it was rehearsed."""
    return Conflict(reason, code="plan_outdated")
