"""Takes what an import did to records back, and does it again: in a few statements, however many records there are.

Records that the import made are moved, with all their values, into a table beside the trash, from where they can come
back. Records that it updated or removed have images with its event (``before_after.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from psycopg import sql

from dataengine.models import AuditEvent, Column, ImportedSpan, ImportJob
from dataengine.postgres import ddl, kept_records, names, writers
from dataengine.postgres.images import CHANGES, image
from dataengine.postgres.statements import run, value
from dataengine.records.bulk_updates import without_unique_values
from dataengine.records.model import Record

_EVENTS = sql.Identifier(AuditEvent._meta.db_table)
_SPANS = sql.Identifier(ImportedSpan._meta.db_table)
_RANGES_COMPARED = 20
"""So many ranges of ids are compared one by one; of more, the one that may hold an id is looked up."""
_NAMED = 20
_ALL = sql.SQL("true")

type Ranges = Sequence[tuple[int, int]]


@dataclass(slots=True)
class Imported:
    """What one import did to the records of ``model``. ``columns`` are all that the table has, hidden ones included."""

    job: ImportJob
    model: type[Record]
    columns: Sequence[Column]
    ranges: Ranges
    """The ids of the records that it made."""
    is_own: bool = True
    """Whether they are in the import's own table, and not in one to which its rows refer."""
    has_changed: bool = False
    """Whether ``keep_changed`` found any."""

    # Looking ------------------------------------------------------------------------------------------------------

    def changed(self, event: AuditEvent, *, with_made: bool = True, with_others: bool = False) -> tuple[int, list[int]]:
        """How many records are not any more as ``event`` left them, and the ids of the first of them.

        ``with_made``: also those that the import made. What they were is known from the first event that changed them.
        ``with_others``: records that it did not make count as changed.
        """
        query = self._changed_since(event, with_made=with_made, with_others=with_others)
        count, ids = 0, []
        with connection.cursor() as cursor:
            cursor.execute(
                sql.SQL("SELECT count(*), (array_agg(id ORDER BY id))[:{}] FROM ({}) AS f (id)").format(
                    sql.Literal(_NAMED), query
                )
            )
            count, ids = cursor.fetchone()
        return count, ids or []

    def needed(self, event: AuditEvent) -> tuple[int, list[int], list[Column]]:
        """Of the records that it made, those to which records refer that stay when ``event`` is undone.

        How many, the ids of the first of them, and the columns that refer to them.
        """
        given_back = sql.SQL(
            "EXISTS (SELECT FROM {} AS c WHERE c.event_id = {} AND c.record_id = h.id AND c.after ? {})"
        )
        columns, queries = list(self._referring()), []
        for column in columns:
            stays: sql.Composable = _ALL
            if column.references_id == column.table_id:
                own = given_back.format(CHANGES, sql.Literal(event.pk), sql.Literal(column.attribute))
                stays = sql.SQL("NOT ({} OR {})").format(self._is_made("h", "id"), own)
            [ids] = self._referred_to([column], stays)
            queries.append(sql.SQL("SELECT id, {} FROM ({}) AS r (id)").format(sql.Literal(column.pk), ids))
        if not queries:
            return 0, [], []
        with connection.cursor() as cursor:
            cursor.execute(
                sql.SQL(
                    "SELECT count(DISTINCT id), (array_agg(DISTINCT id))[:{}], array_agg(DISTINCT of)"
                    " FROM ({}) AS f (id, of)"
                ).format(sql.Literal(_NAMED), sql.SQL(" UNION ALL ").join(queries))
            )
            count, found, of = cursor.fetchone()
        return count, found or [], [column for column in columns if column.pk in (of or ())]

    @property
    def is_referred_to(self) -> bool:
        """Whether another table has a column for references to these records."""
        return self._referring().exclude(table=self.model.table).exists()

    def keep_changed(self, event: AuditEvent, *, with_made: bool, with_others: bool = False) -> int:
        """Keep the ids of ``changed`` until the end of the transaction, and leave these records alone."""
        return self._keep(self._changed_since(event, with_made=with_made, with_others=with_others))

    def keep_needed(self) -> int:
        """The same with records that the import made and that were changed since, or that others refer to."""
        return self._keep(sql.SQL(" UNION ").join([self._made_changed(), *self._referred_to(self._referring())]))

    def keep_needed_too(self) -> int:
        """Keep, besides, what records of other tables refer to, and those that are kept; returns how many more."""
        others = self._referring().exclude(table=self.model.table)
        own = self._referring().filter(table=self.model.table)
        kept = sql.SQL("h.id IN (SELECT id FROM {})").format(self._changed)
        more = found = self._keep_more(self._referred_to(others) + self._referred_to(own, kept))
        while found:
            found = self._keep_more(self._referred_to(own, kept))
            more += found
        self.has_changed |= more > 0
        return more

    def _referring(self) -> QuerySet[Column]:
        return Column.objects.filter(references=self.model.table, table__trashed_at=None).select_related("table")

    def _referred_to(self, by: Iterable[Column], which: sql.Composable = _ALL) -> list[sql.Composable]:
        """The records that the import made to which others ``h`` refer."""
        return [
            sql.SQL("SELECT h.{0} FROM {1} AS h WHERE {2} AND {3}").format(
                sql.Identifier(column.name), ddl.qualified(column.table.name), self._is_made("h", column.name), which
            )
            for column in by
        ]

    def _keep_more(self, queries: Sequence[sql.Composable]) -> int:
        if not queries:
            return 0
        return run(
            sql.SQL("INSERT INTO {} SELECT * FROM ({}) AS f (id) ON CONFLICT DO NOTHING").format(
                self._changed, sql.SQL(" UNION ").join(queries)
            )
        )

    def _keep(self, query: sql.Composable) -> int:
        run(sql.SQL("DROP TABLE IF EXISTS {}").format(self._changed))
        run(sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT * FROM ({}) AS f (id)").format(self._changed, query))
        run(sql.SQL("ALTER TABLE {} ADD PRIMARY KEY (id)").format(self._changed))
        count = int(value(sql.SQL("SELECT count(*) FROM {}").format(self._changed)))
        self.has_changed = count > 0
        return count

    def some_changed(self) -> list[int]:
        """The first ids of ``keep_changed``."""
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("SELECT id FROM {} ORDER BY id LIMIT {}").format(self._changed, sql.Literal(_NAMED)))
            return [row[0] for row in cursor.fetchall()]

    def lock(self, event: AuditEvent) -> None:
        """Lock the records of which ``event`` has images, in the order of their ids."""
        run(
            sql.SQL(
                "SELECT FROM {} WHERE id IN (SELECT record_id FROM {} WHERE event_id = {}) ORDER BY id FOR UPDATE"
            ).format(self._table, CHANGES, sql.Literal(event.pk))
        )

    def later_changes(self) -> int:
        """How many changes of the records that the import made there are: grows with each, and never shrinks."""
        return int(value(sql.SQL("SELECT count(*) FROM ({}) AS touched").format(self._touched())))

    # Records that the import made ---------------------------------------------------------------------------------

    def remove_made(self) -> int:
        """Move the records that the import made, but for the changed ones, out of the table; returns how many."""
        if not self.ranges:
            return 0
        condition = sql.SQL("{} AND {}").format(self._is_made("r", "id"), self._is_unchanged("r", "id"))
        kept = kept_records.keep(self.job.pk, self.model.table, self.columns, condition)
        if kept:
            run(sql.SQL("DELETE FROM {} AS r WHERE {}").format(self._table, condition))
        return kept

    def bring_made_back(self) -> int:
        """Undo ``remove_made``. Columns made since get their defaults."""
        restored = kept_records.bring_back(self.job.pk, self.model.table, self.columns)
        writers.note(self.model.table, list(self.job.spans.values_list("pk", flat=True)))
        return restored

    # Records that it updated or removed ---------------------------------------------------------------------------

    def reverse(self, event: AuditEvent, of: AuditEvent) -> int:
        """Store for ``event`` the images of ``of`` the other way round, but for changed records; returns how many."""
        return run(
            sql.SQL(
                "INSERT INTO {0} (event_id, record_id, before, after, line)"
                " SELECT {1}, c.record_id, c.after, c.before, c.line FROM {0} AS c"
                " WHERE c.event_id = {2} AND {3} ORDER BY c.record_id"
            ).format(CHANGES, sql.Literal(event.pk), sql.Literal(of.pk), self._is_unchanged("c", "record_id"))
        )

    def delete(self, event: AuditEvent) -> None:
        """Delete the records that have no image after ``event``."""
        run(
            sql.SQL(
                "DELETE FROM {} AS r USING {} AS c WHERE c.event_id = {} AND c.after IS NULL AND r.id = c.record_id"
            ).format(self._table, CHANGES, sql.Literal(event.pk))
        )

    def let_go(self, event: AuditEvent) -> None:
        """Clear references among records of ``event`` until ``hold_again``: whom they mean may have to go or come.

        Where there has to be one, a record refers to itself meanwhile.
        """
        for column in self._own_references(event):
            ddl.suspend_required(self.model.table, [column] if column.unique else [], suspended=True)
            meanwhile = sql.SQL("r.id") if column.required and not column.unique else sql.SQL("NULL")
            run(
                sql.SQL(
                    "UPDATE {} AS r SET {} = {} FROM {} AS c WHERE {} AND c.after ? {} AND r.id = c.record_id"
                ).format(
                    self._table,
                    sql.Identifier(column.name),
                    meanwhile,
                    CHANGES,
                    _updated_by(event),
                    sql.Literal(column.attribute),
                )
            )

    def hold_again(self, event: AuditEvent) -> None:
        """Give these records the references that they have after ``event``."""
        columns = self._own_references(event)
        if columns:
            self._write(event, columns)
            ddl.suspend_required(self.model.table, [each for each in columns if each.unique], suspended=False)

    def write_values(self, event: AuditEvent) -> None:
        """Give the records of ``event`` their values after it, but for references among themselves."""
        own = self._own_references(event)
        columns = [column for column in self._columns_of(event) if column not in own]
        if not columns:
            return
        unique = [column for column in columns if column.unique]
        with suppress(*([IntegrityError] if unique else [])):
            with transaction.atomic():
                self._write(event, columns)
            return
        ids = {
            column: sql.SQL("SELECT c.record_id FROM {} AS c WHERE {} AND c.after ? {}").format(
                CHANGES, _updated_by(event), sql.Literal(column.attribute)
            )
            for column in unique
        }
        with without_unique_values(self.model, ids):
            self._write(event, columns)

    def _write(self, event: AuditEvent, columns: Sequence[Column]) -> None:
        settings = [
            sql.SQL("{0} = CASE WHEN c.after ? {1} THEN {2} ELSE r.{0} END").format(
                sql.Identifier(column.name), sql.Literal(column.attribute), _value_after(column)
            )
            for column in columns
        ]
        run(
            sql.SQL("UPDATE {} AS r SET {} FROM {} AS c WHERE {} AND r.id = c.record_id").format(
                self._table, sql.SQL(", ").join(settings), CHANGES, _updated_by(event)
            )
        )

    def insert(self, event: AuditEvent) -> None:
        """Insert the records that have no image before ``event``, with their ids."""
        columns = self._columns_of(event)
        listed = sql.SQL(", ").join(sql.Identifier(name) for name in ["id", *(column.name for column in columns)])
        cells = sql.SQL(", ").join([sql.SQL("c.record_id"), *(_value_after(column) for column in columns)])
        run(
            sql.SQL(
                "INSERT INTO {} ({}) SELECT {} FROM {} AS c WHERE c.event_id = {} AND c.before IS NULL"
                " ORDER BY c.record_id"
            ).format(self._table, listed, cells, CHANGES, sql.Literal(event.pk))
        )

    # SQL ----------------------------------------------------------------------------------------------------------

    @property
    def _table(self) -> sql.Composable:
        return ddl.qualified(self.model.table.name)

    @property
    def _changed(self) -> sql.Composable:
        return sql.Identifier("pg_temp", names.temporary(self.job.pk, "changed"))

    def _columns_of(self, event: AuditEvent) -> list[Column]:
        return [column for column in self.columns if column.attribute in event.details["columns"]]

    def _own_references(self, event: AuditEvent) -> list[Column]:
        return [column for column in self._columns_of(event) if column.references_id == self.model.table.pk]

    def _dropped(self, images: sql.Composable) -> sql.Composable:
        """The images without what columns held that are gone."""
        known = sql.Literal([column.attribute for column in self.columns])
        return sql.SQL("({0} - ARRAY(SELECT k FROM jsonb_object_keys({0}) k WHERE k <> ALL ({1}::text[])))").format(
            images, known
        )

    def _is_made(self, alias: str, name: str) -> sql.Composable:
        record = sql.Identifier(alias, name)
        if not self.ranges:
            return sql.SQL("false")
        if len(self.ranges) > _RANGES_COMPARED and not self.is_own:
            listed = ",".join(f"[{low},{high}]" for low, high in self.ranges)
            return sql.SQL("coalesce({} <@ {}::int8multirange, false)").format(record, sql.Literal(f"{{{listed}}}"))
        if len(self.ranges) > _RANGES_COMPARED:
            return sql.SQL(
                "coalesce({0} <= (SELECT s.last_id FROM {1} s WHERE s.job_id = {2} AND s.first_id <= {0}"
                " ORDER BY s.first_id DESC LIMIT 1), false)"
            ).format(record, _SPANS, sql.Literal(self.job.pk))
        compared = [
            sql.SQL("{} BETWEEN {} AND {}").format(record, sql.Literal(low), sql.Literal(high))
            for low, high in self.ranges
        ]
        return sql.SQL("({})").format(sql.SQL(" OR ").join(compared))

    def _is_unchanged(self, alias: str, name: str) -> sql.Composable:
        if not self.has_changed:
            return sql.SQL("true")
        return sql.SQL("NOT EXISTS (SELECT FROM {} AS f WHERE f.id = {})").format(
            self._changed, sql.Identifier(alias, name)
        )

    def _changed_since(self, event: AuditEvent, *, with_made: bool, with_others: bool) -> sql.Composable:
        queries = [self._images_changed(event)]
        if with_made and self.ranges:
            queries.append(self._made_changed())
            if not self._events_since.filter(action__startswith="column.").exists():  # which write no images
                queries.append(self._made_written())
        if with_others:
            others = sql.SQL("SELECT r.id FROM {} AS r WHERE NOT {}").format(self._table, self._is_made("r", "id"))
            queries.append(others)
        return sql.SQL(" UNION ").join(queries)

    def _images_changed(self, event: AuditEvent) -> sql.Composable:
        return sql.SQL(
            "SELECT c.record_id FROM {} AS c LEFT JOIN {} AS r ON r.id = c.record_id WHERE c.event_id = {}"
            " AND CASE WHEN c.after IS NULL THEN r.id IS NOT NULL ELSE r.id IS NULL OR NOT {} @> {} END"
        ).format(
            CHANGES,
            self._table,
            sql.Literal(event.pk),
            image(self._columns_of(event)) if self._columns_of(event) else sql.SQL("'{}'::jsonb"),
            self._dropped(sql.SQL("c.after")),
        )

    def _touched(self) -> sql.Composable:
        """What other events did to the records that the import made. All of these came after it."""
        return sql.SQL(
            "SELECT c.record_id, c.event_id, c.before FROM {} AS c JOIN {} AS e ON e.id = c.event_id"
            " WHERE e.table_id = {} AND e.created_at >= {} AND c.before IS NOT NULL AND {}"
            " AND NOT (starts_with(e.action, 'import.') AND e.details -> 'import' = to_jsonb({}::bigint))"
        ).format(
            CHANGES,
            _EVENTS,
            sql.Literal(self.model.table.pk),
            sql.Literal(self.job.started_at or self.job.created_at),
            self._is_made("c", "record_id"),
            sql.Literal(self.job.pk),
        )

    @property
    def _events_since(self) -> QuerySet[AuditEvent]:
        since = self.job.started_at or self.job.created_at
        return AuditEvent.objects.filter(table=self.model.table, created_at__gte=since)

    def _made_written(self) -> sql.Composable:
        """Records that were written since by whoever left no image: programs that speak to PostgreSQL."""
        return sql.SQL(
            "SELECT w.id FROM ({}) AS w WHERE NOT EXISTS (SELECT FROM {} AS c JOIN {} AS e ON e.id = c.event_id"
            " WHERE c.record_id = w.id AND e.table_id = {} AND e.created_at >= {})"
        ).format(
            writers.written_since(self.job.pk, self.model.table),
            CHANGES,
            _EVENTS,
            sql.Literal(self.model.table.pk),
            sql.Literal(self.job.started_at or self.job.created_at),
        )

    def _made_changed(self) -> sql.Composable:
        return sql.SQL(
            "SELECT was.record_id FROM ("
            " SELECT record_id, jsonb_object_agg(key, value) AS image FROM ("
            " SELECT DISTINCT ON (record_id, key) record_id, key, value FROM ({}) AS touched, jsonb_each(before)"
            " ORDER BY record_id, key, event_id) AS first GROUP BY record_id) AS was"
            " LEFT JOIN {} AS r ON r.id = was.record_id WHERE r.id IS NULL OR NOT {} @> {}"
        ).format(self._touched(), self._table, image(self.columns), self._dropped(sql.SQL("was.image")))


def _updated_by(event: AuditEvent) -> sql.Composable:
    """The condition on images ``c`` of records that were there before ``event`` and are there after it."""
    return sql.SQL("c.event_id = {} AND c.before IS NOT NULL AND c.after IS NOT NULL").format(sql.Literal(event.pk))


def _value_after(column: Column) -> sql.Composable:
    return sql.SQL("(c.after ->> {})::{}").format(sql.Literal(column.attribute), ddl.cast_type(column))
