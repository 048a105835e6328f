"""Images of records in SQL: what one row holds, as JSON. ``records/before_after.py`` tells what images are."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from dataengine.models import Column, RecordChange
from dataengine.postgres import ddl

CHANGES = sql.Identifier(RecordChange._meta.db_table)


def image(columns: Sequence[Column], of: str = "r") -> sql.Composable:
    """The image of row ``of``. Two arrays are faster than ``to_jsonb`` of a row, and hold only what is needed."""
    names = sql.SQL(", ").join(sql.Literal(column.attribute) for column in columns)
    row = sql.Identifier(of)
    cells = sql.SQL(", ").join(sql.SQL("{}.{}::text").format(row, sql.Identifier(column.name)) for column in columns)
    return sql.SQL("jsonb_object(ARRAY[{}]::text[], ARRAY[{}]::text[])").format(names, cells)


def value_before(column: Column) -> sql.Composable:
    """A column's value from the image ``c.before``."""
    return sql.SQL("(c.before ->> {})::{}").format(sql.Literal(column.attribute), ddl.cast_type(column))
