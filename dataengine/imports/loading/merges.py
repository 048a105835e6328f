"""Staged rows into a table that holds records: inserted, written over known ones, or left out."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from dataengine.models import Table
from dataengine.postgres import ddl, statement_progress
from dataengine.postgres.statements import run, value

from .staging import Staging


def heap_bytes(staging: Staging) -> int:
    """How large the staged rows are."""
    return statement_progress.heap_bytes(staging.relation.as_string())


def highest_id(relation: sql.Composable) -> sql.Composable:
    return sql.SQL("SELECT max(id) FROM {}").format(relation)


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
