"""Tables with the records that an import made and that were taken out again, from where they can come back.

They are in the schema of the trash, out of sight, with a column for each of the table's, named by its attribute.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from django.db import connection
from psycopg import sql

from dataengine.models import Column, Table
from dataengine.models.shapes import Image
from dataengine.postgres import ddl, names, trash
from dataengine.postgres.statements import run, value


def keep(job_id: int, table: Table, columns: Sequence[Column], condition: sql.Composable) -> int:
    """Copy the records ``r`` for which a condition holds; returns how many. What was kept before is dropped."""
    drop(job_id, table.pk)
    cells = [
        sql.SQL("r.{} AS {}").format(sql.Identifier(column.name), sql.Identifier(column.attribute))
        for column in columns
    ]
    listed = sql.SQL(", ").join([sql.SQL("r.id"), *cells])
    return run(
        sql.SQL("CREATE TABLE {} AS SELECT {} FROM {} AS r WHERE {}").format(
            _relation(job_id, table.pk), listed, ddl.qualified(table.name), condition
        )
    )


def bring_back(job_id: int, table: Table, columns: Sequence[Column]) -> int:
    """Insert what was kept, in the order of the ids, as far as its columns are still there; returns how many."""
    types = _types(_relation(job_id, table.pk))
    if not types:
        return 0
    present = [column for column in columns if column.attribute in types]
    listed = sql.SQL(", ").join(sql.Identifier(name) for name in ["id", *(column.name for column in present)])
    now = _types(ddl.qualified(table.name))
    cells = sql.SQL(", ").join([sql.SQL("k.id"), *(_cell(column, types, now) for column in present)])
    restored = run(
        sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} AS k ORDER BY k.id").format(
            ddl.qualified(table.name), listed, cells, _relation(job_id, table.pk)
        )
    )
    drop(job_id, table.pk)
    return restored


def count(job_id: int, table_id: int) -> int:
    """How many records are kept of an import."""
    relation = _relation(job_id, table_id)
    return int(value(sql.SQL("SELECT count(*) FROM {}").format(relation))) if _types(relation) else 0


def some(job_id: int, table_id: int, start: int, limit: int) -> list[tuple[int, Image]]:
    """Some of them by id, with their images."""
    relation = _relation(job_id, table_id)
    attributes = [name for name in _types(relation) if name != "id"]
    statement = sql.SQL("SELECT k.id, jsonb_object({}::text[], ARRAY[{}]::text[]) FROM {} k ORDER BY k.id").format(
        sql.Literal(attributes),
        sql.SQL(", ").join(sql.SQL("k.{}::text").format(sql.Identifier(name)) for name in attributes),
        relation,
    )
    with connection.cursor() as cursor:
        cursor.execute(statement + sql.SQL(" OFFSET {} LIMIT {}").format(sql.Literal(start), sql.Literal(limit)))
        return [(pk, made if isinstance(made, dict) else json.loads(made)) for pk, made in cursor.fetchall()]


def drop(job_id: int, table_id: int) -> None:
    """Forget what was kept."""
    run(sql.SQL("DROP TABLE IF EXISTS {}").format(_relation(job_id, table_id)))


def every() -> list[tuple[int, int]]:
    """Of which imports, and in which tables, something is kept."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT split_part(relname, ':', 3)::bigint, split_part(relname, ':', 4)::bigint FROM pg_class"
            " WHERE relnamespace = to_regnamespace(%s) AND relkind = 'r' AND relname ~ %s ORDER BY 1, 2",
            [trash.SCHEMA, names.KEPT_PATTERN],
        )
        found: list[tuple[int, int]] = cursor.fetchall()
    return found


def tables_of(job_id: int) -> list[int]:
    """The tables some of whose records are kept of an import."""
    return [table_id for job, table_id in every() if job == job_id]


def imports_into(table_id: int) -> list[int]:
    """The imports of which records of a table are kept."""
    return [job_id for job_id, table in every() if table == table_id]


def _relation(job_id: int, table_id: int) -> sql.Identifier:
    return sql.Identifier(trash.SCHEMA, names.kept_records(job_id, table_id))


def _types(relation: sql.Composable) -> dict[str, str]:
    """By column: its type in PostgreSQL's words. Nothing of a relation that is not there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped",
            [relation.as_string()],
        )
        return dict(cursor.fetchall())


def _cell(column: Column, then: dict[str, str], now: dict[str, str]) -> sql.Composable:
    kept = sql.Identifier("k", column.attribute)
    if then[column.attribute] == now.get(column.name):
        return kept
    return sql.SQL("{}::text::{}").format(kept, ddl.cast_type(column))
