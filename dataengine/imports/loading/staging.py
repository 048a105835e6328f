"""The staging table: typed rows that nobody else sees yet, and how they get from there into a table. All of it is SQL.

Everything happens in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import connection
from psycopg import sql

from dataengine.columns.types import ColumnSpec
from dataengine.models import Column, Table
from dataengine.postgres import ddl, names, statement_progress, statements
from dataengine.postgres.statements import run, value
from dataengine.postgres.text_expressions import unique_key

_SAMPLE_ROWS = 10


def temporary(job_id: int, purpose: str) -> sql.Identifier:
    """The name of a table of an import that only its own session sees."""
    return sql.Identifier("pg_temp", names.temporary(job_id, purpose))


def staged_name(name: str) -> str:
    """What a table's column is called in the staging table, whose own ``id`` is the row's number."""
    return "record.id" if name == "id" else name  # no name of a user's holds a dot


def staged(name: str) -> sql.Identifier:
    return sql.Identifier(staged_name(name))


def staged_key(column: Column | ColumnSpec, of: str = "") -> sql.Composable:
    """``unique_key`` of a column in the staging table; ``of`` is the table's alias."""
    if column.name == "id":
        return sql.Identifier(*filter(None, (of, staged_name("id"))))
    return unique_key(column, of)


class Staging:
    """A staging table: ``id`` (the row's number in the file, from ``base``) and the columns that the file fills."""

    def __init__(self, job_id: int, specs: Sequence[ColumnSpec], *, base: int = 0, purpose: str = "stage") -> None:
        self.job_id = job_id
        self.specs = list(specs)
        self.base = base
        self.relation: sql.Composable = temporary(job_id, purpose)
        self.freeze = False

    @property
    def columns(self) -> list[str]:
        return ["id", *(staged_name(spec.name) for spec in self.specs)]

    def create(self) -> None:
        parts: list[sql.Composable] = [sql.SQL("id bigint NOT NULL")]
        parts += [sql.SQL("{} {}").format(staged(spec.name), ddl.type_of(spec)) for spec in self.specs]
        run(sql.SQL("CREATE TEMP TABLE {} ({}) ON COMMIT DROP").format(self.relation, sql.SQL(", ").join(parts)))

    def drop(self) -> None:
        run(sql.SQL("DROP TABLE IF EXISTS {}").format(self.relation))

    def clear(self) -> None:
        run(sql.SQL("TRUNCATE {}").format(self.relation))

    def copy(self, data: Iterable[bytes | memoryview]) -> int:
        """Take in the rows of a binary COPY. Returns how many there were."""
        return statements.copy_into(self.relation, self.columns, data, freeze=self.freeze)

    def take_from(self, other: Staging) -> None:
        """Take in the rows of another table of the same columns, too."""
        names = sql.SQL(", ").join(sql.Identifier(name) for name in self.columns)
        run(sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(self.relation, names, names, other.relation))

    def analyze(self) -> None:
        """Have PostgreSQL collect statistics about the rows."""
        run(statements.analyze(self.relation))

    def heap_bytes(self) -> int:
        """The size of the rows."""
        return statement_progress.heap_bytes(self.relation.as_string())

    def sample(self) -> list[dict[str, str | None]]:
        """The first rows, each value as PostgreSQL writes it."""
        names = [spec.name for spec in self.specs]
        texts = sql.SQL(", ").join(sql.SQL("{}::text").format(staged(name)) for name in names)
        statement = sql.SQL("SELECT {} FROM {} ORDER BY id LIMIT {}").format(
            texts, self.relation, sql.Literal(_SAMPLE_ROWS)
        )
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def tells_apart(self, spec: ColumnSpec) -> bool:
        """Whether the column has a value in every row, and none twice."""
        return bool(
            value(
                sql.SQL(
                    "SELECT NOT EXISTS (SELECT FROM {rows} WHERE {column} IS NULL)"
                    " AND NOT EXISTS (SELECT FROM {rows} GROUP BY {key} HAVING count(*) > 1)"
                ).format(rows=self.relation, column=staged(spec.name), key=staged_key(spec.made_unique(True)))
            )
        )

    # Into a table ---------------------------------------------------------------------------------------------

    def insert_with_ids(self, table: Table, *, what_fits: bool = False) -> int:
        """Insert the rows with their ids (from the table's own sequence): all, or only those that fit."""
        names = sql.SQL(", ").join(sql.Identifier(name) for name in self.columns)
        return run(
            sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} ORDER BY id {}").format(
                ddl.qualified(table.name),
                names,
                names,
                self.relation,
                sql.SQL("ON CONFLICT DO NOTHING" if what_fits else ""),
            )
        )

    def has_rows(self) -> bool:
        return bool(value(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(self.relation)))
