"""Puts typed rows into PostgreSQL, all inside the transaction that its caller holds. Everything here is SQL.

Rows first go to a *staging table* that nobody else sees, are checked there set-wise (``duplicates.py``), and then

- become the table itself where that is new or empty: the staging table (here called the shadow) was filled without
  indexes, gets them now, and takes the table's name and place;
- or are inserted into the table that holds records already.

The table itself is locked for the moment of the swap only; readers never wait for data to flow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import OperationalError, connection, transaction
from psycopg import sql

from dataengine.columns.types import ColumnSpec, postgres_type
from dataengine.models import Column, Table
from dataengine.postgres import ddl, statement_progress

_SWAP_LOCK_MS = 300
_WRITE_BYTES = 1 << 20


def raw_connection() -> psycopg.Connection[Any]:
    """Django's own connection as psycopg knows it, for COPY and for cancelling."""
    connection.ensure_connection()
    raw = connection.connection
    assert isinstance(raw, psycopg.Connection)
    return raw


def run(statement: sql.Composable, parameters: Sequence[Any] | None = None) -> int:
    """Execute, and return how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def value(statement: sql.Composable, parameters: Sequence[Any] | None = None) -> Any:
    """The first column of the first row."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row = cursor.fetchone()
    return row[0] if row else None


def give_memory() -> None:
    """Let this transaction sort and hash in memory: PostgreSQL's defaults are made for many small queries."""
    for name, size in (("work_mem", "64MB"), ("maintenance_work_mem", "256MB")):
        run(
            sql.SQL(
                "SELECT set_config({0}, {1}, true) WHERE pg_size_bytes(current_setting({0})) < pg_size_bytes({1})"
            ).format(sql.Literal(name), sql.Literal(size))
        )


@contextmanager
def by_index() -> Iterator[None]:
    """Have PostgreSQL look some thousand rows up in a large table one by one.

    Left to itself it reads the whole table for each chunk: its statistics know nothing of the rows of this transaction
    (measured: 0.9 s a chunk instead of 0.1 s, with 1M records).
    """
    settings = ("enable_hashjoin", "enable_mergejoin")
    for name in settings:
        run(sql.SQL("SET LOCAL {} = off").format(sql.Identifier(name)))
    yield
    # After an error there is nothing to set back: the transaction, or its savepoint, takes the settings with it.
    for name in settings:
        run(sql.SQL("SET LOCAL {} = on").format(sql.Identifier(name)))


def pg_type(spec: ColumnSpec) -> sql.SQL:
    # Registry text and integers only.
    return sql.SQL(postgres_type(spec.type, spec.parameters))


def copy_into(
    relation: sql.Composable, columns: Sequence[str], chunks: Iterable[bytes | memoryview], *, freeze: bool = False
) -> int:
    """Binary COPY of ready-made bytes, header and trailer included. Returns how many rows PostgreSQL took."""
    names = sql.SQL(", ").join(sql.Identifier(name) for name in columns)
    form = sql.SQL("FORMAT binary, FREEZE") if freeze else sql.SQL("FORMAT binary")
    statement = sql.SQL("COPY {} ({}) FROM STDIN ({})").format(relation, names, form)
    with raw_connection().cursor() as cursor:
        with cursor.copy(statement) as copy:
            for chunk in chunks:
                view = memoryview(chunk)
                for start in range(0, len(view), _WRITE_BYTES):
                    copy.write(view[start : start + _WRITE_BYTES])
        return cursor.rowcount


class NotEmptyAnyMore(Exception):
    """Somebody put records into the table, or uses it without pause, so it cannot be replaced."""


class Staging:
    """A staging table: ``id`` (the row's number in the file, from ``base``) and the columns that the file fills."""

    def __init__(self, job_id: int, specs: Sequence[ColumnSpec], *, base: int = 0) -> None:
        self.job_id = job_id
        self.specs = list(specs)
        self.base = base
        self.relation: sql.Composable = sql.Identifier("pg_temp", f"tk:{job_id}:stage")
        self.freeze = False

    def create(self) -> None:
        parts: list[sql.Composable] = [sql.SQL("id bigint NOT NULL")]
        parts += [sql.SQL("{} {}").format(sql.Identifier(spec.name), pg_type(spec)) for spec in self.specs]
        run(sql.SQL("CREATE TEMP TABLE {} ({}) ON COMMIT DROP").format(self._bare(), sql.SQL(", ").join(parts)))

    def _bare(self) -> sql.Identifier:
        return sql.Identifier(f"tk:{self.job_id}:stage")

    @property
    def columns(self) -> list[str]:
        return ["id", *(spec.name for spec in self.specs)]

    def drop(self) -> None:
        run(sql.SQL("DROP TABLE IF EXISTS {}").format(self.relation))


class Shadow(Staging):
    """A staging table that will become the table: all its columns, with defaults, in the schema of user tables."""

    def __init__(
        self, job_id: int, specs: Sequence[ColumnSpec], all_specs: Sequence[ColumnSpec], *, base: int = 0
    ) -> None:
        super().__init__(job_id, specs, base=base)
        self.all_specs = list(all_specs)
        self.name = shadow_name(job_id)
        self.relation = ddl.qualified(self.name)
        # The table is made in this very transaction: with wal_level=minimal PostgreSQL then writes no WAL for it,
        # and rows can be written as already frozen.
        self.freeze = True

    def create(self) -> None:
        self.drop()
        parts: list[sql.Composable] = [sql.SQL("id bigint NOT NULL")]
        for spec in self.all_specs:
            part: list[sql.Composable] = [sql.Identifier(spec.name), pg_type(spec)]
            if spec.default is not None:
                part.append(sql.SQL("DEFAULT {}::{}").format(sql.Literal(spec.default), pg_type(spec)))
            if spec.required:
                part.append(sql.SQL("NOT NULL"))
            parts.append(sql.SQL(" ").join(part))
        run(sql.SQL("CREATE TABLE {} ({})").format(self.relation, sql.SQL(", ").join(parts)))

    def add_primary_key(self) -> None:
        name = sql.Identifier(f"{self.name}:pkey")
        run(sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} PRIMARY KEY (id)").format(self.relation, name))

    def add_unique(self, column: str, place: int) -> None:
        """Build the unique index of a column. Raises IntegrityError where it holds duplicates."""
        run(
            sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} UNIQUE ({})").format(
                self.relation, sql.Identifier(f"{self.name}:{place}"), sql.Identifier(column)
            )
        )

    def rename_constraint(self, old: str, new: str) -> None:
        run(
            sql.SQL("ALTER TABLE {} RENAME CONSTRAINT {} TO {}").format(
                self.relation, sql.Identifier(f"{self.name}:{old}"), sql.Identifier(new)
            )
        )

    def add_other_constraints(self, columns: Sequence[Column]) -> None:
        """Checks and references, one look at the rows for all. Their names need be unique in their table only."""
        clauses = [
            sql.SQL("ADD {}").format(clause)
            for column in columns
            for kind, clause in ddl.constraints(column)
            if kind != "unique"
        ]
        if clauses:
            run(sql.SQL("ALTER TABLE {} {}").format(self.relation, sql.SQL(", ").join(clauses)))

    def replace(self, table: Table, columns: Sequence[Column], next_id: int) -> None:
        """Take the place of ``table``, which is empty and locked: its name, constraints, identity."""
        run(sql.SQL("DROP TABLE {}").format(ddl.qualified(table.name)))
        self.rename_constraint("pkey", f"tk:{table.pk}:pkey")
        places = {spec.name: place for place, spec in enumerate(self.all_specs)}
        for column in columns:
            if column.unique:
                self.rename_constraint(str(places[column.name]), ddl.constraint_name(column, "unique"))
        run(sql.SQL("ALTER TABLE {} RENAME TO {}").format(self.relation, sql.Identifier(table.name)))
        self.relation = ddl.qualified(table.name)
        run(
            sql.SQL(
                "ALTER TABLE {} ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME {} START {})"
            ).format(self.relation, sql.Identifier(ddl.SCHEMA, f"tk:{table.pk}:id"), sql.Literal(next_id))
        )


def shadow_name(job_id: int) -> str:
    return f"tk:job:{job_id}:shadow"


# The table itself ------------------------------------------------------------------------------------------------


def is_empty(table: Table) -> bool:
    return not value(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(ddl.qualified(table.name)))


def quoted(table: Table) -> str:
    """The table's name as PostgreSQL reads it."""
    return ddl.qualified(table.name).as_string()


def heap_bytes(staging: Staging) -> int:
    """How large the staged rows are."""
    return statement_progress.heap_bytes(staging.relation.as_string())


def analyze(relation: sql.Composable) -> sql.Composable:
    return sql.SQL("ANALYZE {}").format(relation)


def highest_id(relation: sql.Composable) -> sql.Composable:
    return sql.SQL("SELECT max(id) FROM {}").format(relation)


def last_id(table: Table) -> int:
    """The highest id that the table has ever given, 0 for none."""
    sequence = sql.Identifier(ddl.SCHEMA, f"tk:{table.pk}:id")
    found = value(
        sql.SQL("SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM {}").format(sequence)
    )
    return int(found or 0)


def can_be_replaced(table: Table, columns: Sequence[Column]) -> bool:
    """Whether the table is nothing but what the catalog says, so that another can take its place unnoticed.

    Not with grants, triggers, views, rules, indexes of somebody else's making, or references from other tables. The
    indexes that the catalog knows do not stand against it: they are built again afterwards.
    """
    indexes = 1 + sum(column.unique for column in columns)
    statement = sql.SQL(
        """
        SELECT c.relacl IS NULL
           AND NOT c.relhasrules AND NOT c.relhassubclass AND NOT c.relrowsecurity AND c.relkind = 'r'
           AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL)
           AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)
           AND NOT EXISTS (SELECT FROM pg_constraint r WHERE r.confrelid = c.oid AND r.contype = 'f')
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.refobjid = c.oid AND d.refclassid = 'pg_class'::regclass
                             AND d.classid = 'pg_rewrite'::regclass)
           AND NOT EXISTS (SELECT FROM pg_publication_rel p WHERE p.prrelid = c.oid)
           AND (SELECT count(*) FROM pg_index i JOIN pg_class n ON n.oid = i.indexrelid
                 WHERE i.indrelid = c.oid AND n.relname !~ '^tk:[0-9]+:(index|search)$') = %s
          FROM pg_class c WHERE c.oid = %s::regclass
        """
    )
    return bool(value(statement, [indexes, f'"{ddl.SCHEMA}"."{table.name}"']))


def lock_for_swap(table: Table) -> bool:
    """Lock the table against everybody, for what little is left to do. False where that would keep people waiting."""
    previous = value(sql.SQL("SHOW lock_timeout"))
    try:
        with transaction.atomic():
            run(sql.SQL("SELECT set_config('lock_timeout', %s, true)"), [f"{_SWAP_LOCK_MS}ms"])
            run(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(ddl.qualified(table.name)))
    except OperationalError as error:
        if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected):
            raise
        return False
    run(sql.SQL("SELECT set_config('lock_timeout', %s, true)"), [previous])
    return True


def insert_from(staging: Staging, table: Table) -> int:
    """Insert the staged rows in their order; the table gives them their ids, which ascend in that order."""
    names = sql.SQL(", ").join(sql.Identifier(spec.name) for spec in staging.specs)
    return run(
        sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} ORDER BY id").format(
            ddl.qualified(table.name), names, names, staging.relation
        )
    )


def insert_with_ids(staging: Staging, table: Table, *, what_fits: bool = False) -> int:
    """Insert the staged rows with the ids that they have (from the table's own sequence); all, or those that fit."""
    names = sql.SQL(", ").join(sql.Identifier(name) for name in staging.columns)
    return run(
        sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} ORDER BY id {}").format(
            ddl.qualified(table.name),
            names,
            names,
            staging.relation,
            sql.SQL("ON CONFLICT DO NOTHING" if what_fits else ""),
        )
    )


def update_from(staging: Staging, table: Table, key: str) -> int:
    """Write the staged rows whose key is in the table over the records there, and unstage them."""
    others = [spec.name for spec in staging.specs if spec.name != key]
    on = sql.SQL("t.{key} = s.{key}").format(key=sql.Identifier(key))
    count = value(
        sql.SQL("SELECT count(*) FROM {} s JOIN {} t ON {}").format(staging.relation, ddl.qualified(table.name), on)
    )
    if count and others:
        settings = sql.SQL(", ").join(sql.SQL("{0} = s.{0}").format(sql.Identifier(name)) for name in others)
        count = run(
            sql.SQL("UPDATE {} t SET {} FROM {} s WHERE {}").format(
                ddl.qualified(table.name), settings, staging.relation, on
            )
        )
    run(sql.SQL("DELETE FROM {} s USING {} t WHERE {}").format(staging.relation, ddl.qualified(table.name), on))
    return int(count or 0)


def skip_known(staging: Staging, table: Table, columns: Sequence[str]) -> int:
    """Take out the staged rows that share a value of one of the unique ``columns`` with a record of the table."""
    count = 0
    for name in columns:
        count += run(
            sql.SQL("DELETE FROM {} s USING {} t WHERE t.{} = s.{}").format(
                staging.relation, ddl.qualified(table.name), sql.Identifier(name), sql.Identifier(name)
            )
        )
    return count


def drop_shadow(job_id: int) -> None:
    """Remove what an import that died may have left (it cannot: the table is made in its transaction)."""
    run(sql.SQL("DROP TABLE IF EXISTS {}").format(ddl.qualified(shadow_name(job_id))))
