"""What an import does to records, kept in its own transaction, so that it can be looked at and taken back.

Records that it makes are kept as spans of ids with the lines that they came from, a few rows for a million records.
Of records that it updates or removes it keeps images (``records/before_after.py``), which one statement writes.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from psycopg import sql

from dataengine.imports.converting.binary_copy import HEADER, TRAILER
from dataengine.imports.rejecting.spill import IdMap, LineIndex
from dataengine.models import AuditEvent, Column, ImportedSpan, ImportJob, RecordChange, Table
from dataengine.postgres import statements, writers
from dataengine.postgres.images import CHANGES, image
from dataengine.postgres.statements import run

from .staging import temporary

type Lines = npt.NDArray[np.int64]

BLOCK_ROWS = 1 << 16
"""Lines that do not follow each other are packed in blocks of so many, so that one is found quickly."""
_SPANS_AT_ONCE = 1_000


class ChangeSet:
    """The changes of one import. Its methods are called in the transaction, and while the record's locks are held.

    ``begin`` names the event of the import before the first image is kept; ``added`` may be called before.
    """

    def __init__(self, job: ImportJob) -> None:
        self._job = job
        self._event: AuditEvent | None = None
        self._joins = False
        """Whether the event has images already, from an earlier batch of its import."""
        self._spans: list[ImportedSpan] = []
        self.columns: set[str] = set()
        """The attributes of the columns that images have."""

    def begin(self, event: AuditEvent) -> None:
        """What is kept from now on belongs to ``event``."""
        self._event = event
        self._joins = RecordChange.objects.filter(event=event).exists()

    # Made records -------------------------------------------------------------------------------------------------

    def added(self, ids: IdMap, lines: LineIndex, *, last_id: int | None = None) -> None:
        """The rows of the file became records with these ids, except those that were rejected.

        ``last_id``: higher ids were not used, and others may get them.
        """
        for first_id, first_row, count in ids.ranges():
            length = count if last_id is None else min(count, last_id - first_id + 1)
            for start in range(0, length, BLOCK_ROWS):
                some = lines.some(first_row + start, min(BLOCK_ROWS, length - start))
                self.added_from(first_id + start, some)

    def added_from(self, first_id: int, lines: Lines) -> None:
        """Records with consecutive ids were made, from these lines."""
        for start in range(0, len(lines), BLOCK_ROWS):
            self._add(first_id + start, lines[start : start + BLOCK_ROWS])

    def _add(self, first_id: int, lines: Lines) -> None:
        last_id, first_line = first_id + len(lines) - 1, int(lines[0])
        steps = np.diff(lines)
        if (steps != 1).any():
            packed = zlib.compress(steps.astype("<i4").tobytes(), 1)
            self._spans.append(ImportedSpan(
                job=self._job, first_id=first_id, last_id=last_id, first_line=first_line, steps=packed
            ))  # fmt: skip
            return
        before = self._spans[-1] if self._spans else None
        goes_on = before is not None and before.steps is None and before.last_id == first_id - 1
        if before is not None and goes_on and before.line_of(first_id) == first_line:
            before.last_id = last_id
            return
        self._spans.append(ImportedSpan(job=self._job, first_id=first_id, last_id=last_id, first_line=first_line))

    # Changed and removed records ----------------------------------------------------------------------------------

    def updated(
        self,
        columns: Sequence[Column],
        records: sql.Composable,
        *,
        line: sql.Composable | None = None,
        after: sql.Composable | None = None,
    ) -> int:
        """Keep the images of records that are about to be updated, and lock them. Returns how many.

        ``records`` is what follows FROM, without an order: each record ``t`` once, beside its row ``s``, whose columns
        are named like the table's (or ``after``, an expression, is the image that the record will have). ``columns``
        are those that change; ``line`` is an expression for the line of the file (see ``line_of``).
        """
        self.columns.update(column.attribute for column in columns)
        return self._keep(records, image(columns, "t"), after or image(columns, "s"), line or sql.SQL("NULL"))

    def removed(self, columns: Sequence[Column], records: sql.Composable) -> int:
        """Keep the images of records ``t`` that are about to be deleted, and lock them. Returns how many.

        ``columns`` are all that the table has, those in the trash, too (``postgres/trash.py: hidden_columns``).
        """
        self.columns.update(column.attribute for column in columns)
        return self._keep(records, image(columns, "t"), sql.SQL("NULL::jsonb"), sql.SQL("NULL"))

    def _keep(
        self, records: sql.Composable, before: sql.Composable, after: sql.Composable, line: sql.Composable
    ) -> int:
        assert self._event is not None
        # A record may be changed twice by one import, when its rejected rows are tried again. Being prepared for that
        # takes a third more time (measured).
        merge = sql.SQL(
            " ON CONFLICT (event_id, record_id) DO UPDATE SET"
            " before = EXCLUDED.before || c.before, after = c.after || EXCLUDED.after, line = EXCLUDED.line"
        )
        return run(
            sql.SQL(
                "INSERT INTO {changes} AS c (event_id, record_id, before, after, line)"
                " SELECT {event}, t.id, {before}, {after}, {line}::bigint FROM {records} FOR NO KEY UPDATE OF t{merge}"
            ).format(
                changes=CHANGES,
                event=sql.Literal(self._event.pk),
                before=before,
                after=after,
                line=line,
                records=records,
                merge=merge if self._joins else sql.SQL(""),
            )
        )

    def line_of(self, row: sql.Composable, lines: LineIndex) -> sql.Composable:
        """The line of the row with that number (an expression; the first is 1), as an expression."""
        shift = _common_shift(lines)
        if shift is not None:
            return sql.SQL("({} + {})").format(row, sql.Literal(shift))
        relation = temporary(self._job.pk, "lines")
        run(sql.SQL("DROP TABLE IF EXISTS {}").format(relation))
        run(sql.SQL("CREATE TEMP TABLE {} (row bigint, line bigint) ON COMMIT DROP").format(relation))
        statements.copy_into(relation, ["row", "line"], _as_copy(lines))
        run(sql.SQL("ALTER TABLE {} ADD PRIMARY KEY (row)").format(relation))
        return sql.SQL("(SELECT l.line FROM {} l WHERE l.row = {})").format(relation, row)

    # The end ------------------------------------------------------------------------------------------------------

    def store(self, table: Table) -> None:
        """Write what was kept in memory. ``table`` has the records."""
        stored = ImportedSpan.objects.bulk_create(self._spans, batch_size=_SPANS_AT_ONCE)
        writers.note(table, [span.pk for span in stored])
        self._spans = []


def numbers(query: sql.Composable) -> Lines:
    """The only column of a query, bigints and never NULL, however many rows it has."""
    statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(query)
    with statements.raw_connection().cursor() as cursor, cursor.copy(statement) as copy:
        data = b"".join(copy)
    rows = np.frombuffer(data, dtype=_NUMBER, offset=len(HEADER), count=(len(data) - len(HEADER)) // _NUMBER.itemsize)
    return rows["value"].astype(np.int64)


_NUMBER: Any = np.dtype([("columns", ">i2"), ("size", ">i4"), ("value", ">i8")])
_PAIR: Any = np.dtype([("columns", ">i2"), ("size1", ">i4"), ("row", ">i8"), ("size2", ">i4"), ("line", ">i8")])


def _blocks(lines: LineIndex) -> Iterator[tuple[int, Lines]]:
    """The lines of all rows, with the number of the first row of each block, from 1."""
    for start in range(0, lines.count, BLOCK_ROWS):
        yield start + 1, lines.some(start, min(BLOCK_ROWS, lines.count - start))


def _common_shift(lines: LineIndex) -> int | None:
    """What every row's line is beyond its number, if that is the same for all."""
    shift: int | None = None
    for first, some in _blocks(lines):
        shift = int(some[0]) - first if shift is None else shift
        if (some != np.arange(first + shift, first + shift + len(some))).any():
            return None
    return shift or 0


def _as_copy(lines: LineIndex) -> Iterable[bytes]:
    yield HEADER
    for first, some in _blocks(lines):
        rows = np.zeros(len(some), dtype=_PAIR)
        rows["columns"], rows["size1"], rows["size2"] = 2, 8, 8
        rows["row"], rows["line"] = np.arange(first, first + len(some)), some
        yield rows.tobytes()
    yield TRAILER
