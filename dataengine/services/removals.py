"""Which records may give way to a file that is imported, by its options: read when it is started, and when it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import EmptyResultSet

from dataengine.exceptions import Conflict, InvalidInput
from dataengine.imports.planning.modes import Mode
from dataengine.imports.planning.removal import TOO_MANY, Removal
from dataengine.models import Table
from dataengine.postgres import trash
from dataengine.records.model import record_model

EMPTY = frozenset({"empty_file", "no_rows"})
"""The codes of files without a row."""


def removal_of(table: Table, mode: Mode) -> Removal | None:
    """What the mode removes, None for nothing. Raises InvalidInput for a filter or values that make no sense."""
    if not (mode.mirrors or mode.replace):
        return None
    # These load the pages' forms and filters, 8 MB that a worker needs for mirrors alone.
    from dataengine.services.matching_records import matching, values_to_set

    model = record_model(table)
    scope: tuple[str, tuple[Any, ...]] | None = None
    if mode.scope:
        with _about("scope"):
            records = matching(model, mode.scope)
            try:
                scope = records.order_by().values("pk").query.sql_with_params()
            except EmptyResultSet:
                scope = ("SELECT id FROM (VALUES (NULL::bigint)) AS none (id)", ())
    if mode.on_missing != "set":
        return Removal(mode, scope, [*table.columns.all(), *trash.hidden_columns(table)])
    with _about("on_missing"):
        image = values_to_set(model, mode.values_of_missing)
    columns = [column for column in model.columns if column.attribute in image]
    if unique := next((column.name for column in columns if column.unique), None):
        reason = f"“{unique}” is unique, so several records cannot get the same value."
        raise InvalidInput(reason, code="invalid_option", fields={"on_missing": reason})
    return Removal(mode, scope, columns, image)


@contextmanager
def no_file_is_empty(mode: Mode) -> Iterator[None]:
    """Let an import fail, and be told as failed, whose file has no row while the table is to be like the file."""
    try:
        yield
    except InvalidInput as error:
        if mode.mirrors and error.error_code in EMPTY:
            raise Conflict(f"Nothing was changed. {error.message}", code=TOO_MANY) from error
        raise


@contextmanager
def _about(option: str) -> Iterator[None]:
    """Say of which option an error is."""
    try:
        yield
    except InvalidInput as error:
        where = "; ".join(f"{name}: {texts[0]}" for name, texts in error.fields.items()) or error.message
        raise InvalidInput(f"Option {option}: {where}", code=error.error_code, fields={option: where}) from error
