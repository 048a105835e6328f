"""Rejected rows: grouped by cause for the job, stored in the catalog, and streamed back as a file to correct.

``rejected.csv`` has the original columns first, then ``_line`` and ``_errors``. A raw row is parsed with the file's own
dialect and written as plain CSV; a row that cannot be parsed stands whole in the first column.
"""

from __future__ import annotations

import io
import json
from collections.abc import Generator, Iterable, Iterator
from typing import TYPE_CHECKING

from django.db import connection
from psycopg import sql

from dataengine.imports.converting.patterns import guarded, unguarded
from dataengine.imports.dialects.dialect import Dialect
from dataengine.imports.dialects.grammar import Grammar
from dataengine.imports.planning.mapping import ADDED_HEADERS
from dataengine.models import ImportJob, RejectedRow
from dataengine.models.shapes import Cause, Findings, RowError
from dataengine.postgres.statements import raw_connection

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


def store(job: ImportJob, rejected: Iterable[Rejected]) -> None:
    """Write rejected rows to the catalog, by COPY, in the caller's transaction."""
    table = sql.Identifier(RejectedRow._meta.db_table)
    statement = sql.SQL("COPY {} (job_id, line, raw, errors) FROM STDIN").format(table)
    with raw_connection().cursor() as cursor, cursor.copy(statement) as copy:
        for item in rejected:
            copy.write_row((job.pk, item.line, item.raw, json.dumps(item.errors, ensure_ascii=False)))


def forget(job: ImportJob) -> None:
    """Delete what ``store`` wrote."""
    RejectedRow.objects.filter(job=job).delete()


def rows_of(job: ImportJob) -> Iterator[tuple[int, str, list[RowError]]]:
    """(line, raw, errors) of every rejected row in the order of the file, read a page at a time by key."""
    after = (-1, 0)
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT line, id, raw, errors::text FROM dataengine_rejectedrow "
                "WHERE job_id = %s AND (line, id) > (%s, %s) ORDER BY line, id LIMIT %s",
                [job.pk, *after, _PAGE],
            )
            page = cursor.fetchall()
        if not page:
            return
        after = (page[-1][0], page[-1][1])
        for line, _, raw, errors in page:
            yield line, raw, json.loads(errors) if isinstance(errors, str) else errors


def filename(job: ImportJob) -> str:
    """The name under which ``rejected.csv`` is downloaded; ``corrected_files`` recognises it."""
    return f"rejected-{job.pk}.csv"


def csv_lines(job: ImportJob) -> Generator[bytes]:
    """``rejected.csv`` in pieces, UTF-8. Memory does not grow with the number of rows."""
    findings: Findings = job.findings
    headers = findings.get("headers", [])
    added = [name for name in ADDED_HEADERS if name in headers]
    kept = [place for place, header in enumerate(headers) if header not in added]
    was_guarded = len(added) == len(ADDED_HEADERS) or findings.get("guarded", False)
    dialect = Dialect(**findings["dialect"]) if "dialect" in findings else Dialect()
    grammar = Grammar(dialect, None)
    buffer = io.StringIO()
    buffer.write(",".join([_cell(headers[place], False) for place in kept] + list(ADDED_HEADERS)) + "\r\n")
    for line, raw, errors in rows_of(job):
        cells = cells_of(grammar, raw, len(headers), was_guarded=was_guarded)
        # A quoted empty cell is '' and an unquoted one NULL, so quotes are kept where they matter.
        parts = [_cell(*cells[place]) for place in kept]
        buffer.write(",".join([*parts, str(line), _cell(describe(errors), False)]) + "\r\n")
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


def cells_of(grammar: Grammar, raw: str, width: int, *, was_guarded: bool = False) -> list[tuple[str, bool]]:
    """The cells of a raw row, each with whether it was quoted, filled up to ``width`` if there are too few.

    If it is not a row, or has too many cells, the first cell is its whole text.
    """
    data = raw.encode("utf-8", "replace")
    scan = grammar.scan(data, 0, final=True) if data else None
    if scan is None or scan.fault or scan.end != len(data) or scan.count > width:
        return [(raw, True), *((("", False),) * max(width - 1, 0))]
    cells = [
        (
            (value if quoted or value == b"\\N" else grammar.unescape(value, quoted=False)).decode("utf-8", "replace"),
            quoted,
        )
        for value, quoted in grammar.cells(data)
    ]
    if was_guarded:
        cells = [(unguarded(text), quoted) for text, quoted in cells]
    return [*cells, *((("", False),) * (width - len(cells)))]


def describe(errors: Iterable[RowError]) -> str:
    """``column: code: message``, joined by `` | ``."""
    return " | ".join(f"{error['column']}: {error['code']}: {error['message']}" for error in errors)
