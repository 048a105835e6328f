"""PostgreSQL's statistics: how tables and indexes are used, and how large they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from dataengine.postgres import ddl, trash


@dataclass(frozen=True, slots=True)
class TableCounts:
    """Statistics of one table since the last reset.

    ``written`` records were inserted, updated or deleted, ``scanned`` were read by sequential scans. ``live`` is the
    approximate number of records, ``bytes`` the size of the table without its indexes.
    """

    written: int
    scanned: int
    live: int
    bytes: int


def counts_of(table_names: Sequence[str]) -> dict[str, TableCounts]:
    """Statistics by table name."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del, seq_tup_read, n_live_tup, pg_table_size(relid)"
            " FROM pg_stat_user_tables WHERE schemaname = %s AND relname = ANY(%s)",
            [ddl.SCHEMA, list(table_names)],
        )
        return {name: TableCounts(*counts) for name, *counts in cursor.fetchall()}


def large_tables(least: int) -> list[str]:
    """The names of the tables with more than ``least`` records, by PostgreSQL's estimate."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = %s AND c.relkind = 'r' AND c.reltuples > %s",
            [ddl.SCHEMA, least],
        )
        return [name for (name,) in cursor.fetchall()]


def index_bytes(index_names: Sequence[str]) -> int:
    """The total size of those of these indexes that exist."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(pg_relation_size(c.oid)), 0) FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = ANY(%s)",
            [ddl.SCHEMA, list(index_names)],
        )
        return int(cursor.fetchone()[0])


def table_bytes(table_names: Sequence[str]) -> int:
    """The total size of those of these tables that exist, also in the trash, with all that belongs to them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = ANY(%s) AND c.relkind = 'r' AND c.relname = ANY(%s)",
            [[ddl.SCHEMA, trash.SCHEMA], list(table_names)],
        )
        return int(cursor.fetchone()[0])


def mean_width(table_name: str, column_names: Sequence[str]) -> int:
    """The average size of these columns in one record; 0 if the table was never analysed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(avg_width * (1 - null_frac)), 0) FROM pg_stats"
            " WHERE schemaname = %s AND tablename = %s AND attname = ANY(%s) AND NOT inherited",
            [ddl.SCHEMA, table_name, list(column_names)],
        )
        return int(cursor.fetchone()[0])


def different_values(table_name: str, column_name: str) -> float | None:
    """About how many different values a column has; None if the table was never analysed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT CASE WHEN s.n_distinct < 0 THEN -s.n_distinct * greatest(c.reltuples, 0) ELSE s.n_distinct END"
            " FROM pg_stats s JOIN pg_namespace n ON n.nspname = s.schemaname"
            " JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = s.tablename"
            " WHERE s.schemaname = %s AND s.tablename = %s AND s.attname = %s AND NOT s.inherited"
            " AND s.n_distinct <> 0",
            [ddl.SCHEMA, table_name, column_name],
        )
        row = cursor.fetchone()
        return None if row is None else float(row[0])


def last_uses(index_names: Sequence[str]) -> dict[str, datetime]:
    """When each of these indexes was last used; without those that were not used since the last reset."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexrelname, last_idx_scan FROM pg_stat_user_indexes"
            " WHERE schemaname = %s AND indexrelname = ANY(%s) AND last_idx_scan IS NOT NULL",
            [ddl.SCHEMA, list(index_names)],
        )
        return dict(cursor.fetchall())


def is_mighty() -> bool:
    """Whether our role could do on the server itself what no statement of ours needs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper OR rolcreaterole OR EXISTS (SELECT FROM pg_roles r WHERE r.rolname IN"
            " ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files')"
            " AND pg_has_role(current_user, r.oid, 'MEMBER')) FROM pg_roles WHERE rolname = current_user"
        )
        return bool(cursor.fetchone()[0])


def has_trigrams() -> bool:
    """Whether the server has pg_trgm, installed or not."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm')")
        return bool(cursor.fetchone()[0])
