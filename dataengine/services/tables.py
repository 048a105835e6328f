"""Every change of a table's shape. Each service owns one transaction: catalog, DDL and audit event together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import DataError, connection, transaction

from dataengine import access
from dataengine.columns import displays
from dataengine.columns.identifiers import MAX_COLUMNS, validate_identifier
from dataengine.columns.types import ColumnSpec
from dataengine.exceptions import Conflict, InvalidInput, NotFound
from dataengine.models import Column, Table
from dataengine.models.shapes import ColumnChanges, ColumnDetails, WordsDetails
from dataengine.models.tables import MAX_DESCRIPTION
from dataengine.postgres import ddl
from dataengine.records import model
from dataengine.records.database_errors import CHECKS
from dataengine.services import indexes
from dataengine.services.audit import record_event
from dataengine.services.schema_changes import change_schema

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def create_table(
    *, user: User, name: str, columns: Sequence[ColumnSpec], label: str = "", description: str = ""
) -> Table:
    """Create a table owned by ``user``. Raises Conflict if the name is taken, whoever's table that is."""
    return change_schema(
        lambda: create_table_now(user=user, name=name, columns=columns, label=label, description=description)
    )


def create_table_now(
    *, user: User, name: str, columns: Sequence[ColumnSpec], label: str = "", description: str = ""
) -> Table:
    """``create_table`` inside a transaction that is already open (an import that makes its table)."""
    name = check_table_name(name)
    # The table comes first, so that its columns may refer to it.
    table = Table.objects.create(name=name, label=label.strip()[:200], description=_described(description), owner=user)
    made = _make_columns(user, table, columns)
    record_event(user=user, table=table, action="table.created", details={"columns": [c.name for c in made]})
    return table


def remake_table_now(*, user: User, table: Table, columns: Sequence[ColumnSpec]) -> Table:
    """Put other columns, and no records, in the place of all that a table has, inside a transaction that is open.

    The table stays the one that others have rights to. Nobody else may be using it.
    """
    locked = locked_table(table)
    ddl.drop_table(locked.name)
    locked.indexes.all().delete()
    locked.columns.all().delete()
    made = _make_columns(user, locked, columns)
    record_event(user=user, table=locked, action="table.remade", details={"columns": [c.name for c in made]})
    return locked


def _make_columns(user: User, table: Table, columns: Sequence[ColumnSpec]) -> list[Column]:
    """The columns of a table that has none, in the catalog, and the table itself in PostgreSQL."""
    checked = check_columns(user, columns)
    made = [_insert_column(table, spec, reference, place) for place, (spec, reference) in enumerate(checked)]
    for column in made:
        check_default(column)
    indexes.index_references(table, made)
    ddl.create_table(table, made)
    return made


def check_table_name(name: str, *, field: str = "table_name") -> str:
    """Return ``name`` if a new table may have it. Raises InvalidInput, or Conflict if it is taken, under ``field``."""
    name = validate_identifier(name, what="table", field=field)
    taken = Table.objects.filter(name__iexact=name).values_list("name", flat=True).first()
    if taken == name:
        raise Conflict(f"The table name “{name}” is taken.", code="name_taken", fields={field: "This name is taken."})
    if taken is not None:
        reason = "This name is taken by a table whose name differs only in upper and lower case."
        raise Conflict(reason, code="name_taken", fields={field: reason})
    return name


def rename_table(*, user: User, table: Table, name: str) -> Table:
    """Rename the table."""

    def change() -> Table:
        locked = locked_table(table)
        old = locked.name
        if name == old:
            return locked
        checked = validate_identifier(name, what="table", field="table_name")
        if checked.casefold() != old.casefold():
            checked = check_table_name(checked)
        locked.name = checked
        locked.save(update_fields=["name", "updated_at"])
        ddl.rename_table(old, checked)
        record_event(user=user, table=locked, action="table.renamed", details={"from": old, "to": checked})
        return locked

    return change_schema(change, table=table)


def relabel_table(*, user: User, table: Table, label: str | None = None, description: str | None = None) -> Table:
    """Change the table's label and description; None leaves one as it is."""

    def change() -> Table:
        locked = locked_table(table)
        details: WordsDetails = {}
        if label is not None:
            details["label"] = locked.label = label.strip()[:200]
        if description is not None:
            details["description"] = locked.description = _described(description)
        locked.save(update_fields=[*details, "updated_at"])
        record_event(user=user, table=locked, action="table.relabelled", details=details)
        return locked

    return change_schema(change)


def add_column(*, user: User, table: Table, spec: ColumnSpec) -> Column:
    """Add a column at the end. A required one needs a default if there are records."""

    def change() -> Column:
        locked = locked_table(table)
        existing = list(locked.columns.all())
        checked = replace(spec, name=check_new_column_name(locked, spec.name, [column.name for column in existing]))
        _check_count(len(existing) + 1)
        reference = _check_column(user, checked)
        place = 1 + max((column.position for column in existing), default=-1)
        column = _insert_column(locked, checked, reference, place)
        check_default(column)
        ddl.add_column(locked, column)
        indexes.ask_for_reference(locked, column)
        if column.kind.is_text:
            indexes.queue_search_again(locked)
        record_event(user=user, table=locked, action="column.added", details={"column": column.name})
        return column

    return change_schema(change, table=table)


def alter_column(*, user: User, table: Table, column: Column, changes: ColumnChanges) -> Column:
    """Change a column in what ``changes`` names. Its position moves the other columns along."""
    said = {name: value for name, value in changes.items() if name not in {"position", "unique"}}

    def change() -> Column:
        locked = locked_table(table)
        current = current_column(locked, column)
        old = current.to_spec()
        unique = changes.get("unique", old.unique)
        wanted = replace(old, **said)  # type: ignore[arg-type]  # the keys of ColumnChanges, each with its type
        if unique is not old.unique:
            wanted = wanted.made_unique(unique)
        wanted = replace(wanted, display=displays.checked(current.kind, current.name, wanted.display))
        if wanted.name != old.name:
            others = list(locked.columns.exclude(pk=current.pk).values_list("name", flat=True))
            wanted = replace(wanted, name=check_new_column_name(locked, wanted.name, others))
        current.name, current.label = wanted.name, wanted.label.strip()[:200]
        current.description = _described(wanted.description)
        current.unique, current.unique_ignores_case = wanted.unique, wanted.unique_ignores_case
        current.required, current.default = wanted.required, wanted.default
        current.display = wanted.display
        _check_unique(wanted)
        check_default(current)
        current.save()
        if wanted.name != old.name:
            ddl.rename_column(locked, old.name, wanted.name)
        if wanted.default != old.default:
            ddl.set_default(locked, current)
        if wanted.required != old.required:
            ddl.set_required(locked, current)
        if (wanted.unique, wanted.unique_ignores_case) != (old.unique, old.unique_ignores_case):
            ddl.set_unique(locked, current)
        if "position" in changes:
            _move(locked, current, changes["position"])
        details: ColumnDetails = {"column": old.name, **changes}
        record_event(user=user, table=locked, action="column.changed", details=details)
        return current

    return change_schema(change, table=table)


def move_column(*, user: User, table: Table, column: Column, by: int) -> Column:
    """Move a column so many places on, or back; not beyond the ends."""
    keys = [other.pk for other in table.columns.all()]
    # If it has been deleted meanwhile, ``alter_column`` says so.
    place = max(0, min(len(keys) - 1, keys.index(column.pk) + by)) if column.pk in keys else 0
    return alter_column(user=user, table=table, column=column, changes={"position": place})


def check_default(column: Column) -> None:
    """Raise InvalidInput if a column's default is no value of its type, or if its constraints forbid it."""
    if column.default is None:
        return
    try:
        model.field_of(column)
    except (ValidationError, ValueError, ArithmeticError) as error:
        messages = error.messages if isinstance(error, ValidationError) else [str(error)]
        raise _invalid_default(column, messages) from error
    kinds, query = ddl.default_keeps(column)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(query)
            kept = cursor.fetchone() or ()
    except DataError as error:
        raise _invalid_default(column, ["It is beyond what the type can hold."]) from error
    broken = [CHECKS[kind] for kind, is_kept in zip(kinds, kept, strict=False) if is_kept is False]
    if broken:
        raise _invalid_default(column, broken)


def _invalid_default(column: Column, messages: Sequence[str]) -> InvalidInput:
    return InvalidInput(
        f"Column “{column.name}”: the default {column.default!r} is not a value of its type. {' '.join(messages)}",
        code="invalid_default",
        fields={column.name: [f"The default is not a value of this type. {text}" for text in messages]},
    )


def _described(text: str) -> str:
    return text.strip()[:MAX_DESCRIPTION]


def _move(table: Table, column: Column, place: int) -> None:
    """Put a column at a place among the table's columns, the others after one another."""
    columns = [other for other in table.columns.all() if other.pk != column.pk]
    if place > len(columns):
        reason = f"The table has {len(columns) + 1} columns; the last place is {len(columns)}."
        raise InvalidInput(reason, code="invalid_position", fields={"position": reason})
    columns.insert(place, column)
    for position, each in enumerate(columns):
        each.position = position
    Column.objects.bulk_update(columns, ["position"])


def locked_table(table: Table) -> Table:
    """The table's catalog row, locked, so that changes of one table take turns."""
    locked = Table.objects.select_for_update().filter(pk=table.pk).first()
    if locked is None:
        raise NotFound(f"There is no table “{table.name}”.", code="table_not_found")
    return locked


def current_column(table: Table, column: Column) -> Column:
    """The column as it is now: a rename may have come between the fetch and the lock."""
    current = table.columns.filter(pk=column.pk).first()
    if current is None:
        raise NotFound(f"“{table.name}” has no column “{column.name}”.", code="column_not_found")
    return current


def check_columns(user: User, columns: Sequence[ColumnSpec]) -> list[tuple[ColumnSpec, Table | None]]:
    """Validate the columns of a new table, all errors at once."""
    _check_count(len(columns))
    names, fields, checked = list[str](), dict[str, Any](), list[tuple[ColumnSpec, Table | None]]()
    code = "invalid_input"
    for spec in columns:
        try:
            name = _check_column_name(spec.name, names)
            checked.append((replace(spec, name=name), _check_column(user, spec)))
            names.append(name)
        except InvalidInput as error:
            fields.update(error.fields)
            code = error.error_code
    if fields:
        first = next(iter(fields.values()))[0]
        raise InvalidInput(first if len(fields) == 1 else "Some columns are not valid.", code=code, fields=fields)
    return checked


def _check_count(columns: int) -> None:
    if columns > MAX_COLUMNS:
        raise InvalidInput(f"A table can have at most {MAX_COLUMNS} columns.", code="too_many_columns")


def _check_column(user: User, spec: ColumnSpec) -> Table | None:
    """Validate all but the name; returns the table that the column refers to."""
    _check_unique(spec)
    _check_pattern(spec)
    return _reference(user, spec)


def _check_column_name(name: str, others: Sequence[str]) -> str:
    """The name in normal form. Raises InvalidInput, also if one of the ``others`` made with it has the same name."""
    name = validate_identifier(name, what="column", field=name or "column_name")
    clash = _clash(name, others)
    if clash is not None:
        reason = _differs_in_case(name, clash) if clash != name else f"There is already a column “{name}”."
        raise InvalidInput(reason, code="invalid_name", fields={name: reason})
    return name


def check_new_column_name(table: Table, name: str, taken: Sequence[str], *, field: str | None = None) -> str:
    """The name in normal form. Raises InvalidInput, or Conflict if the table has such a column (in any case).

    Both are filed under ``field``; without one, under the name itself or ``column_name``.
    """
    name = validate_identifier(name, what="column", field=field or name or "column_name")
    clash = _clash(name, taken)
    if clash is None:
        return name
    reason = _differs_in_case(name, clash) if clash != name else "This table already has a column with that name."
    message = f"“{table.name}” already has a column “{clash}”."
    raise Conflict(message, code="name_taken", fields={field or "column_name": reason})


def _clash(name: str, taken: Sequence[str]) -> str | None:
    return next((other for other in taken if other.casefold() == name.casefold()), None)


def _differs_in_case(name: str, other: str) -> str:
    return f"“{name}” and “{other}” differ only in upper and lower case."


def _check_unique(spec: ColumnSpec) -> None:
    if spec.unique and not spec.kind.can_be_unique:
        reason = f"{spec.kind.label} columns cannot be unique."
        raise InvalidInput(reason, code="invalid_type", fields={spec.name: reason})


def _check_pattern(spec: ColumnSpec) -> None:
    """Ask PostgreSQL now, since an invalid pattern would only show when the first record comes in."""
    pattern = spec.constraints.get("pattern")
    if pattern is None:
        return
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT '' ~ %s", [pattern])
    except DataError as error:
        reason = "PostgreSQL does not understand this pattern."
        raise InvalidInput(reason, code="invalid_pattern", fields={spec.name: reason}) from error


def _reference(user: User, spec: ColumnSpec) -> Table | None:
    """The table that a reference column refers to: one that ``user`` may see."""
    if not spec.kind.is_reference:
        return None
    target = access.tables_for(user).filter(name=spec.parameters.get("references", "")).first()
    if target is None:
        reason = f"There is no table “{spec.parameters.get('references', '')}” to refer to."
        raise InvalidInput(reason, code="unknown_reference", fields={spec.name: reason})
    return target


def _insert_column(table: Table, spec: ColumnSpec, reference: Table | None, place: int) -> Column:
    column = column_of(table, spec, reference, place)
    column.save(force_insert=True)
    return column


def column_of(table: Table, spec: ColumnSpec, reference: Table | None, place: int = 0) -> Column:
    """The catalog row that a column will be; not saved."""
    return Column(
        table=table,
        name=spec.name,
        label=spec.label.strip()[:200],
        description=_described(spec.description),
        type=spec.type,
        parameters={key: value for key, value in spec.parameters.items() if key != "references"},
        references=reference,
        unique=spec.unique,
        unique_ignores_case=spec.unique_ignores_case,
        required=spec.required,
        default=spec.default,
        constraints=json.loads(json.dumps(spec.constraints)),
        display=spec.display,
        position=place,
    )
