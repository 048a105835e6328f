"""Changes many records in one statement, each to its own values, which the ORM cannot express."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.models import Q
from psycopg import sql

from dataengine.columns.types.aspects import Represent
from dataengine.models import Column
from dataengine.postgres import ddl
from dataengine.records.model import Record


def write_values(model: type[Record], rows: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    """Set in each record (by id) only the columns in its mapping of attributes to values.

    Every column is sent to PostgreSQL as one list; if not all records set it, another list tells which do. The lists
    are JSON, which both sides process in C: arrays, which psycopg writes in Python, took as long as the update.
    """
    named = {attribute for _, attributes in rows for attribute in attributes}
    columns = [column for column in model.columns if column.attribute in named]
    if not columns:
        return
    names = [sql.Identifier("id")]
    lists: list[list[Any]] = [[pk for pk, _ in rows]]
    settings: list[sql.Composable] = []
    for column in columns:
        attribute, plain = column.attribute, _plain(column)
        value, changes = sql.Identifier(attribute), sql.Identifier(f"{attribute}:named")
        names.append(value)
        lists.append([plain(attributes.get(attribute)) for _, attributes in rows])
        if all(attribute in attributes for _, attributes in rows):
            template = "{0} = v.{1}::{3}"
        else:
            template = "{0} = CASE WHEN v.{2}::boolean THEN v.{1}::{3} ELSE r.{0} END"
            names.append(changes)
            lists.append([attribute in attributes for _, attributes in rows])
        settings.append(sql.SQL(template).format(sql.Identifier(column.name), value, changes, ddl.cast_type(column)))
    statement = sql.SQL("UPDATE {} AS r SET {} FROM ROWS FROM ({}) AS v({}) WHERE r.id = v.id::bigint").format(
        ddl.qualified(model.table.name),
        sql.SQL(", ").join(settings),
        sql.SQL(", ").join([sql.SQL("json_array_elements_text(%s)")] * len(lists)),
        sql.SQL(", ").join(names),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [json.dumps(values) for values in lists])


@contextmanager
def without_unique_values(model: type[Record], chosen: Mapping[Column, sql.Composable]) -> Iterator[None]:
    """Run the block while records have no values in some unique columns, so that they can exchange them.

    PostgreSQL checks uniqueness row by row, not at the end of a statement. ``chosen`` are the ids for each column, as a
    query or the elements of an array. To be called inside a transaction.
    """
    ddl.suspend_required(model.table, list(chosen), suspended=True)
    for column, ids in chosen.items():
        ddl.execute(
            sql.SQL("UPDATE {} SET {} = NULL WHERE id IN ({})").format(
                ddl.qualified(model.table.name), sql.Identifier(column.name), ids
            )
        )
    yield
    ddl.suspend_required(model.table, list(chosen), suspended=False)


def exchanged(model: type[Record], rows: Sequence[tuple[int, Mapping[str, Any]]]) -> dict[Column, sql.Composable]:
    """The unique columns in which ``rows`` may exchange values, with the ids of those rows: see above.

    A required column only if that is the only obstacle: its readers are locked out until the end.
    """
    found: dict[Column, sql.Composable] = {}
    for column in model.columns:
        given = {pk: attributes[column.attribute] for pk, attributes in rows if column.attribute in attributes}
        if not given or not column.unique or (column.required and not _among_themselves(model, column, given)):
            continue
        found[column] = sql.SQL("SELECT unnest({}::bigint[])").format(sql.Literal(list(given)))
    return found


def _among_themselves(model: type[Record], column: Column, given: Mapping[int, Any]) -> bool:
    """Whether the given values are all different, and belong only to the records that receive them."""
    values = list(given.values())
    others = model.objects.filter(Q((f"{column.attribute}__in", values))).exclude(pk__in=list(given))
    return len(set(values)) == len(values) and not others.exists()


def _plain(column: Column) -> Represent:
    """How a value of ``column`` becomes text that PostgreSQL reads as exactly the same value."""
    represent = column.kind.to_text()
    return lambda value: value if value is None or represent is None else represent(value)
