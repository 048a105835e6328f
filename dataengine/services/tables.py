"""Every change of a table's shape. Each service owns one transaction: catalog, DDL and audit event together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import DataError, InternalError, OperationalError, connection, transaction

from dataengine import access
from dataengine.columns.identifiers import MAX_COLUMNS, validate_identifier
from dataengine.columns.patterns import refers_back
from dataengine.columns.types import ColumnSpec
from dataengine.exceptions import Conflict, InvalidInput, NotFound
from dataengine.models import Column, Table
from dataengine.models.shapes import WordsDetails
from dataengine.models.tables import MAX_DESCRIPTION
from dataengine.postgres import ddl
from dataengine.postgres.time_limits import time_limit, timed_out
from dataengine.records import model
from dataengine.records.database_errors import CHECKS
from dataengine.services import indexes
from dataengine.services.audit import record_event
from dataengine.services.schema_changes import change_schema

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_PATTERN_SECONDS = 2.0


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
    access.check_may_make_tables(user)
    name = check_table_name(name)
    # The table comes first, so that its columns may refer to it.
    table = Table.objects.create(name=name, label=label.strip()[:200], description=described(description), owner=user)
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
    # With the table go the values from before its columns were changed.
    Column.everything.filter(trash_item__successor__table=locked).delete()
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
            details["description"] = locked.description = described(description)
        locked.save(update_fields=[*details, "updated_at"])
        record_event(user=user, table=locked, action="table.relabelled", details=details)
        return locked

    return change_schema(change)


def name_records_by(*, user: User, table: Table, column: Column | None) -> Table:
    """Have records named by a column where others refer to them; None for the first text column."""

    def change() -> Table:
        locked = locked_table(table)
        current = None if column is None else current_column(locked, column)
        if current is not None and not current.kind.can_name_records:
            reason = f"A {current.kind.noun.lower()} column cannot name records; choose a short text."
            raise InvalidInput(reason, code="invalid_input", fields={"named_by": reason})
        locked.naming_column = current
        locked.save(update_fields=["naming_column", "updated_at"])
        details: WordsDetails = {"named_by": None if current is None else current.name}
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
        if column.kind.is_searched_as_text:
            indexes.queue_search_again(locked)
        record_event(user=user, table=locked, action="column.added", details={"column": column.name})
        return column

    return change_schema(change, table=table)


def check_default(column: Column) -> None:
    """Raise InvalidInput if a column's default is no value of its type, or if its constraints forbid it."""
    if column.default is None:
        return
    try:
        value = model.field_of(column).get_default()
    except (ValidationError, ValueError, ArithmeticError) as error:
        messages = error.messages if isinstance(error, ValidationError) else [str(error)]
        raise _invalid_default(column, messages) from error
    if faults := column.kind.faults_within(value, column.constraints):
        raise _invalid_default(column, [str(fault) for fault in faults])
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


def described(text: str) -> str:
    """A description as it is kept."""
    return text.strip()[:MAX_DESCRIPTION]


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


def check_column_change(user: User, table: Table, column: Column, spec: ColumnSpec) -> Table | None:
    """Check what ``column`` is to become; returns the table to which it will refer. Raises InvalidInput or Conflict."""
    if spec.name != column.name:
        others = list(table.columns.exclude(pk=column.pk).values_list("name", flat=True))
        check_new_column_name(table, spec.name, others)
    _check_unique(spec)
    if spec.constraints.get("pattern") != column.constraints.get("pattern"):
        _check_pattern(spec)
    target = column.references
    if not spec.kind.is_reference or target is None or spec.parameters != column.all_parameters:
        target = _reference(user, spec)
    changed = Column(pk=column.pk, table=table, **catalog_fields(spec, target))
    if (spec.default, spec.type, spec.parameters, spec.constraints) != (
        column.default, column.type, column.all_parameters, column.constraints
    ):  # fmt: skip
        check_default(changed)
    return target


def catalog_fields(spec: ColumnSpec, reference: Table | None) -> dict[str, Any]:
    """The fields of a column's row in the catalog, but for table and position."""
    return {
        "name": spec.name,
        "label": spec.label.strip()[:200],
        "description": described(spec.description),
        "type": spec.type,
        "parameters": {key: value for key, value in spec.parameters.items() if key != "references"},
        "references": reference,
        "unique": spec.unique,
        "unique_ignores_case": spec.unique_ignores_case,
        "required": spec.required,
        "default": spec.default,
        "constraints": json.loads(json.dumps(spec.constraints)),
        "display": spec.display,
    }


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
    if refers_back(pattern):
        reason = r"A pattern cannot refer to its groups (\1): with some texts, PostgreSQL would never be done."
        raise InvalidInput(reason, code="invalid_pattern", fields={spec.name: reason})
    try:
        with transaction.atomic(), time_limit(_PATTERN_SECONDS), connection.cursor() as cursor:
            cursor.execute("SELECT '' ~ %s", [pattern])
    except DataError as error:
        reason = "PostgreSQL does not understand this pattern."
        raise InvalidInput(reason, code="invalid_pattern", fields={spec.name: reason}) from error
    except (OperationalError, InternalError) as error:  # the latter where it would take gigabytes
        if isinstance(error, OperationalError) and not timed_out(error):
            raise
        reason = "PostgreSQL needs too long for this pattern. Give a simpler one."
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
    return Column(table=table, position=place, **catalog_fields(spec, reference))
