"""One record, its event and its images, written by one statement, in one round trip.

The statement is the ORM's own INSERT or UPDATE; the event and the images are made from what it returns. A single
statement is a transaction of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Q
from django.db.models import sql as orm
from django.utils import timezone
from psycopg import sql
from psycopg.types.json import Jsonb

from dataengine.models import AuditEvent, Column
from dataengine.postgres import ddl
from dataengine.postgres.images import CHANGES, image
from dataengine.records.model import Record, bound_field

# Of an event that undoes none.
_ABOUT = (
    "table_id", "table_name", "user_id", "user_name", "via", "via_name", "address", "request_id", "action",
    "created_at", "details",
)  # fmt: skip
_EVENT = sql.SQL(
    "INSERT INTO {} ({}) SELECT {}, %s::jsonb || jsonb_build_object('id', r.id) FROM r RETURNING id"
).format(
    sql.Identifier(AuditEvent._meta.db_table),
    sql.SQL(", ").join(sql.Identifier(name) for name in _ABOUT),
    sql.SQL(", ").join([sql.SQL("%s")] * (len(_ABOUT) - 1)),
)


def insert(record: Record, event: AuditEvent) -> None:
    """Store both, and complete them by what PostgreSQL returns: ids, defaults, 1.5 in a numeric(5, 2) as 1.50."""
    model = type(record)
    query = orm.InsertQuery(model)
    given = [made for made in model._meta.concrete_fields if not made.primary_key]
    query.insert_values(given, [record])
    keep = sql.SQL("INSERT INTO {} (event_id, record_id, after) SELECT e.id, r.id, {} FROM e, r").format(
        CHANGES, image(model.columns)
    )
    _write(record, event, query, keep)


def update(record: Record, event: AuditEvent, columns: Sequence[Column]) -> None:
    """Store the values of ``columns``. The record must be locked, or its image before the change might be outdated."""
    model = type(record)
    query = orm.UpdateQuery(model)
    query.add_q(Q(pk=record.pk))
    fields = [bound_field(model, column.attribute) for column in columns]
    query.add_update_fields([(made, None, made.pre_save(record, False)) for made in fields])
    keep = sql.SQL(
        "INSERT INTO {} (event_id, record_id, before, after)"
        " SELECT e.id, r.id, {}, {} FROM e, r JOIN {} AS o ON o.id = r.id"  # o: the record before the statement
    ).format(CHANGES, image(columns, "o"), image(columns), ddl.qualified(model.table.name))
    _write(record, event, query, keep)


def _write(record: Record, event: AuditEvent, query: Any, keep: sql.Composable) -> None:
    model = type(record)
    fields = [(made.attname, getattr(made, "from_db_value", None)) for made in model._meta.concrete_fields]
    names = sql.SQL(", ").join(sql.Identifier(name) for name in ["id", *(column.name for column in model.columns)])
    compiled = query.get_compiler(connection=connection).as_sql()
    [(text, parameters)] = compiled if isinstance(compiled, list) else [compiled]
    statement = sql.SQL("WITH r AS ({} RETURNING {}), e AS ({}), c AS ({}) SELECT e.id, r.* FROM e, r").format(
        sql.SQL(text), names, _EVENT, keep
    )
    event.created_at = timezone.now()
    about: list[Any] = [*(getattr(event, name) for name in _ABOUT[:-1]), Jsonb(event.details)]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*parameters, *about])
        row = cursor.fetchone()
    event.pk, *stored = row
    for (attribute, read), value in zip(fields, stored, strict=True):
        setattr(record, attribute, value if read is None else read(value, None, connection))
    event.details["id"] = record.pk
    event._state.adding = record._state.adding = False
