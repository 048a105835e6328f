"""Creates, alters and drops the tables of users. Everything here is ``psycopg.sql``; rights are checked elsewhere.

Constraints, sequences and indexes are named after the catalog's keys (``names``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection
from psycopg import sql

from dataengine.columns.types import ColumnSpec
from dataengine.columns.types.aspects import LIMITS
from dataengine.models import Column, Table
from dataengine.postgres import names, text_expressions

SCHEMA = Table.SCHEMA

type Statement = sql.Composed
"""SQL that is ready to be executed, for modules that pass it on and make none."""


def qualified(name: str) -> sql.Identifier:
    """The qualified name of a user's table, or of something that belongs to one."""
    return sql.Identifier(SCHEMA, name)


def quoted(name: str) -> str:
    """The same as text, for ``regclass`` and the ORM."""
    return qualified(name).as_string()


def execute(statement: sql.Composable) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def create_table(table: Table, columns: Sequence[Column]) -> None:
    """Create the table with all its constraints."""
    parts: list[sql.Composable] = [identity_definition(table.pk), primary_key(table.pk)]
    for column in columns:
        parts.append(column_definition(column))
        parts.extend(constraint for _, constraint in constraints(column))
    execute(sql.SQL("CREATE TABLE {} ({})").format(qualified(table.name), sql.SQL(", ").join(parts)))
    for column in columns:
        if column.unique_ignores_case:
            execute(unique_index(table, column))
        # Without an index, deleting a record scans all records that might refer to it.
        if column.index_or_none is not None:
            execute(column_index(table, column, concurrently=False))


def drop_table(name: str) -> None:
    """Drop a table with all its records, for good."""
    execute(sql.SQL("DROP TABLE {}").format(qualified(name)))


def rename_table(old: str, new: str) -> None:
    execute(sql.SQL("ALTER TABLE {} RENAME TO {}").format(qualified(old), sql.Identifier(new)))


def add_column(table: Table, column: Column) -> None:
    actions: list[sql.Composable] = [sql.SQL("ADD COLUMN {}").format(column_definition(column))]
    actions += [sql.SQL("ADD {}").format(constraint) for _, constraint in constraints(column)]
    alter(table, actions)
    if column.unique_ignores_case:
        execute(unique_index(table, column))


def add_bare_column(table: Table, column: Column) -> None:
    """Add a column with its checks only: no record has a value in it, and none needs one."""
    definition = sql.SQL("ADD COLUMN {} {}").format(sql.Identifier(column.name), type_of(column))
    rules = [rule for kind, rule in constraints(column) if kind not in {"unique", "reference"}]
    alter(table, [definition, *(sql.SQL("ADD {}").format(rule) for rule in rules)])


def rename_column(table: Table, old: str, new: str) -> None:
    alter(table, [sql.SQL("RENAME COLUMN {} TO {}").format(sql.Identifier(old), sql.Identifier(new))])


def set_required(table: Table, column: Column) -> None:
    verb = sql.SQL("SET NOT NULL" if column.required else "DROP NOT NULL")
    alter(table, [sql.SQL("ALTER COLUMN {} {}").format(sql.Identifier(column.name), verb)])


def suspend_required(table: Table, columns: Sequence[Column], *, suspended: bool) -> None:
    """Allow NULL in required columns for the rest of a transaction, or forbid it again. Nobody else sees this."""
    verb = sql.SQL("DROP NOT NULL" if suspended else "SET NOT NULL")
    actions: list[sql.Composable] = [
        sql.SQL("ALTER COLUMN {} {}").format(sql.Identifier(column.name), verb) for column in columns if column.required
    ]
    if actions:
        alter(table, actions)


def set_default(table: Table, column: Column) -> None:
    name = sql.Identifier(column.name)
    if column.default is None:
        alter(table, [sql.SQL("ALTER COLUMN {} DROP DEFAULT").format(name)])
    else:
        alter(table, [sql.SQL("ALTER COLUMN {} SET {}").format(name, default_clause(column))])


def set_unique(table: Table, column: Column) -> None:
    """Make a column unique, or not, as in the catalog."""
    alter(table, [drop_constraint(column, "unique")])
    execute(drop_index(names.constraint(column.pk, "unique")))
    if column.unique_ignores_case:
        execute(unique_index(table, column))
    elif column.unique:
        alter(table, [sql.SQL("ADD {}").format(_unique(column))])


def unique_index(table: Table, column: Column, *, on: sql.Composable | None = None) -> sql.Composed:
    """The index that makes a column unique whatever the case. Named like a constraint, which cannot do that.

    ``on`` is another table that will take this one's place.
    """
    name = sql.Identifier(names.constraint(column.pk, "unique"))
    key = text_expressions.unique_key(column)
    return sql.SQL("CREATE UNIQUE INDEX {} ON {} ({})").format(name, on or qualified(table.name), key)


# Indexes requested by users. Built outside of transactions, in a session of their own (services/index_builds.py).

_BOUNDS = 400
_FEW_CHOICES = 12
"""To look for each of so many in a list takes PostgreSQL less time than to call a function (measured)."""
# to_tsvector refuses texts that produce more than a megabyte; this many characters never do.
SEARCHED_CHARACTERS = 150_000


def column_index(
    table: Table, column: Column, *, concurrently: bool = True, on: sql.Composable | None = None
) -> sql.Composed:
    """``CREATE INDEX`` in the order in which records are paged: by the column, then by id. Filters use it, too.

    ``on`` is another table that will take this one's place.
    """
    # Lists have no order worth one; their index finds what they hold.
    template = "CREATE INDEX {}{} ON {} USING gin ({})" if column.kind.is_list else "CREATE INDEX {}{} ON {} ({}, id)"
    how = sql.SQL("CONCURRENTLY " if concurrently else "")
    name = sql.Identifier(names.index(table.pk, column.pk))
    return sql.SQL(template).format(how, name, on or qualified(table.name), text_expressions.sort_key(column))


def finer_statistics(table: Table, column: Column) -> sql.Composed | None:
    """For a text's index: ANALYZE keeps more bounds of the keys, so that far pages have less to skip.

    For every record skipped PostgreSQL computes its key, which takes four times as long as reading it (measured).
    """
    if not column.kind.is_text:
        return None
    return sql.SQL("ALTER INDEX IF EXISTS {} ALTER COLUMN 1 SET STATISTICS {}").format(
        qualified(names.index(table.pk, column.pk)), sql.Literal(_BOUNDS)
    )


def trigram_index(table: Table, columns: Sequence[Column]) -> sql.Composed:
    """An index for ``icontains``. Needs the extension pg_trgm."""
    parts = [sql.SQL("{} gin_trgm_ops").format(text_expressions.fold(column)) for column in columns]
    name = sql.Identifier(names.index(table.pk, None))
    template = "CREATE INDEX CONCURRENTLY {} ON {} USING gin ({})"
    return sql.SQL(template).format(name, qualified(table.name), sql.SQL(", ").join(parts))


def words_index(table: Table, columns: Sequence[Column]) -> sql.Composed:
    """An index of the words of all ``columns``; ``search.Document`` builds the same expression for queries."""
    texts = [sql.SQL("coalesce({}, '')").format(text_expressions.fold(column)) for column in columns]
    name = sql.Identifier(names.index(table.pk, None))
    template = "CREATE INDEX CONCURRENTLY {} ON {} USING gin (to_tsvector('simple'::regconfig, left({}, {})))"
    joined = sql.SQL(" || ' ' || ").join(texts)
    return sql.SQL(template).format(name, qualified(table.name), joined, sql.Literal(SEARCHED_CHARACTERS))


def drop_index(name: str, *, concurrently: bool = False) -> sql.Composed:
    template = "DROP INDEX CONCURRENTLY IF EXISTS {}" if concurrently else "DROP INDEX IF EXISTS {}"
    return sql.SQL(template).format(sql.Identifier(SCHEMA, name))


def statistics_of(table: Table, column: Column | None) -> sql.Composed:
    """ANALYZE's statistics of a column (None: ``id``): rows of (share of NULLs, value, its share or NULL for a bound).

    In the order of the values. A column without values has one row with NULL as value. For a text column these are the
    statistics of the index that it is sorted by, and a value is the beginning of a text.
    """
    template = """
        SELECT s.null_frac, {value}, x.f FROM pg_stats s LEFT JOIN LATERAL (
            SELECT v, f FROM unnest(s.most_common_vals::text::{kind}[], s.most_common_freqs) AS m(v, f)
            UNION ALL SELECT v, NULL FROM unnest(s.histogram_bounds::text::{kind}[]) AS b(v)
        ) x ON true WHERE s.schemaname = {schema} AND s.tablename = {table} AND s.attname = {column} AND NOT s.inherited
        ORDER BY {order}, x.f NULLS FIRST
    """
    is_text = column is not None and column.kind.is_text
    kind: sql.Composable = sql.SQL("bigint") if column is None else type_of(column)
    return sql.SQL(template).format(
        value=text_expressions.text_of_key(sql.SQL("x.v")) if is_text else sql.SQL("x.v"),
        order=sql.SQL('x.v COLLATE "C"' if is_text else "x.v"),
        kind=sql.SQL("text") if is_text else kind,
        schema=sql.Literal(SCHEMA),
        table=sql.Literal(names.index(table.pk, column.pk) if column is not None and is_text else table.name),
        column=sql.Literal(names.SORT_KEY if is_text else column.name if column is not None else "id"),
    )


def blocks_of(table: Table) -> sql.Composed:
    """How many blocks the table's file has, and about how many records are in each (-1: not analysed yet)."""
    template = """
        SELECT pg_relation_size(oid) / current_setting('block_size')::integer,
               CASE WHEN reltuples > 0 AND relpages > 0 THEN reltuples / relpages ELSE -1 END
          FROM pg_class WHERE oid = to_regclass({})
    """
    return sql.SQL(template).format(sql.Literal(quoted(table.name)))


def copy_records(source: Table, target: Table, columns: Sequence[tuple[str, str]]) -> int:
    """Copy all records, ids included, into a table that is empty; returns how many.

    ``columns`` are pairs of names: in the source, in the target. The target's sequence goes on behind the last id.
    """
    theirs = sql.SQL(", ").join([sql.Identifier("id"), *(sql.Identifier(there) for there, _ in columns)])
    ours = sql.SQL(", ").join([sql.Identifier("id"), *(sql.Identifier(here) for _, here in columns)])
    copy = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}")
    advance = sql.SQL("SELECT setval({}::regclass, max(id)) FROM {} HAVING count(*) > 0")
    with connection.cursor() as cursor:
        cursor.execute(copy.format(qualified(target.name), ours, theirs, qualified(source.name)))
        count = int(cursor.rowcount)
        cursor.execute(advance.format(sql.Literal(quoted(names.sequence(target.pk))), qualified(target.name)))
    return count


def analyze(table: Table, *, patient: bool = True) -> sql.Composed:
    """``patient``: wait for whoever works on the table; otherwise skip a table in use."""
    return sql.SQL("ANALYZE {} {}").format(sql.SQL("" if patient else "(SKIP_LOCKED)"), qualified(table.name))


def estimate_anew(table: Table) -> sql.Composed:
    """Have PostgreSQL estimate anew how many records a block of the table holds, this transaction's own among them.

    To analyse the key alone reads the sample, but sorts no other column and makes no text's key (measured at 1,000,000
    records of six columns without indexes: half of the time). A table that is being analysed is skipped.
    """
    return sql.SQL("ANALYZE (SKIP_LOCKED) {} (id)").format(qualified(table.name))


# Pieces of definitions, used by CREATE and ALTER and by the shadow tables of imports.


def identity_definition(table_id: int) -> sql.Composable:
    return sql.SQL("id bigint GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME {}) NOT NULL").format(
        qualified(names.sequence(table_id))
    )


def primary_key(table_id: int) -> sql.Composable:
    return sql.SQL("CONSTRAINT {} PRIMARY KEY (id)").format(sql.Identifier(names.primary_key(table_id)))


def column_definition(column: Column | ColumnSpec) -> sql.Composable:
    """Name, type, default and NOT NULL; the other constraints have names and come from ``constraints``."""
    parts: list[sql.Composable] = [sql.Identifier(column.name), type_of(column)]
    if column.default is not None:
        parts.append(default_clause(column))
    if column.required:
        parts.append(sql.SQL("NOT NULL"))
    return sql.SQL(" ").join(parts)


def default_clause(column: Column | ColumnSpec) -> sql.Composable:
    return sql.SQL("DEFAULT {}::{}").format(_default(column), type_of(column))


def _default(column: Column | ColumnSpec) -> sql.Composable:
    return sql.Literal(None if column.default is None else column.kind.default_sql(column.default, column.parameters))


def cast_type(column: Column) -> sql.Composable:
    """The type to which a value's text is cast before it is assigned to the column."""
    return sql.SQL(column.kind.cast_type(column.parameters))


def default_keeps(column: Column) -> tuple[list[str], sql.Composed]:
    """The kinds of a column's checks, and a query that tells for each whether the default satisfies it."""
    checks = list(_checks(column))
    value = sql.SQL("{}::{} AS {}").format(_default(column), type_of(column), sql.Identifier(column.name))
    kept = sql.SQL(", ").join([check for _, check in checks] or [sql.SQL("true")])
    return [kind for kind, _ in checks], sql.SQL("SELECT {} FROM (SELECT {}) AS d").format(kept, value)


def constraints(column: Column) -> list[tuple[str, sql.Composable]]:
    """The named constraints of a column as (kind, ``CONSTRAINT … …``). Kind ``unique`` creates an index.

    Columns that are unique whatever the case have an index instead: see ``unique_index``.
    """
    found: list[tuple[str, sql.Composable]] = []
    name = sql.Identifier(column.name)
    if column.unique and not column.unique_ignores_case:
        found.append(("unique", _unique(column)))
    if column.references is not None:
        clause = sql.SQL("FOREIGN KEY ({}) REFERENCES {} (id)").format(name, qualified(column.references.name))
        found.append(("reference", _named(column, "reference", clause)))
    for kind, check in _checks(column):
        found.append((kind, _named(column, kind, sql.SQL("CHECK ({})").format(check))))
    return found


def drop_constraint(column: Column, kind: str) -> sql.Composable:
    """The action of ``alter`` that drops one of ``constraints``, if it is there."""
    return sql.SQL("DROP CONSTRAINT IF EXISTS {}").format(sql.Identifier(names.constraint(column.pk, kind)))


def checks(column: Column) -> list[sql.Composable]:
    """What each record's value of the column must fulfil, as expressions."""
    return [check for _, check in _checks(column)]


def checks_of(column: Column | ColumnSpec, of: str) -> Iterator[tuple[str, sql.Composable]]:
    """The same by kind, of the column in the relation ``of``."""
    yield from _checks(column, of)


def _checks(column: Column | ColumnSpec, of: str = "") -> Iterator[tuple[str, sql.Composable]]:
    name = sql.Identifier(*filter(None, (of, column.name)))
    limits: dict[str, Any] = column.constraints
    templates = {
        "minimum": "{} >= {}",
        "maximum": "{} <= {}",
        "exclusiveMinimum": "{} > {}",
        "exclusiveMaximum": "{} < {}",
        "minLength": "char_length({}) >= {}",
        "maxLength": "char_length({}) <= {}",
        "pattern": "{} ~ {}",
    }
    choices = column.kind.choices(column.parameters)
    if choices is not None:
        offered = [sql.Literal(choice) for choice in choices]
        yield "choice", (_several_of if column.kind.is_list else _one_of)(name, offered)
    for kind, template in templates.items():
        if kind in limits:
            yield kind, sql.SQL(template).format(name, _limit(column, kind))


def _limit(column: Column | ColumnSpec, rule: str) -> sql.Composable:
    said = column.constraints[rule]
    if rule in LIMITS and isinstance(said, str):
        said = column.kind.default_sql(said, column.parameters)
    return sql.Literal(said)


def _one_of(value: sql.Composable, offered: Sequence[sql.Composable]) -> sql.Composable:
    return sql.SQL("{} IN ({})").format(value, sql.SQL(", ").join(offered))


def _several_of(value: sql.Composable, offered: Sequence[sql.Composable]) -> sql.Composable:
    """The condition that a list holds only what is offered, and nothing twice."""
    if len(offered) <= _FEW_CHOICES:  # it holds as many texts as different choices
        found = sql.SQL(" + ").join(sql.SQL("({} = ANY({}))::int").format(choice, value) for choice in offered)
        # A NULL in a list would make this NULL, which a CHECK lets pass.
        return sql.SQL("coalesce(cardinality({0}) = {1}, {0} IS NULL)").format(value, found)
    repeats = sql.Identifier(names.FUNCTIONS, names.HAS_REPEATS)
    listed = sql.SQL(", ").join(offered)
    return sql.SQL("{0} <@ ARRAY[{1}] AND NOT {2}({0})").format(value, listed, repeats)


def _unique(column: Column) -> sql.Composable:
    return _named(column, "unique", sql.SQL("UNIQUE ({})").format(sql.Identifier(column.name)))


def _named(column: Column, kind: str, clause: sql.Composable) -> sql.Composable:
    return sql.SQL("CONSTRAINT {} {}").format(sql.Identifier(names.constraint(column.pk, kind)), clause)


def type_of(column: Column | ColumnSpec) -> sql.Composable:
    """The type in PostgreSQL."""
    # Built only from the registry's texts and integers.
    return sql.SQL(column.kind.postgres_type(column.parameters))


def alter(table: Table, actions: list[sql.Composable]) -> None:
    """``ALTER TABLE`` with all ``actions`` at once."""
    execute(sql.SQL("ALTER TABLE {} {}").format(qualified(table.name), sql.SQL(", ").join(actions)))
