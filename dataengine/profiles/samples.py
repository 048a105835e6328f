"""Samples of a table's records: the range of each column's values, and how often they occur.

The ORM cannot express TABLESAMPLE. A sample is some 10,000 records, read once for all columns: every tenth record on
some of the table's pages (neighbours resemble each other, so ten times as many pages give a better mix). It is the same
as long as the table does not change much, so that two looks agree.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, NamedTuple

import psycopg
from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connection
from django.db.models import QuerySet
from psycopg import sql

from dataengine.columns.types.aspects import Finite
from dataengine.models import Column, Table
from dataengine.postgres import ddl

# Up to so many records, all are read.
WHOLE_BELOW = 20_000
# So many records give the share of a value to within one hundredth.
WANTED = 10_000
MOST = 40_000
_SPREAD = 10
# Longer values are not categories, and PostgreSQL would have to fetch them from where it keeps large values.
_LONGEST_BYTES = 200
# Larger values are not stored in the record.
_INLINE_BYTES = 2_000
_PAGE_BYTES = 8192
_RECORDS_ON_A_PAGE = 60  # if PostgreSQL has not counted yet
_FINITE: dict[Finite, LiteralString] = {
    "values": "{0} IS NOT NULL",
    "numbers": "{0} > '-Infinity'::{1} AND {0} < 'Infinity'::{1}",
    "moments": "isfinite({0})",
}


@dataclass(frozen=True, slots=True)
class Span:
    """One column in a sample: the number of values and, for ordered types that have any, the minimum, percentiles 1
    and 99, and maximum as PostgreSQL writes them (without infinities and NaN).
    """

    values: int
    reach: tuple[str, str, str, str] | None


class Value(NamedTuple):
    """A value as PostgreSQL writes it, and how many records of the sample have it."""

    text: str
    records: int


@dataclass(frozen=True, slots=True)
class Top:
    """The commonest values of a column in a sample; ``distinct`` counts the different ones in ``records`` records.

    Long values are left out, so ``records`` may be fewer than those with a value.
    """

    values: list[Value]
    distinct: int
    records: int


class Sample:
    """Some of a table's records, or all of a small table's.

    ``size`` is their number, ``total`` about the number in the table; both are known after ``spans``.
    """

    def __init__(self, table: Table, columns: Sequence[Column], found: QuerySet[Any] | None = None) -> None:
        """``found`` are the records to look at, if not all."""
        self.columns = list(columns)
        about, self._share = _share_to_read(table)
        only: sql.Composable = sql.SQL("")
        if found is not None:
            only = _condition(found)
            if self._share < 1:
                about = _planned(found)
                self._share = 1.0 if about <= WHOLE_BELOW else min(1.0, WANTED / about)
        self.size = 0
        self._about = about
        part: sql.Composable = sql.SQL("")
        if self._share < 1:
            seed = zlib.crc32(table.name.encode())
            part = sql.SQL(" TABLESAMPLE SYSTEM ({}) REPEATABLE ({}) WHERE hashint8(id) % {} = 0").format(
                sql.Literal(min(100.0, 100 * _SPREAD * self._share)), sql.Literal(seed), sql.Literal(_SPREAD)
            )
        if found is not None:
            part += sql.SQL(" AND {}" if self._share < 1 else " WHERE {}").format(only)
        self._with = sql.SQL("WITH sample AS MATERIALIZED (SELECT {} FROM {}{} LIMIT {}) ").format(
            sql.SQL(", ").join([sql.SQL("1 AS one"), *(sql.Identifier(column.name) for column in columns)]),
            ddl.qualified(table.name),
            part,
            sql.Literal(MOST),
        )

    @property
    def is_whole(self) -> bool:
        """Whether the sample is the whole table."""
        return self._share >= 1 and self.size < MOST

    @property
    def total(self) -> int:
        """About how many records the table has; exact if the sample is the whole table."""
        if self.is_whole:
            return self.size
        return max(self._about or round(self.size / self._share), self.size)

    def spans(self, ordered: Sequence[Column]) -> dict[int, Span]:
        """By key of the column: the number of values, with their range for those in ``ordered``."""
        wanted = {column.pk for column in ordered}
        parts: list[sql.Composable] = [sql.SQL("count(*)")]
        for column in self.columns:
            parts.append(sql.SQL("count({})").format(sql.Identifier(column.name)))
            parts.append(_reach(column) if column.pk in wanted else sql.SQL("NULL"))
        statement = self._with + sql.SQL("SELECT {} FROM sample").format(sql.SQL(", ").join(parts))
        with connection.cursor() as cursor:
            cursor.execute(statement)
            [self.size, *found] = cursor.fetchone() or [0]
        pairs = zip(found[::2], found[1::2], strict=True)
        return {
            column.pk: Span(count, (reach[0], reach[1], reach[2], reach[3]) if reach else None)
            for column, (count, reach) in zip(self.columns, pairs, strict=True)
        }

    def counts(
        self, edges: Mapping[Column, Sequence[str]], categories: Sequence[Column], *, most: int
    ) -> tuple[dict[int, dict[int, int]], dict[int, Top]]:
        """By key of the column: how many values lie in each bucket between ``edges`` (bucket 0 is below the first,
        the last at or above the last); and the ``most`` commonest values of ``categories``. One statement for all.
        """
        parts = [_histogram(column, limits) for column, limits in edges.items()]
        parts += [_top(column, most) for column in categories]
        buckets: dict[int, dict[int, int]] = {column.pk: {} for column in edges}
        tops: dict[int, Top] = {column.pk: Top([], 0, 0) for column in categories}
        if not parts:
            return buckets, tops
        with connection.cursor() as cursor:
            cursor.execute(self._with + sql.SQL(" UNION ALL ").join(parts))
            for key, text, count, distinct, records in cursor.fetchall():
                if key in buckets:
                    buckets[key][int(text)] = count
                else:
                    tops[key] = Top([*tops[key].values, Value(text, count)], distinct, int(records))
        return buckets, tops

    def lengths(self, columns: Sequence[Column]) -> dict[int, dict[int | None, int]]:
        """By key of the column: how many texts have each length, in characters; None for those that are kept apart,
        which PostgreSQL would have to fetch and unpack.
        """
        parts = [
            sql.SQL(
                "(SELECT {key}, CASE WHEN pg_column_size({name}) <= {longest} THEN char_length({name}) END, count(*)"
                " FROM sample WHERE {name} IS NOT NULL GROUP BY 2)"
            ).format(key=sql.Literal(column.pk), name=sql.Identifier(column.name), longest=sql.Literal(_INLINE_BYTES))
            for column in columns
        ]
        found: dict[int, dict[int | None, int]] = {column.pk: {} for column in columns}
        with connection.cursor() as cursor:
            cursor.execute(self._with + sql.SQL(" UNION ALL ").join(parts))
            for key, length, count in cursor.fetchall():
                found[key][length] = count
        return found


def _condition(found: QuerySet[Any]) -> sql.Composable:
    """What ``found`` selects, as a condition with its values in it, for a query of the same table."""
    query = found.order_by().query
    try:
        text, parameters = query.get_compiler(connection=connection).compile(query.where)
    except EmptyResultSet:
        return sql.SQL("false")
    except FullResultSet:
        return sql.SQL("true")
    connection.ensure_connection()
    return sql.SQL("({})").format(sql.SQL(psycopg.ClientCursor(connection.connection).mogrify(text, parameters)))


def _planned(found: QuerySet[Any]) -> int:
    """The planner's estimate of how many these are."""
    plan = found.order_by().explain(format="json")
    return int(json.loads(plan)[0]["Plan"]["Plan Rows"]) if plan else 0


def _share_to_read(table: Table) -> tuple[int | None, float]:
    """About how many records the table has, None if PostgreSQL has not counted yet; and the share to read."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.reltuples, c.relpages, pg_relation_size(c.oid) / %s
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = %s AND c.relkind = 'r' AND c.relname = %s
            """,
            [_PAGE_BYTES, ddl.SCHEMA, table.name],
        )
        counted, counted_pages, pages = cursor.fetchone() or (0, 0, 0)
    is_known = counted > 0 and counted_pages > 0
    about = int(pages * (counted / counted_pages if is_known else _RECORDS_ON_A_PAGE))
    return about if is_known else None, 1.0 if about <= WHOLE_BELOW else WANTED / about


def _finite(column: Column) -> sql.Composable:
    """The condition that a value can be drawn among others."""
    name = sql.Identifier(column.name)
    return sql.SQL(_FINITE[column.kind.finite]).format(name, sql.SQL(column.kind.postgres_type({})))


def _reach(column: Column) -> sql.Composable:
    return sql.SQL(
        "(percentile_disc(ARRAY[0, 0.01, 0.99, 1]) WITHIN GROUP (ORDER BY {}) FILTER (WHERE {}))::text[]"
    ).format(sql.Identifier(column.name), _finite(column))


def _histogram(column: Column, limits: Sequence[str]) -> sql.Composable:
    return sql.SQL(
        "(SELECT {key} AS key, width_bucket({name}, {limits}::text[]::{kind}[])::text AS text, count(*) AS count,"
        " 0 AS different, 0::numeric AS records FROM sample WHERE {finite} GROUP BY 2)"
    ).format(
        key=sql.Literal(column.pk),
        name=sql.Identifier(column.name),
        limits=sql.Literal(list(limits)),
        kind=sql.SQL(column.kind.postgres_type({})),
        finite=_finite(column),
    )


def _top(column: Column, most: int) -> sql.Composable:
    if column.kind.chart == "items":
        return _top_items(column, most)
    return sql.SQL(
        "(SELECT {key}, {text}, count(*), count(*) OVER (), sum(count(*)) OVER () FROM sample"
        " WHERE pg_column_size({name}) <= {longest} GROUP BY {name} ORDER BY 3 DESC, 2 LIMIT {most})"
    ).format(
        key=sql.Literal(column.pk),
        name=sql.Identifier(column.name),
        text=sql.SQL(column.kind.value_sql).format(sql.Identifier(column.name)),
        longest=sql.Literal(_LONGEST_BYTES),
        most=sql.Literal(most),
    )


def _top_items(column: Column, most: int) -> sql.Composable:
    """The same for what lists hold: in how many records each text occurs, of all that have any value."""
    return sql.SQL(
        "(SELECT {key}, item, count(DISTINCT place), count(*) OVER (), (SELECT count({name}) FROM sample)"
        " FROM (SELECT row_number() OVER () AS place, {name} AS items FROM sample) AS s, unnest(s.items) AS item"
        " WHERE pg_column_size(item) <= {longest} GROUP BY item ORDER BY 3 DESC, 2 LIMIT {most})"
    ).format(
        key=sql.Literal(column.pk),
        name=sql.Identifier(column.name),
        longest=sql.Literal(_LONGEST_BYTES),
        most=sql.Literal(most),
    )
