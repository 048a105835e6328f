"""What would stand in the way of a table or a column before anybody asks for it: the checks of ``tables``, all of them
at once. Nothing is changed, so nothing is promised either: the name may be taken a moment later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from dataengine.columns.types import ColumnSpec
from dataengine.exceptions import DataEngineError
from dataengine.models import Column, Table
from dataengine.services.tables import (
    check_columns,
    check_default,
    check_new_column_name,
    check_table_name,
    column_of,
)

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def faults_of_table(*, user: User, name: str | None, columns: Sequence[ColumnSpec]) -> list[DataEngineError]:
    """The errors that making the table would raise; without a name, those of its columns."""
    faults = _raised(partial(check_table_name, name)) if name is not None else []
    return faults + _faults_of_columns(user, Table(name=name or "", owner=user), columns)


def faults_of_table_name(*, table: Table, name: str) -> list[DataEngineError]:
    """The errors that renaming the table would raise."""
    is_new = name.casefold() != table.name.casefold()
    return _raised(partial(check_table_name, name)) if is_new else []


def faults_of_column(*, user: User, table: Table, spec: ColumnSpec) -> list[DataEngineError]:
    """The errors that adding the column would raise, but for those that only its records can tell."""
    taken = [column.name for column in table.all_columns()]
    faults = _raised(partial(check_new_column_name, table, spec.name, taken, field=spec.name))
    return faults + _faults_of_columns(user, table, [spec])


def faults_of_name(*, table: Table, column: Column, name: str) -> list[DataEngineError]:
    """The errors that another name for a column would raise."""
    others = [other.name for other in table.all_columns() if other.pk != column.pk]
    return _raised(partial(check_new_column_name, table, name, others, field="column_name"))


def _faults_of_columns(user: User, table: Table, columns: Sequence[ColumnSpec]) -> list[DataEngineError]:
    try:
        checked = check_columns(user, columns)
    except DataEngineError as error:
        return [error]
    made = [column_of(table, spec, reference, place) for place, (spec, reference) in enumerate(checked)]
    return [fault for column in made for fault in _raised(partial(check_default, column))]


def _raised(check: Callable[[], object]) -> list[DataEngineError]:
    try:
        check()
    except DataEngineError as error:
        return [error]
    return []
