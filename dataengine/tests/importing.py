"""What the import tests share: tables in one line, imports in one call, in this process and without a broker."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from django.db import connection

from dataengine.columns.sql_types import parse_sql_type
from dataengine.models import ImportJob, Table
from dataengine.services import import_runs, imports, tables

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def make_table(user: User, name: str, /, **columns: str) -> Table:
    """A table whose columns are given as SQL-style types."""
    specs = [parse_sql_type(column, text) for column, text in columns.items()]
    return tables.create_table(user=user, name=name, columns=specs)


def queue_import(
    user: User, table: str, text: str | bytes, /, *, filename: str = "data.csv", **options: Any
) -> ImportJob:
    data = text.encode() if isinstance(text, str) else text
    return imports.start(
        user=user, table=None, table_name=table, file=io.BytesIO(data), filename=filename, options=options, send=False
    )


def import_text(
    user: User, table: str, text: str | bytes, /, *, filename: str = "data.csv", **options: Any
) -> ImportJob:
    """Import a file's text into a table and return the finished job."""
    assert not connection.in_atomic_block, "whoever watches the job does so in another session, which must see it"
    job = queue_import(user, table, text, filename=filename, **options)
    done = import_runs.run(job.pk)
    assert done is not None
    return done


def records(table: str, *columns: str) -> list[tuple[Any, ...]]:
    """All records in the order of their ids; with ``columns`` as the texts that PostgreSQL writes."""
    listed = ", ".join(f'r."{column}"::text' for column in columns) or "*"
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT {listed} FROM userdata."{table}" r ORDER BY r.id')
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def rejected(job: ImportJob) -> list[tuple[int, list[tuple[str, str]]]]:
    """(line, [(column, code), …]) of every rejected row."""
    return [
        (row.line, [(error["column"], error["code"]) for error in row.errors])
        for row in job.rejected_rows.order_by("line", "pk")
    ]
