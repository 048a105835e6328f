"""Tables and columns that are in the trash, in PostgreSQL: out of sight, with nothing lost."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from dataengine.models import Column, Table
from dataengine.postgres import ddl, names, text_expressions
from dataengine.postgres.statements import run, value

SCHEMA = "userdata_trash"


def move_table(table: Table, references: Sequence[Column]) -> None:
    """Move a table with its indexes and sequence; ``references`` keep records of other tables no longer."""
    drops = [ddl.drop_constraint(column, "reference") for column in references]
    if drops:
        ddl.alter(table, drops)
    ddl.execute(sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(ddl.qualified(table.name), sql.Identifier(SCHEMA)))
    ddl.execute(
        sql.SQL("ALTER TABLE {} RENAME TO {}").format(
            sql.Identifier(SCHEMA, table.name), sql.Identifier(names.trashed_table(table.pk))
        )
    )


def bring_table_back(table: Table) -> None:
    """Undo ``move_table`` under the name that the table has now, but for its references."""
    ddl.execute(sql.SQL("ALTER TABLE {} RENAME TO {}").format(_trashed(table), sql.Identifier(table.name)))
    ddl.execute(
        sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(sql.Identifier(SCHEMA, table.name), sql.Identifier(ddl.SCHEMA))
    )


def drop_table(table: Table) -> None:
    ddl.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(_trashed(table)))


def hide_column(table: Table, column: Column) -> None:
    """Give a column a name of ours and take from it whatever would make a record without a value impossible."""
    name = sql.Identifier(column.name)
    actions: list[sql.Composable] = [
        sql.SQL("ALTER COLUMN {} DROP NOT NULL").format(name),
        sql.SQL("ALTER COLUMN {} DROP DEFAULT").format(name),
        ddl.drop_constraint(column, "unique"),
        ddl.drop_constraint(column, "reference"),
    ]
    ddl.alter(table, actions)
    ddl.execute(ddl.drop_index(names.constraint(column.pk, "unique")))  # of one that is unique whatever the case
    ddl.execute(ddl.drop_index(names.index(table.pk, column.pk)))
    ddl.rename_column(table, column.name, names.trashed_column(column.pk))


def bring_column_back(table: Table, column: Column) -> None:
    """Undo ``hide_column`` under the name that the column has now, but for what values may contradict now.

    An import that replaced the empty table has left the column behind: then it is made anew, without values.
    """
    if present(table, [names.trashed_column(column.pk)]):
        ddl.rename_column(table, names.trashed_column(column.pk), column.name)
    else:
        ddl.add_bare_column(table, column)
    if column.default is not None:
        ddl.set_default(table, column)


def hidden_columns(table: Table) -> list[Column]:
    """The table's columns that are in the trash, under the names that they have there, if they are still there."""
    if table.known is not None and not table.known.has_hidden:
        return []
    found = list(Column.everything.filter(table=table).exclude(trashed_at=None))
    for column in found:
        column.name, column.unique, column.unique_ignores_case = names.trashed_column(column.pk), False, False
    there = present(table, [column.name for column in found])
    return [column for column in found if column.name in there]


def has_repeats(table: Table, column: Column) -> bool:
    """Whether two records have the same value, as far as a unique column is concerned."""
    name = sql.Identifier(column.name)
    key = text_expressions.unique_key(column)
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {} IS NOT NULL GROUP BY {} HAVING count(*) > 1)").format(
        ddl.qualified(table.name), name, key
    )
    return bool(value(query))


def require(table: Table, column: Column) -> bool:
    """Have PostgreSQL require a value, if each record has one; returns whether that is so."""
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {} IS NULL)").format(
        ddl.qualified(table.name), sql.Identifier(column.name)
    )
    if value(query):
        return False
    ddl.set_required(table, column)
    return True


def drop_hidden_column(table: Table, column: Column) -> None:
    place = _trashed(table) if table.trashed_at is not None else ddl.qualified(table.name)
    name = sql.Identifier(names.trashed_column(column.pk))
    ddl.execute(sql.SQL("ALTER TABLE {} DROP COLUMN IF EXISTS {}").format(place, name))


def count_dangling(table: Table, column: Column) -> int:
    """How many values refer to records that are not there."""
    query = sql.SQL("SELECT count(*) FROM {} t WHERE {}").format(ddl.qualified(table.name), _dangles(column))
    return int(value(query))


def restore_reference(table: Table, column: Column) -> int:
    """Clear values that refer to records that are not there, have the others checked again; returns how many were.

    Nothing is done where the constraint is there already.
    """
    if value(
        sql.SQL("SELECT EXISTS (SELECT FROM pg_constraint WHERE conname = {} AND conrelid = to_regclass({}))").format(
            sql.Literal(names.constraint(column.pk, "reference")), sql.Literal(ddl.quoted(table.name))
        )
    ):
        return 0
    cleared = run(
        sql.SQL("UPDATE {} t SET {} = NULL WHERE {}").format(
            ddl.qualified(table.name), sql.Identifier(column.name), _dangles(column)
        )
    )
    constraint = next(definition for kind, definition in ddl.constraints(column) if kind == "reference")
    ddl.alter(table, [sql.SQL("ADD {}").format(constraint)])
    return cleared


def _dangles(column: Column) -> sql.Composable:
    assert column.references is not None
    name = sql.Identifier("t", column.name)
    return sql.SQL("{} IS NOT NULL AND NOT EXISTS (SELECT FROM {} r WHERE r.id = {})").format(
        name, ddl.qualified(column.references.name), name
    )


def present(table: Table, wanted: Sequence[str]) -> set[str]:
    """Those of these names that columns of the table have in PostgreSQL."""
    query = sql.SQL(
        "SELECT array_agg(attname::text) FROM pg_attribute"
        " WHERE attrelid = to_regclass({}) AND attname = ANY({}) AND NOT attisdropped"
    ).format(sql.Literal(ddl.quoted(table.name)), sql.Literal(list(wanted)))
    return set(value(query) or ())


def _trashed(table: Table) -> sql.Identifier:
    return sql.Identifier(SCHEMA, names.trashed_table(table.pk))
