"""Records as a file, streamed: CSV without formulas, JSON, or a workbook. Memory does not grow.

PostgreSQL itself writes CSV and JSON, from the list's own query as the ORM compiled it, inside ``COPY (…) TO STDOUT``.
So a million records cost little more than ``psql \\copy`` of the same query.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import QuerySet
from psycopg import sql

from dataengine.columns.identifiers import composed
from dataengine.exceptions import InvalidInput, shown
from dataengine.exports.workbooks import check_fits, workbook
from dataengine.imports.converting.patterns import guarded
from dataengine.models import Column
from dataengine.postgres.backend.reader import reading
from dataengine.postgres.copying import copied_out
from dataengine.records.model import Record

# ``patterns.guarded`` in SQL. The code of the first character is the cheapest test of a text;
# \x25 is a per cent sign, which psycopg would interpret.
_GUARDED = sql.SQL(
    "CASE WHEN ascii({0}) BETWEEN 65 AND 65290 OR ascii({0}) BETWEEN 46 AND 60 THEN {0}"
    " WHEN ascii({0}) IN (9, 10, 13, 32, 39, 43, 45, 61, 64, 65291, 65293, 65309, 65312)"
    " AND {0} ~ '^''* *[=+@\\t\\r\\n\\uff1d\\uff0b\\uff0d\\uff20-]'"
    " AND NOT (ascii({0}) IN (32, 43, 45)"
    " AND {0} ~ '^ *[+-]?([0-9]+([.,][0-9]*)*|[.,][0-9]+)([eE][+-]?[0-9]+)?\\x25?$')"
    " THEN '''' || {0} ELSE {0} END"
)
# JSON escapes all control characters, so with these as delimiter and quote COPY leaves its lines unchanged.
_BARE_LINES = sql.SQL("FORMAT csv, DELIMITER E'\\x02', QUOTE E'\\x01', ESCAPE E'\\x01'")
_TIME_LIMIT = "2h"
_IDLE_LIMIT = "2min"
_CANCEL_SECONDS = 5.0

CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

GUARDS = ("spreadsheet", "exact")
"""The purpose of a CSV: for spreadsheets, which must not run any cell, or for programs, which need exact cells."""


def columns_named(model: type[Record], text: str) -> list[Column]:
    """The columns for a file, from their names separated by commas, each once; ``id``, which is always there, is passed
    over. None named: all. Raises InvalidInput filed under ``columns``.
    """
    known = {column.name: column for column in model.columns}
    try:
        asked = dict.fromkeys(next(csv.reader([composed(text)], strict=True, skipinitialspace=True), []))
    except csv.Error:
        reason = "Separate the names by commas; put a name with a comma in double quotes."
        raise InvalidInput(f"columns: {reason}", fields={"columns": reason}) from None
    unknown = next((name for name in asked if name not in known and name != "id"), None)
    if unknown is not None:
        reason = f"There is no column “{shown(unknown)}”."
        raise InvalidInput(reason, code="column_not_found", fields={"columns": reason})
    return [known[name] for name in asked if name in known] if asked else list(model.columns)


class Export:
    """One file of records: ``pieces`` makes it, ``interrupt`` stops the query behind it from another thread."""

    def __init__(
        self,
        records: QuerySet[Record],
        file_format: str,
        guard: str = "spreadsheet",
        columns: Sequence[Column] | None = None,
    ) -> None:
        """``records`` are ordered, ``file_format`` is a key of CONTENT_TYPES, ``guard`` (for CSV) one of GUARDS.

        ``columns`` are some of the table's, by default all; the id is always there. Raises InvalidInput if a workbook
        cannot hold them.
        """
        self.records = records
        self.columns = records.model.columns if columns is None else columns
        self.file_format = file_format
        self.guard = guard
        self.content_type = CONTENT_TYPES[file_format]
        self._session: psycopg.Connection[Any] | None = None
        self._is_abandoned = False
        if file_format == "xlsx":
            with reading(), _long_transaction():
                check_fits(records, self.columns)

    def pieces(self) -> Generator[bytes]:
        """The file. Closing the generator early cancels the query and releases the connection."""
        try:
            match self.file_format:
                case "csv":
                    yield from self._csv()
                case "json":
                    yield from self._json()
                case _:
                    yield from workbook(
                        self.records,
                        self.columns,
                        reading=self._transaction,
                        is_abandoned=lambda: self._is_abandoned,
                    )
        finally:
            self._session = None

    def interrupt(self) -> None:
        """Cancel the query that the export is waiting for, if any, and the packing of a workbook."""
        self._is_abandoned = True
        if self._session is not None:
            self._session.cancel_safe(timeout=_CANCEL_SECONDS)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with reading(), _long_transaction():
            self._session = connection.connection
            yield
        self._session = None

    def _csv(self) -> Generator[bytes]:
        columns = self.columns
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(column.name for column in columns)
        # Imports recognise an exact export by these quotes (``planning/plan.py``).
        head = '"id"' if self.guard == "exact" else "id"
        yield f"{head}{',' if columns else ''}{line.getvalue()}".encode()
        may_run = self.guard == "exact"
        cells = [_csv_cell(column, _place(number), may_run=may_run) for number, column in enumerate(columns, 1)]
        cells.insert(0, _place(0))
        yield from self._copy(sql.SQL("SELECT {} FROM ({}) AS r({})"), cells, sql.SQL("FORMAT csv"))

    def _json(self) -> Generator[bytes]:
        columns = self.columns
        members = [
            sql.SQL("{} AS {}").format(cell, sql.Identifier(name))
            for name, cell in zip(
                ["id", *(column.name for column in columns)],
                [_place(0), *(_json_member(column, _place(number)) for number, column in enumerate(columns, 1))],
                strict=True,
            )
        ]
        # The alias contains a colon, so no column can have the same name, which PostgreSQL would prefer.
        query = sql.SQL('SELECT row_to_json("tk:o") FROM (SELECT {} FROM ({}) AS r({})) AS "tk:o"')
        separator = b"[\n"
        for piece in self._copy(query, members, _BARE_LINES):
            # These are whole lines, and an object contains no line break.
            yield separator + piece[:-1].replace(b"\n", b",\n")
            separator = b",\n"
        yield b"[]\n" if separator == b"[\n" else b"\n]\n"

    def _copy(self, query: sql.SQL, cells: Sequence[sql.Composable], form: sql.SQL) -> Generator[bytes]:
        """The output of PostgreSQL for ``query`` over the records, in pieces of whole lines."""
        try:
            compiled, parameters = _compiled(self.records, self.columns)
        except EmptyResultSet:
            return
        places = sql.SQL(", ").join(_place(number) for number in range(len(cells)))
        inner = query.format(sql.SQL(", ").join(cells), sql.SQL(compiled), places)
        statement = sql.SQL("COPY ({}) TO STDOUT ({})").format(inner, form)
        with self._transaction():
            session = connection.connection
            assert isinstance(session, psycopg.Connection)
            yield from copied_out(session, statement, parameters)


@contextmanager
def _long_transaction() -> Iterator[None]:
    """Replace the limits of web requests by longer ones, since a long export is no runaway query.

    The transaction also makes the whole file show one state of the table.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('statement_timeout', %s, true),"
                " set_config('idle_in_transaction_session_timeout', %s, true),"
                " set_config('datestyle', 'ISO, YMD', true), set_config('timezone', 'UTC', true),"
                " set_config('intervalstyle', 'postgres', true)",
                [_TIME_LIMIT, _IDLE_LIMIT],
            )
        yield


def _compiled(records: QuerySet[Record], columns: Sequence[Column]) -> tuple[str, tuple[Any, ...]]:
    """The list's query as the ORM compiles it: id, then the columns in order. Raises EmptyResultSet."""
    query = records.values_list("id", *(column.attribute for column in columns)).query
    compiled, parameters = query.get_compiler(connection=connection).as_sql()
    return compiled, tuple(parameters)


def _place(number: int) -> sql.Identifier:
    return sql.Identifier(f"c{number}")


def _csv_cell(column: Column, place: sql.Composable, *, may_run: bool) -> sql.Composable:
    """A cell as imports read it: NULL is empty, '' is two quotes; texts are guarded unless they ``may_run``."""
    return (_GUARDED if not may_run and _may_be_formula(column) else sql.SQL(column.kind.csv_sql)).format(place)


def _may_be_formula(column: Column) -> bool:
    choices = column.kind.choices(column.parameters)
    if choices is not None and column.kind.may_be_formula:
        return any(guarded(choice) != choice for choice in choices)
    return column.kind.may_be_formula


def _json_member(column: Column, place: sql.Composable) -> sql.Composable:
    """A value as in the API: exact decimals as text, moments in UTC."""
    return sql.SQL(column.kind.json_sql).format(place)
