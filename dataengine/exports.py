"""Records as a file, streamed: CSV that no spreadsheet runs, or JSON. Memory stays flat."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from dataengine.record_serializers import stream_data
from dataengine.records import Record

# What a spreadsheet would run. Numbers stay numbers.
_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_BATCH = 500

CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


def export(records: QuerySet[Record], file_format: str) -> Generator[str]:
    """The records, in their order, as pieces of a file."""
    writer = _csv if file_format == "csv" else _json
    return _without_time_limit(lambda: writer(records))


def safe_cell(text: str) -> str:
    """``text`` with a leading apostrophe where a spreadsheet would take it for a formula."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def _without_time_limit(write: Callable[[], Iterator[str]]) -> Generator[str]:
    """A long export is no runaway query: the limit of web requests does not apply to it.

    The transaction is also what keeps the server-side cursor, and one state of the table, for the whole file.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', '0', true)")
            cursor.execute("SELECT set_config('idle_in_transaction_session_timeout', '0', true)")
        yield from write()


class _Line:
    """A file for ``csv.writer`` that gives back what was written."""

    def write(self, text: str) -> str:
        return text


def _csv(records: QuerySet[Record]) -> Iterator[str]:
    writer = csv.writer(_Line(), lineterminator="\r\n")
    names = ["id", *(column.name for column in records.model.columns)]
    yield str(writer.writerow([safe_cell(name) for name in names]))
    for batch in _batches(stream_data(records)):
        yield "".join(str(writer.writerow([_cell(value) for value in row])) for row in batch)


def _cell(value: Any) -> Any:
    """One CSV cell: NULL is empty, JSON its text."""
    match value:
        case None:
            return ""
        case str():
            return safe_cell(value)
        case bool():
            return "true" if value else "false"
        case dict() | list():
            return safe_cell(json.dumps(value, ensure_ascii=False))
        case _:
            return value


def _json(records: QuerySet[Record]) -> Iterator[str]:
    names = ["id", *(column.name for column in records.model.columns)]
    separator = "[\n"
    for batch in _batches(stream_data(records)):
        lines = (json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) for row in batch)
        yield separator + ",\n".join(lines)
        separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"


def _batches(rows: Iterable[list[Any]]) -> Iterator[list[list[Any]]]:
    batch: list[list[Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
