"""What became of a column's values since a change: which were changed again, and putting the others back. All SQL."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection
from psycopg import sql

from dataengine.models import AuditEvent, Column, RecordChange, Table
from dataengine.postgres import ddl
from dataengine.postgres.column_values import ColumnValues
from dataengine.postgres.statements import copy_into, run, value

_CHANGES = sql.Identifier(RecordChange._meta.db_table)
_SINCE = sql.Identifier("pg_temp", "tk:since")
_BACK = sql.Identifier("pg_temp", "tk:back")
_NAMED = 20


def in_doubt(records: sql.Composable, event: AuditEvent, old: str, new: str, *, needs_value: bool) -> sql.Composed:
    """Those of ``records`` of which it does not show at a glance that they say what ``event`` has made of them.

    It does where ``new`` is written just like the text in ``old``, or where both say nothing, which is how most records
    are: they need not be converted again. NaN and infinities are no numbers to conversions, so they do not count, nor
    does what failed, which has images.
    """
    return sql.SQL(
        "(SELECT * FROM {records} AS t WHERE (CASE WHEN t.{old} IS NULL THEN t.{new} IS NULL AND NOT {needs_value}"
        " ELSE t.{new}::text COLLATE \"C\" = t.{old}::text AND right(t.{new}::text, 1) BETWEEN '0' AND '9' END)"
        " IS NOT TRUE OR EXISTS (SELECT FROM {changes} c WHERE c.event_id = {event} AND c.record_id = t.id))"
    ).format(
        records=records,
        old=sql.Identifier(old),
        new=sql.Identifier(new),
        needs_value=sql.Literal(needs_value),
        changes=_CHANGES,
        event=sql.Literal(event.pk),
    )


class Since:
    """The records whose value was changed since a change of a column, as far as they are ``among`` a relation."""

    def __init__(self, table: Table, among: sql.Composable | None = None) -> None:
        self.table = table
        self._place = among or ddl.qualified(table.name)
        run(sql.SQL("DROP TABLE IF EXISTS {}").format(_SINCE))
        run(sql.SQL("CREATE TEMP TABLE {} (id bigint PRIMARY KEY) ON COMMIT DROP").format(_SINCE))

    def find_among_all(
        self, event: AuditEvent, attribute: str, values: ColumnValues, new: str, *, needs_value: bool
    ) -> None:
        """Find them where every value was written anew.

        ``values`` are what the values in the column ``values.old.name`` become, ``new`` is the column in which they
        should be; ``event`` has the images of those that failed. With ``needs_value`` records that have no old value
        count, too.
        """
        template = """
            INSERT INTO {since} SELECT t.id FROM {table} t JOIN {relation} v ON v.id = t.id
              LEFT JOIN {changes} c ON c.event_id = {event} AND c.record_id = t.id
             WHERE CASE WHEN c.record_id IS NULL THEN t.{new}::text IS DISTINCT FROM v.{value}::text
                   ELSE t.{old}::text IS DISTINCT FROM c.before ->> {attribute}
                     OR t.{new}::text IS DISTINCT FROM c.after ->> {attribute} END {lacking}
        """
        old = sql.Identifier(values.old.name)
        run(
            sql.SQL(template).format(
                since=_SINCE,
                table=self._place,
                relation=values.relation,
                changes=_CHANGES,
                event=sql.Literal(event.pk),
                attribute=sql.Literal(attribute),
                new=sql.Identifier(new),
                old=old,
                value=sql.Identifier(values.new.name),
                lacking=sql.SQL("OR t.{} IS NULL").format(old) if needs_value else sql.SQL(""),
            )
        )

    def find_among_changed(self, event: AuditEvent, column: Column) -> None:
        """Find them among the records whose value the event changed. ``column`` has its present name."""
        run(
            sql.SQL(
                "INSERT INTO {} SELECT t.id FROM {} t JOIN {} c ON c.record_id = t.id"
                " WHERE c.event_id = {} AND t.{}::text IS DISTINCT FROM c.after ->> {}"
            ).format(
                _SINCE,
                ddl.qualified(self.table.name),
                _CHANGES,
                sql.Literal(event.pk),
                sql.Identifier(column.name),
                sql.Literal(column.attribute),
            )
        )

    def find_failing(self, event: AuditEvent, failing: sql.Composable) -> int:
        """Add the records whose value may not go back, as the query ``failing`` has it; returns how many.

        Those that the event changed, and nobody since, get another value anyway.
        """
        return run(
            sql.SQL(
                "INSERT INTO {0} SELECT f.id FROM ({1}) f WHERE NOT EXISTS (SELECT FROM {2} c WHERE c.event_id = {3}"
                " AND c.record_id = f.id) OR f.id IN (SELECT id FROM {0}) ON CONFLICT DO NOTHING"
            ).format(_SINCE, failing, _CHANGES, sql.Literal(event.pk))
        )

    def count(self) -> int:
        return int(value(sql.SQL("SELECT count(*) FROM {}").format(_SINCE)))

    def ids(self) -> list[int]:
        """The first of them."""
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("SELECT id FROM {} ORDER BY id LIMIT {}").format(_SINCE, sql.Literal(_NAMED)))
            return [row[0] for row in cursor.fetchall()]

    def records(self, column: str) -> sql.Composed:
        """A relation of their ids and values in a column."""
        return sql.SQL("(SELECT id, {} FROM {} AS t WHERE id IN (SELECT id FROM {})) AS since").format(
            sql.Identifier(column), self._place, _SINCE
        )

    @property
    def query(self) -> sql.Composed:
        """A query of their ids."""
        return sql.SQL("SELECT id FROM {}").format(_SINCE)

    def put(self, column: Column, copies: Iterable[bytes | memoryview], name: str) -> None:
        """Give them values from a binary COPY (``ColumnConversion.encoded``), in the column ``name``."""
        run(sql.SQL("DROP TABLE IF EXISTS {}").format(_BACK))
        run(
            sql.SQL("CREATE TEMP TABLE {} (id bigint, value {}, failed boolean, same boolean) ON COMMIT DROP").format(
                _BACK, ddl.type_of(column)
            )
        )
        copy_into(_BACK, ["id", "value", "failed", "same"], copies)
        run(
            sql.SQL("UPDATE {} t SET {} = b.value FROM {} b WHERE b.id = t.id").format(
                ddl.qualified(self.table.name), sql.Identifier(name), _BACK
            )
        )

    def put_back(self, event: AuditEvent, column: Column) -> None:
        """Give the others the values that they had before the event, in ``column`` as it is now."""
        run(
            sql.SQL(
                "UPDATE {} t SET {} = (c.before ->> {})::{} FROM {} c"
                " WHERE c.event_id = {} AND c.record_id = t.id AND t.id NOT IN (SELECT id FROM {})"
            ).format(
                ddl.qualified(self.table.name),
                sql.Identifier(column.name),
                sql.Literal(column.attribute),
                ddl.cast_type(column),
                _CHANGES,
                sql.Literal(event.pk),
                _SINCE,
            )
        )
