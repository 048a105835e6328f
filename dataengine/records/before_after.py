"""Images of records: their state before and after a change, kept with the audit event and written by PostgreSQL.

An image maps ``column.attribute`` to the value as text in PostgreSQL's form, or null. Whatever the type, that text is
read back as exactly the same value (trailing zeros, -0, microseconds, JSON's null), and it survives renamed columns. A
million records take three statements and no memory here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import QuerySet
from psycopg import sql

from dataengine.models import AuditEvent, Column
from dataengine.models.shapes import Image
from dataengine.postgres import ddl
from dataengine.postgres.images import CHANGES, image, value_before
from dataengine.postgres.statements import run, savepoint
from dataengine.records.bulk_updates import without_unique_values
from dataengine.records.model import Record, bound_field
from dataengine.records.serializers import records_data

_NAMED = 20


def of_values(model: type[Record], attributes: Mapping[str, Any]) -> Image:
    """The image of Python values, ``{attribute: value}``, as the columns would store them."""
    columns = [column for column in model.columns if column.attribute in attributes]
    cells = [sql.SQL("(%s::{})::text").format(ddl.cast_type(column)) for column in columns]
    made = [
        bound_field(model, column.attribute).get_db_prep_save(attributes[column.attribute], connection)
        for column in columns
    ]
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT {}").format(sql.SQL(", ").join(cells)), made)
        row = cursor.fetchone()
    return dict(zip((column.attribute for column in columns), row, strict=True))


def read(model: type[Record], images: Sequence[Image | None]) -> list[dict[str, Any] | None]:
    """The values of images by the columns' names, as the API shows them. Columns that are gone are left out.

    Values that the column's present type cannot have are the texts of the image.
    """
    columns = [column for column in model.columns if any(column.attribute in image for image in images if image)]
    if not columns:
        return [None if image is None else {} for image in images]
    cells = [sql.SQL("(i ->> {})::{}").format(sql.Literal(c.attribute), ddl.cast_type(c)) for c in columns]
    statement = sql.SQL("SELECT {} FROM jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS a (i, n) ORDER BY n").format(
        sql.SQL(", ").join(cells)
    )
    try:
        with savepoint(), connection.cursor() as cursor:
            cursor.execute(statement, [json.dumps(images)])
            rows = cursor.fetchall()
    except DataError:
        named = {column.attribute: column.name for column in columns}
        return [
            None if image is None else {named[key]: text for key, text in image.items() if key in named}
            for image in images
        ]
    shown = records_data([_record(model, columns, row) for row in rows])
    return [
        None if image is None else {column.name: data[column.name] for column in columns if column.attribute in image}
        for image, data in zip(images, shown, strict=True)
    ]


def _record(model: type[Record], columns: Sequence[Column], row: Sequence[Any]) -> Record:
    record = model()
    for column, value in zip(columns, row, strict=True):
        read_value = getattr(bound_field(model, column.attribute), "from_db_value", None)
        setattr(record, column.attribute, value if read_value is None else read_value(value, None, connection))
    return record


def keep_before(event: AuditEvent, records: QuerySet[Record], columns: Sequence[Column]) -> int:
    """Lock ``records`` and store their state; only these belong to the event. Returns how many."""
    return _keep(event, records, columns, "before", lock=True)


def keep_inserted(event: AuditEvent, records: QuerySet[Record], columns: Sequence[Column]) -> int:
    """Store the state of the records that the event inserted."""
    return _keep(event, records, columns, "after", lock=False)


def keep_after(event: AuditEvent, model: type[Record], columns: Sequence[Column]) -> None:
    """Add the present state of the records of ``keep_before``."""
    run(
        sql.SQL("UPDATE {} AS c SET after = {} FROM {} AS r WHERE c.event_id = %s AND r.id = c.record_id").format(
            CHANGES, image(columns), _table(model)
        ),
        [event.pk],
    )


def common_after(event: AuditEvent, model: type[Record], columns: Sequence[Column]) -> Image:
    """The image after a change that set the same values everywhere: one record's image holds for all."""
    statement = sql.SQL(
        "SELECT {} FROM {} AS r WHERE r.id = (SELECT record_id FROM {} WHERE event_id = %s LIMIT 1)"
    ).format(image(columns), _table(model), CHANGES)
    with connection.cursor() as cursor:
        cursor.execute(statement, [event.pk])
        row = cursor.fetchone()
    found: Image = {} if row is None else row[0] if isinstance(row[0], dict) else json.loads(row[0])
    return found


def set_values(event: AuditEvent, model: type[Record], image: Image) -> None:
    """Give the event's records the values of ``image``."""
    columns = [column for column in model.columns if column.attribute in image]
    settings = [sql.SQL("{} = %s::{}").format(sql.Identifier(column.name), ddl.cast_type(column)) for column in columns]
    run(
        sql.SQL("UPDATE {} AS r SET {} FROM {} AS c WHERE c.event_id = %s AND r.id = c.record_id").format(
            _table(model), sql.SQL(", ").join(settings), CHANGES
        ),
        [*(image[column.attribute] for column in columns), event.pk],
    )


def delete(event: AuditEvent, model: type[Record]) -> None:
    """Delete the event's records."""
    run(
        sql.SQL("DELETE FROM {} AS r USING {} AS c WHERE c.event_id = %s AND r.id = c.record_id").format(
            _table(model), CHANGES
        ),
        [event.pk],
    )


def lock(event: AuditEvent, model: type[Record]) -> None:
    """Lock the records of an event, in the order of their ids."""
    run(
        sql.SQL(
            "SELECT FROM {} WHERE id IN (SELECT record_id FROM {} WHERE event_id = %s) ORDER BY id FOR UPDATE"
        ).format(_table(model), CHANGES),
        [event.pk],
    )


def changed_since(
    event: AuditEvent, model: type[Record], columns: Sequence[Column], *, common: Image | None, dropped: Sequence[str]
) -> list[int]:
    """The first records (at most 20 ids) that have changed since the event, or are gone."""
    statement = sql.SQL(
        "SELECT c.record_id FROM {} AS c LEFT JOIN {} AS r ON r.id = c.record_id WHERE c.event_id = %s"
        " AND (r.id IS NULL OR {} IS DISTINCT FROM coalesce(c.after, %s::jsonb) - %s::text[])"
        " ORDER BY c.record_id LIMIT %s"
    ).format(CHANGES, _table(model), image(columns))
    with connection.cursor() as cursor:
        cursor.execute(statement, [event.pk, _json(common), list(dropped), _NAMED])
        return [row[0] for row in cursor.fetchall()]


def put_values_back(event: AuditEvent, model: type[Record], columns: Sequence[Column]) -> None:
    """Give the event's records the values that they had before."""
    settings = [sql.SQL("{} = {}").format(sql.Identifier(column.name), value_before(column)) for column in columns]
    if not settings:
        return
    statement = sql.SQL("UPDATE {} AS r SET {} FROM {} AS c WHERE c.event_id = %s AND r.id = c.record_id").format(
        _table(model), sql.SQL(", ").join(settings), CHANGES
    )
    unique = [column for column in columns if column.unique]
    with suppress(*([IntegrityError] if unique else [])):
        with transaction.atomic():
            run(statement, [event.pk])
        return
    ids = sql.SQL("SELECT record_id FROM {} WHERE event_id = {}").format(CHANGES, sql.Literal(event.pk))
    with without_unique_values(model, dict.fromkeys(unique, ids)):
        run(statement, [event.pk])


def put_records_back(event: AuditEvent, model: type[Record], columns: Sequence[Column]) -> None:
    """Insert the records that the event deleted, with their ids. Columns made since get their defaults."""
    names = sql.SQL(", ").join(sql.Identifier(name) for name in ["id", *(column.name for column in columns)])
    cells = sql.SQL(", ").join([sql.SQL("c.record_id"), *(value_before(column) for column in columns)])
    run(
        sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} AS c WHERE c.event_id = %s ORDER BY c.record_id").format(
            _table(model), names, cells, CHANGES
        ),
        [event.pk],
    )


def copy_reversed(event: AuditEvent, of: AuditEvent, *, common: Image | None) -> int:
    """Store for ``event``, which undoes ``of``, the same images the other way round. Returns how many."""
    return run(
        sql.SQL(
            "INSERT INTO {0} (event_id, record_id, before, after)"
            " SELECT %s, record_id, coalesce(after, %s::jsonb), before FROM {0} WHERE event_id = %s ORDER BY record_id"
        ).format(CHANGES),
        [event.pk, _json(common), of.pk],
    )


def of_record(model: type[Record], pk: int) -> Image | None:
    """The present image of a record; None if there is none."""
    statement = sql.SQL("SELECT {} FROM {} AS r WHERE r.id = %s").format(image(model.columns), _table(model))
    with connection.cursor() as cursor:
        cursor.execute(statement, [pk])
        row = cursor.fetchone()
    if row is None:
        return None
    found: Image = row[0] if isinstance(row[0], dict) else json.loads(row[0])
    return found


def _keep(event: AuditEvent, records: QuerySet[Record], columns: Sequence[Column], side: str, *, lock: bool) -> int:
    try:
        compiled, parameters = records.order_by().values("pk").query.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:
        return 0
    statement = sql.SQL(
        "INSERT INTO {} (event_id, record_id, {}) SELECT %s, r.id, {} FROM {} AS r WHERE r.id IN ({}) ORDER BY r.id{}"
    ).format(
        CHANGES,
        sql.Identifier(side),
        image(columns),
        _table(records.model),
        sql.SQL(compiled),
        sql.SQL(" FOR UPDATE" if lock else ""),
    )
    return run(statement, [event.pk, *parameters])


def _table(model: type[Record]) -> sql.Composable:
    return ddl.qualified(model.table.name)


def _json(image: Image | None) -> str | None:
    return None if image is None else json.dumps(image)
