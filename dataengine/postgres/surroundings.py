"""What hangs on a user's table in PostgreSQL, whoever made it: as much as has to be known to replace the table."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db import connection
from psycopg import sql

from dataengine.models import Table
from dataengine.postgres import ddl, names
from dataengine.postgres.statements import run, value

_PRIVILEGES = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"})


class Attribute(NamedTuple):
    """A column in PostgreSQL, of ours or not."""

    name: str
    is_generated: bool


class BuiltIndex(NamedTuple):
    """A valid index. ``tail`` is its definition from the access method on."""

    name: str
    is_unique: bool
    tail: str
    constraint: str
    """``PRIMARY KEY`` or ``UNIQUE``, with what can be deferred; '' for an index that is no constraint's."""
    targets: list[list[int]]
    """Pairs (number of a column, target of its statistics) where that is not the usual one."""


class Reference(NamedTuple):
    """A foreign key. ``holder`` and ``target`` are tables by their quoted names."""

    name: str
    holder: str
    target: str
    definition: str


class Grant(NamedTuple):
    """A privilege that somebody has been granted; ``column`` is '' for the whole table."""

    privilege: str
    column: str
    grantee: str
    may_grant: bool


def attributes(table: Table) -> list[Attribute]:
    """The columns in PostgreSQL's order."""
    statement = """
        SELECT attname, attgenerated <> '' FROM pg_attribute
         WHERE attrelid = %(table)s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
    """
    return [Attribute(*row) for row in _rows(statement, table)]


def indexes(table: Table, *, without: str) -> list[BuiltIndex]:
    """The indexes that have nothing to do with the column ``without``."""
    statement = """
        SELECT n.relname, i.indisunique,
               substring(pg_get_indexdef(i.indexrelid) from length(format('CREATE %%sINDEX %%I ON %%s USING ',
                 CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END, n.relname, i.indrelid::regclass::text)) + 1),
               coalesce(CASE k.contype WHEN 'p' THEN 'PRIMARY KEY' WHEN 'u' THEN 'UNIQUE' END, ''),
               ARRAY(SELECT ARRAY[a.attnum, a.attstattarget] FROM pg_attribute a
                      WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0)
          FROM pg_index i JOIN pg_class n ON n.oid = i.indexrelid
          LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u')
         WHERE i.indrelid = %(table)s::regclass AND i.indisvalid AND NOT EXISTS (
               SELECT FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND a.attname = %(column)s
                  AND (d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                    OR d.classid = 'pg_constraint'::regclass AND d.objid = k.oid))
         ORDER BY k.contype IS DISTINCT FROM 'p', n.relname
    """
    return [BuiltIndex(*row) for row in _rows(statement, table, column=without)]


def built_again(index: BuiltIndex, relation: sql.Composable, schema: str) -> sql.Composable:
    """The statements that build an index like this one on a ``relation`` of the ``schema``."""
    kind, name = sql.SQL("UNIQUE INDEX" if index.is_unique else "INDEX"), sql.Identifier(index.name)
    parts: list[sql.Composable] = [
        sql.SQL("CREATE {} {} ON {} USING ").format(kind, name, relation) + sql.SQL(index.tail)
    ]
    if index.constraint:
        parts.append(
            sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {} USING INDEX {}").format(
                relation, name, sql.SQL(index.constraint), name
            )
        )
    parts += [
        sql.SQL("ALTER INDEX {} ALTER COLUMN {} SET STATISTICS {}").format(
            sql.Identifier(schema, index.name), sql.Literal(number), sql.Literal(target)
        )
        for number, target in index.targets
    ]
    return sql.SQL("; ").join(parts)


def references_to(table: Table) -> list[Reference]:
    """The foreign keys of other tables that lead to this one."""
    condition = "k.confrelid = %(table)s::regclass AND k.conrelid <> k.confrelid"
    return _references(condition, table)


def references_of(table: Table, *, without: str) -> list[Reference]:
    """The foreign keys of this table, but for those of the column ``without``."""
    condition = """
        k.conrelid = %(table)s::regclass AND NOT EXISTS (
            SELECT FROM pg_attribute a
             WHERE a.attrelid = k.conrelid AND a.attnum = ANY(k.conkey) AND a.attname = %(column)s)
    """
    return _references(condition, table, column=without)


def grants(table: Table) -> list[Grant]:
    """What others than the owner have been granted."""
    statement = """
        SELECT x.privilege_type, '', coalesce(r.rolname, ''), x.is_grantable
          FROM pg_class c, aclexplode(c.relacl) x LEFT JOIN pg_roles r ON r.oid = x.grantee
         WHERE c.oid = %(table)s::regclass AND x.grantee <> c.relowner
        UNION ALL
        SELECT x.privilege_type, a.attname, coalesce(r.rolname, ''), x.is_grantable
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped, aclexplode(a.attacl) x
          LEFT JOIN pg_roles r ON r.oid = x.grantee
         WHERE c.oid = %(table)s::regclass AND x.grantee <> c.relowner
    """
    return [Grant(*row) for row in _rows(statement, table)]


def copy_options(table: Table, relation: sql.Composable) -> None:
    """Give another relation the table's storage parameters."""
    statement = "SELECT coalesce(reloptions, '{}') FROM pg_class WHERE oid = %(table)s::regclass"
    [[found]] = _rows(statement, table)
    for option in found:
        name, _, setting = option.partition("=")
        template = sql.SQL("ALTER TABLE {} SET ({} = {})")
        run(template.format(relation, sql.Identifier(*name.split(".")), sql.Literal(setting)))


def in_the_way(table: Table, column: str) -> list[str]:
    """What would not survive if another table took this one's place with ``column`` changed, in PostgreSQL's words.

    Views, functions, triggers, rules, policies, publications, statistics, inheritance, and what others have built on
    the column. Our own references, privileges, and indexes of other columns follow, so they are not named.
    """
    statement = """
        WITH t AS (
            SELECT c.oid, c.reltype, c.relkind, c.relrowsecurity, a.attnum
              FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = %(column)s
             WHERE c.oid = %(table)s::regclass
        ), found (classid, objid, objsubid) AS (
            SELECT d.classid, d.objid, d.objsubid FROM t JOIN pg_depend d ON d.deptype = 'n'
               AND (d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid
                 OR d.refclassid = 'pg_type'::regclass AND d.refobjid = t.reltype)
             WHERE NOT EXISTS (
                   SELECT FROM pg_constraint k JOIN pg_class h ON h.oid = k.conrelid
                    WHERE d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
                      AND (k.contype = 'f' AND k.conname ~ '^tk:' AND h.relnamespace = %(schema)s::regnamespace
                        OR k.contype = 'c' AND k.conrelid = t.oid))
            UNION SELECT 'pg_trigger'::regclass, g.oid, 0 FROM t JOIN pg_trigger g ON g.tgrelid = t.oid
             WHERE NOT g.tgisinternal AND g.tgname !~ %(ours)s
            UNION SELECT 'pg_rewrite'::regclass, r.oid, 0 FROM t JOIN pg_rewrite r ON r.ev_class = t.oid
            UNION SELECT 'pg_policy'::regclass, p.oid, 0 FROM t JOIN pg_policy p ON p.polrelid = t.oid
            UNION SELECT 'pg_publication'::regclass, p.prpubid, 0 FROM t JOIN pg_publication_rel p ON p.prrelid = t.oid
            UNION SELECT 'pg_statistic_ext'::regclass, s.oid, 0 FROM t JOIN pg_statistic_ext s ON s.stxrelid = t.oid
            UNION SELECT 'pg_class'::regclass, i.inhrelid, 0 FROM t JOIN pg_inherits i ON i.inhparent = t.oid
            UNION SELECT 'pg_class'::regclass, i.inhparent, 0 FROM t JOIN pg_inherits i ON i.inhrelid = t.oid
            UNION SELECT 'pg_class'::regclass, t.oid, 0 FROM t WHERE t.relkind <> 'r' OR t.relrowsecurity
            UNION SELECT 'pg_constraint'::regclass, k.oid, 0 FROM t JOIN pg_constraint k ON k.conrelid = t.oid
             WHERE k.contype IN ('x', 't') OR k.contype IN ('p', 'u') AND k.condeferrable
                OR t.attnum = ANY(k.conkey) AND k.conname !~ '^tk:'
            UNION SELECT 'pg_class'::regclass, n.oid, 0 FROM t JOIN pg_index i ON i.indrelid = t.oid
              JOIN pg_class n ON n.oid = i.indexrelid JOIN pg_depend d
                ON d.classid = 'pg_class'::regclass AND d.objid = n.oid AND d.refobjid = t.oid
               AND d.refobjsubid = t.attnum
             WHERE n.relname !~ '^tk:'
            UNION SELECT 'pg_class'::regclass, t.oid, e.adnum FROM t JOIN pg_attrdef e ON e.adrelid = t.oid
              JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = e.oid AND d.refobjid = t.oid
               AND d.refobjsubid = t.attnum AND e.adnum <> t.attnum
        )
        SELECT DISTINCT CASE WHEN r.oid IS NULL OR r.rulename <> '_RETURN'
                 THEN pg_describe_object(f.classid, f.objid, f.objsubid)
                 ELSE pg_describe_object('pg_class'::regclass, r.ev_class, 0) END AS words
          FROM found f LEFT JOIN pg_rewrite r ON f.classid = 'pg_rewrite'::regclass AND r.oid = f.objid
         ORDER BY words
    """
    parameters = {"column": column, "schema": ddl.SCHEMA, "ours": names.CHANGE_FORMAT}
    return [row[0] for row in _rows(statement, table, **parameters)]


def fingerprint(table: Table) -> str:
    """Changes when somebody changes the table's definition."""
    statement = """
        SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM (
            SELECT concat_ws(' ', attnum, attname, atttypid, atttypmod, attnotnull, attgenerated, attacl,
                             pg_get_expr(e.adbin, e.adrelid))
              FROM pg_attribute LEFT JOIN pg_attrdef e ON e.adrelid = attrelid AND e.adnum = attnum
             WHERE attrelid = %(table)s::regclass AND attnum > 0
            UNION ALL SELECT concat_ws(' ', conname, pg_get_constraintdef(oid)) FROM pg_constraint
             WHERE conrelid = %(table)s::regclass
            UNION ALL SELECT concat_ws(' ', indisvalid, pg_get_indexdef(indexrelid)) FROM pg_index
             WHERE indrelid = %(table)s::regclass
            UNION ALL SELECT concat_ws(' ', oid, relowner, relacl, reloptions) FROM pg_class
             WHERE oid = %(table)s::regclass
        ) AS lines (line)
    """
    [[found]] = _rows(statement, table)
    return str(found)


def unchecked_references() -> list[tuple[str, str]]:
    """Our foreign keys whose values are yet to be checked, as (quoted table, name)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('%%I.%%I', n.nspname, c.relname), k.conname FROM pg_constraint k"
            " JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE k.contype = 'f' AND NOT k.convalidated AND k.conname ~ '^tk:' AND n.nspname = %s",
            [ddl.SCHEMA],
        )
        found: list[tuple[str, str]] = cursor.fetchall()
    return found


def refer(reference: Reference) -> None:
    """Make a foreign key that is not checked for what is there, only for what is written from now on."""
    head = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} ").format(
        sql.SQL(reference.holder), sql.Identifier(reference.name)
    )
    run(head + sql.SQL(reference.definition) + sql.SQL(" NOT VALID"))


def grant(table: Table, granted: Grant) -> None:
    """Grant a privilege."""
    assert granted.privilege in _PRIVILEGES
    run(
        sql.SQL("GRANT {}{} ON {} TO {}{}").format(
            sql.SQL(granted.privilege),
            sql.SQL(" ({})").format(sql.Identifier(granted.column)) if granted.column else sql.SQL(""),
            ddl.qualified(table.name),
            sql.Identifier(granted.grantee) if granted.grantee else sql.SQL("PUBLIC"),
            sql.SQL(" WITH GRANT OPTION" if granted.may_grant else ""),
        )
    )


def last_id(table: Table) -> int:
    """The last id that the table has given, 0 if none."""
    sequence = ddl.qualified(names.sequence(table.pk))
    found = value(
        sql.SQL("SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM {}").format(sequence)
    )
    return int(found or 0)


def check_reference(table: str, name: str) -> None:
    """Have PostgreSQL check the values of one of these. Nobody has to wait for that."""
    run(sql.SQL("ALTER TABLE {} VALIDATE CONSTRAINT {}").format(sql.SQL(table), sql.Identifier(name)))


def _references(condition: str, table: Table, **more: str) -> list[Reference]:
    head = """
        SELECT k.conname, format('%%I.%%I', hn.nspname, h.relname), format('%%I.%%I', gn.nspname, g.relname),
               regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', '')
          FROM pg_constraint k
          JOIN pg_class h ON h.oid = k.conrelid JOIN pg_namespace hn ON hn.oid = h.relnamespace
          JOIN pg_class g ON g.oid = k.confrelid JOIN pg_namespace gn ON gn.oid = g.relnamespace
         WHERE k.contype = 'f' AND
    """
    return [Reference(*row) for row in _rows(head + condition + " ORDER BY k.conname", table, **more)]


def _rows(statement: str, table: Table, **more: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"table": ddl.quoted(table.name), **more})
        rows: list[Any] = cursor.fetchall()
    return rows
