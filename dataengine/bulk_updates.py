"""Many records changed by one statement, each to values of its own. The ORM has no words for that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from psycopg import sql

from dataengine import ddl
from dataengine.column_types import postgres_type
from dataengine.models import Column
from dataengine.records import Record, bound_field


def write_values(model: type[Record], rows: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    """Set in each record (by id) the columns that its mapping of attribute to value names, and no others.

    Every column goes to PostgreSQL as one array; where not all records name it, another one says which do.
    """
    named = {attribute for _, attributes in rows for attribute in attributes}
    columns = [column for column in model.columns if column.attribute in named]
    if not columns:
        return
    arrays: list[sql.Composable] = [sql.SQL("%s::bigint[]")]
    names = [sql.Identifier("id")]
    parameters: list[list[Any]] = [[pk for pk, _ in rows]]
    settings: list[sql.Composable] = []
    for column in columns:
        attribute, made = column.attribute, bound_field(model, column.attribute)
        value, changes = sql.Identifier(attribute), sql.Identifier(f"{attribute}:named")
        arrays.append(sql.SQL("%s::{}[]").format(_array_type(column)))
        names.append(value)
        parameters.append([made.get_db_prep_save(each.get(attribute), connection) for _, each in rows])
        if all(attribute in each for _, each in rows):
            template = "{0} = v.{1}"
        else:
            template = "{0} = CASE WHEN v.{2} THEN v.{1} ELSE r.{0} END"
            arrays.append(sql.SQL("%s::boolean[]"))
            names.append(changes)
            parameters.append([attribute in each for _, each in rows])
        settings.append(sql.SQL(template).format(sql.Identifier(column.name), value, changes))
    statement = sql.SQL("UPDATE {} AS r SET {} FROM unnest({}) AS v({}) WHERE r.id = v.id").format(
        ddl.qualified(model.table.name),
        sql.SQL(", ").join(settings),
        sql.SQL(", ").join(arrays),
        sql.SQL(", ").join(names),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def _array_type(column: Column) -> sql.SQL:
    # An explicit cast to varchar(n) would cut a text short without a word; an assignment refuses it.
    return sql.SQL("text" if column.kind.is_text else postgres_type(column.type, column.parameters))
