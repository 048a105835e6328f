"""Gives a column other values, another type and other rules. All of it is SQL, in the caller's transaction.

Where every value is written anew, the old ones are hidden in the same table, as those of deleted columns are, so that
they can be put back as they were.
"""

from __future__ import annotations

from django.db import connection
from psycopg import sql

from dataengine.models import AuditEvent, Column, RecordChange, Table
from dataengine.postgres import ddl, names
from dataengine.postgres.column_values import FAILED, ColumnValues
from dataengine.postgres.statements import run

_CHANGES = sql.Identifier(RecordChange._meta.db_table)


def keep_writers_out(table: Table) -> None:
    """Let nobody else write records until the end of the transaction; who only reads does not notice."""
    run(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(ddl.qualified(table.name)))


def hanging_on(table: Table, column: str) -> list[str]:
    """What others have built on a column, in PostgreSQL's words: views, indexes, generated columns and the like."""
    query = sql.SQL(
        """
        SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid) FROM pg_depend d
          JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
          LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
          LEFT JOIN pg_class i ON d.classid = 'pg_class'::regclass AND i.oid = d.objid
          LEFT JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
         WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = to_regclass({}) AND a.attname = {}
           AND coalesce(k.conname, '') !~ '^tk:' AND coalesce(i.relname, '') !~ '^tk:'
           AND f.adnum IS DISTINCT FROM a.attnum
         ORDER BY 1
        """
    ).format(sql.Literal(ddl.quoted(table.name)), sql.Literal(column))
    with connection.cursor() as cursor:
        cursor.execute(query)
        return [row[0] for row in cursor.fetchall()]


# Rules ----------------------------------------------------------------------------------------------------------------


def hide(table: Table, column: Column, hidden: str) -> None:
    """Take everything from a column but its values, and give it the name ``hidden``."""
    name = sql.Identifier(column.name)
    actions: list[sql.Composable] = [
        sql.SQL("ALTER COLUMN {} DROP NOT NULL").format(name),
        sql.SQL("ALTER COLUMN {} DROP DEFAULT").format(name),
        *(ddl.drop_constraint(column, kind) for kind in _named(column)),
    ]
    ddl.alter(table, actions)
    if column.unique_ignores_case:
        ddl.execute(ddl.drop_index(names.constraint(column.pk, "unique")))
    ddl.execute(ddl.drop_index(names.index(table.pk, column.pk)))
    ddl.rename_column(table, column.name, hidden)


def add_bare(table: Table, column: Column) -> None:
    """Add the column with nothing but its type."""
    ddl.alter(table, [sql.SQL("ADD COLUMN {} {}").format(sql.Identifier(column.name), ddl.type_of(column))])


def set_type(table: Table, old: Column, new: Column) -> None:
    """Give the column another type that PostgreSQL stores alike."""
    if ddl.type_of(old) != ddl.type_of(new):
        name = sql.Identifier(new.name)
        ddl.alter(table, [sql.SQL("ALTER COLUMN {} TYPE {}").format(name, ddl.type_of(new))])


def drop_rules(table: Table, old: Column, new: Column) -> None:
    """Take from the column what ``new`` does not demand. It has its new name already."""
    wanted, name = _named(new), sql.Identifier(new.name)
    actions = [ddl.drop_constraint(old, kind) for kind, clause in _named(old).items() if wanted.get(kind) != clause]
    if old.required and not new.required:
        actions.append(sql.SQL("ALTER COLUMN {} DROP NOT NULL").format(name))
    if old.default is not None and _has_other_default(old, new):
        actions.append(sql.SQL("ALTER COLUMN {} DROP DEFAULT").format(name))
    if actions:
        ddl.alter(table, actions)
    if old.unique_ignores_case and not new.unique_ignores_case:
        ddl.execute(ddl.drop_index(names.constraint(old.pk, "unique")))


def add_rules(table: Table, old: Column | None, new: Column) -> None:
    """Give the column what ``new`` demands, and ``old`` did not; None: a column that has nothing yet."""
    present, name = {} if old is None else _named(old), sql.Identifier(new.name)
    actions: list[sql.Composable] = []
    if new.required and not (old is not None and old.required):
        actions.append(sql.SQL("ALTER COLUMN {} SET NOT NULL").format(name))
    if new.default is not None and (old is None or _has_other_default(old, new)):
        actions.append(sql.SQL("ALTER COLUMN {} SET {}").format(name, ddl.default_clause(new)))
    actions += [sql.SQL("ADD {}").format(clause) for kind, clause in _named(new).items() if present.get(kind) != clause]
    if actions:
        ddl.alter(table, actions)
    if new.unique_ignores_case and not (old is not None and old.unique_ignores_case):
        ddl.execute(ddl.unique_index(table, new))


def _named(column: Column) -> dict[str, sql.Composable]:
    return dict(ddl.constraints(column))


def _has_other_default(old: Column, new: Column) -> bool:
    return ddl.default_clause(old) != ddl.default_clause(new)


# Values ---------------------------------------------------------------------------------------------------------------


def fill(table: Table, column: Column, values: ColumnValues, hidden: str, filling: str | None) -> None:
    """Give all records their new values, and those whose value failed the literal ``filling`` (None: no value).

    ``hidden`` is the name that the column with the old values has by now.
    """
    name, there = sql.Identifier(column.name), ddl.qualified(table.name)
    if values.is_staged:
        # Where all values are NULL, there is nothing to write.
        statement = "UPDATE {} t SET {} = {} FROM {} v WHERE v.id = t.id AND (v.{} OR v.{} IS NOT NULL)"
        given, failed = sql.Identifier("v", values.new.name), sql.Identifier(FAILED)
        new = sql.SQL("CASE WHEN v.{} THEN {} ELSE {} END").format(failed, _filling(column, filling), given)
        run(sql.SQL(statement).format(there, name, new, values.relation, failed, sql.Identifier(values.new.name)))
        return
    cast = sql.SQL("{}::{}").format(sql.Identifier(hidden), ddl.type_of(column))
    run(sql.SQL("UPDATE {} SET {} = {} WHERE {} IS NOT NULL").format(there, name, cast, sql.Identifier(hidden)))
    _overwrite(table, column, values.failing, _filling(column, filling))


def change(table: Table, column: Column, values: ColumnValues, filling: str | None) -> None:
    """The same in place: only the values that fail, or say something else than before, are written."""
    if not values.is_staged:
        _overwrite(table, column, values.failing, _filling(column, filling))
        return
    failed, given = sql.Identifier("v", FAILED), sql.Identifier("v", values.new.name)
    new = sql.SQL("CASE WHEN {} THEN {} ELSE {} END").format(failed, _filling(column, filling), given)
    run(
        sql.SQL("UPDATE {} t SET {} = {} FROM {} v WHERE v.id = t.id AND v.id IN ({})").format(
            ddl.qualified(table.name), sql.Identifier(column.name), new, values.relation, values.changing
        )
    )


def keep_failing(table: Table, column: Column, values: ColumnValues, source: str) -> None:
    """Put what fails into the new text column ``column``, from the column ``source``."""
    value = sql.SQL("{}::text").format(sql.Identifier(source))
    _overwrite(table, column, values.failing, value)


def _overwrite(table: Table, column: Column, ids: sql.Composable, value: sql.Composable) -> None:
    run(
        sql.SQL("UPDATE {} SET {} = {} WHERE id IN ({})").format(
            ddl.qualified(table.name), sql.Identifier(column.name), value, ids
        )
    )


def _filling(column: Column, filling: str | None) -> sql.Composable:
    if filling is None:
        return sql.SQL("NULL")
    return sql.SQL("{}::{}").format(sql.Literal(filling), ddl.cast_type(column))


# What was written, for taking it back -----------------------------------------------------------------------------


def keep_before(event: AuditEvent, table: Table, column: Column, ids: sql.Composable, source: str) -> int:
    """Store the values, in the column ``source``, of the records with these ids. Returns how many."""
    return run(
        sql.SQL(
            "INSERT INTO {} (event_id, record_id, before)"
            " SELECT {}, id, jsonb_build_object({}, {}::text) FROM {} WHERE id IN ({}) ORDER BY id"
        ).format(
            _CHANGES,
            sql.Literal(event.pk),
            sql.Literal(column.attribute),
            sql.Identifier(source),
            ddl.qualified(table.name),
            ids,
        )
    )


def keep_after(event: AuditEvent, table: Table, column: Column) -> None:
    """Add the values that these records have now."""
    run(
        sql.SQL(
            "UPDATE {} c SET after = jsonb_build_object({}, t.{}::text) FROM {} t"
            " WHERE c.event_id = {} AND t.id = c.record_id"
        ).format(
            _CHANGES,
            sql.Literal(column.attribute),
            sql.Identifier(column.name),
            ddl.qualified(table.name),
            sql.Literal(event.pk),
        )
    )
