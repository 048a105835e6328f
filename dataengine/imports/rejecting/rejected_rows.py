"""Rejected rows: grouped by cause for the job, stored in the catalog, and streamed back as a file to correct.

``rejected.csv`` has the original columns first, then ``_line`` and ``_errors``. A raw row is parsed with the file's own
dialect and written as plain CSV; a row that cannot be parsed stands whole in the first column. What people have mended
is in it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

from django.db import connection
from django.db.models import Q
from psycopg import sql

from dataengine.imports.converting.patterns import guarded
from dataengine.imports.planning.mapping import ADDED_HEADERS
from dataengine.models import ImportJob, RejectedRow
from dataengine.models.shapes import Cause, RowError
from dataengine.postgres.statements import raw_connection

from .mended_cells import RowReader

if TYPE_CHECKING:
    from .spill import Rejected

CONTENT_TYPE = "text/csv; charset=utf-8"
MAX_CAUSES = 200
"""How many causes the job shows at most: one for each column and code would be too long with 1,600 columns."""
_PAGE = 2_000


class Causes:
    """Counts errors by code and column, and keeps the first as the example."""

    def __init__(self) -> None:
        self._causes: dict[tuple[str, str], Cause] = {}

    def add(self, line: int, errors: Iterable[RowError]) -> None:
        for error in errors:
            cause = self._causes.get((error["code"], error["column"]))
            if cause is None:
                self._causes[error["code"], error["column"]] = {
                    "code": error["code"],
                    "column": error["column"],
                    "count": 1,
                    "example_line": line,
                    "message": error["message"],
                }
            else:
                cause["count"] += 1

    def as_list(self) -> list[Cause]:
        """The job's ``errors``, most frequent first."""
        causes = sorted(self._causes.values(), key=lambda cause: (-cause["count"], cause["example_line"]))
        return [cause.copy() for cause in causes[:MAX_CAUSES]]


class Shelf(Protocol):
    """Where rejected rows go, in the caller's transaction."""

    def store(self, rejected: Iterable[Rejected]) -> None:
        """Take them in."""

    def forget(self) -> None:
        """Throw away what ``store`` took in."""


class Catalog:
    """Where an import's rejected rows are kept."""

    def __init__(self, job: ImportJob) -> None:
        self._job = job

    def store(self, rejected: Iterable[Rejected]) -> None:
        """Write them by COPY."""
        table = sql.Identifier(RejectedRow._meta.db_table)
        statement = sql.SQL("COPY {} (job_id, line, raw, errors) FROM STDIN").format(table)
        with raw_connection().cursor() as cursor, cursor.copy(statement) as copy:
            for item in rejected:
                copy.write_row((self._job.pk, item.line, item.raw, json.dumps(item.errors, ensure_ascii=False)))

    def forget(self) -> None:
        RejectedRow.objects.filter(job=self._job).delete()


def rows_of(job: ImportJob, among: Q | None = None) -> Iterator[RejectedRow]:
    """Every rejected row (``among``: of those) in the order of the file, read a page at a time by key."""
    rows = RejectedRow.objects.filter(job=job).order_by("line", "pk")
    rows = rows if among is None else rows.filter(among)
    line, pk = -1, 0
    while page := list(rows.filter(line__gte=line).exclude(line=line, pk__lte=pk)[:_PAGE]):
        yield from page
        line, pk = page[-1].line, page[-1].pk


_CAUSES = sql.SQL("""
SELECT g.code, g.name, g.count, g.line, (
  SELECT e ->> 'message' FROM {rows} r, jsonb_array_elements(r.errors) e
   WHERE r.job_id = {job} AND r.line = g.line AND e ->> 'code' = g.code AND e ->> 'column' = g.name LIMIT 1
) FROM (
  SELECT e ->> 'code' AS code, e ->> 'column' AS name, count(*) AS count, min(r.line) AS line
    FROM {rows} r, jsonb_array_elements(r.errors) e WHERE r.job_id = {job} GROUP BY 1, 2
   ORDER BY count(*) DESC, min(r.line) LIMIT {most}
) g ORDER BY g.count DESC, g.line
""")


def causes_now(job: ImportJob) -> list[Cause]:
    """What is wrong with the stored rows, as ``Causes`` tells it while they are found."""
    statement = _CAUSES.format(
        rows=sql.Identifier(RejectedRow._meta.db_table), job=sql.Literal(job.pk), most=sql.Literal(MAX_CAUSES)
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [
            {"code": code, "column": column, "count": count, "example_line": line, "message": message}
            for code, column, count, line, message in cursor.fetchall()
        ]


def filename(job: ImportJob) -> str:
    """The name under which ``rejected.csv`` is downloaded; ``corrected_files`` recognises it."""
    return f"rejected-{job.pk}.csv"


def csv_lines(job: ImportJob) -> Generator[bytes]:
    """``rejected.csv`` in pieces, UTF-8. Memory does not grow with the number of rows."""
    reader = RowReader(job, list(job.table.columns.all()) if job.table is not None else [])
    added = [name for name in ADDED_HEADERS if name in reader.headers]
    headers = [*reader.headers, *(slot.name for slot in reader.slots if slot.place is None)]
    kept = [place for place, header in enumerate(headers) if header not in added]
    buffer = io.StringIO()
    buffer.write(",".join([_cell(headers[place], False) for place in kept] + list(ADDED_HEADERS)) + "\r\n")
    for row in rows_of(job):
        cells = reader.in_file(row)
        # A quoted empty cell is '' and an unquoted one NULL, so quotes are kept where they matter.
        parts = [_cell(*cells[place]) for place in kept]
        buffer.write(",".join([*parts, str(row.line), _cell(describe(row.errors), False)]) + "\r\n")
        if buffer.tell() > 64 << 10:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _cell(text: str, quoted: bool) -> str:
    safe = guarded(text)
    if quoted or any(char in safe for char in '",\r\n'):
        return '"' + safe.replace('"', '""') + '"'
    return safe


def describe(errors: Iterable[RowError]) -> str:
    """``column: code: message``, joined by `` | ``."""
    return " | ".join(f"{error['column']}: {error['code']}: {error['message']}" for error in errors)
