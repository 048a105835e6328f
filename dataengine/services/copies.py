"""Copies of tables: the same columns under another name, with or without the records."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django.db import transaction

from dataengine.columns.types import ColumnSpec
from dataengine.models import ChangeJob, Index, Table
from dataengine.services import changes, indexes
from dataengine.services.tables import create_table, name_records_by

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def duplicate_table(
    *, user: User, source: Table, name: str, with_records: bool = False
) -> tuple[Table, ChangeJob | None]:
    """Make a table like ``source`` that is the user's own. Records, where there are very many, are a worker's.

    Returns the table, and the job that fills it where nobody should wait for that. Until it is over the table is
    empty. Raises Conflict where the name is taken, InvalidInput where a column refers to a table that the user may not
    see.
    """
    columns = source.all_columns()
    specs = [_renamed(column.to_spec(), source, name) for column in columns]
    table = create_table(user=user, name=name, columns=specs, label=source.label, description=source.description)
    made = list(table.columns.all())
    for there, here in zip(columns, made, strict=True):
        if there.pk == source.naming_column_id:
            table = name_records_by(user=user, table=table, column=here)
    job = None
    if with_records:
        pairs = [(there.pk, here.pk) for there, here in zip(columns, made, strict=True)]
        done = changes.copy_records(user=user, table=table, source=source, columns=pairs)
        job = done if isinstance(done, ChangeJob) else None
    # Not as a user's change of the table, which the job would keep out: these are built after it.
    with transaction.atomic():
        for there, here in zip(columns, made, strict=True):
            if _is_requested(there.index_or_none) and here.index_or_none is None:
                indexes.build_again(table, here.pk)
        if _is_requested(source.search_index()):
            indexes.build_again(table, None)
    return table, job


def _is_requested(index: Index | None) -> bool:
    """Automatic ones are made for the lists of one table, and dropped when these no longer need them."""
    return index is not None and not index.automatic


def _renamed(spec: ColumnSpec, source: Table, name: str) -> ColumnSpec:
    """A column that refers to its own table refers to the copy in the copy."""
    if spec.parameters.get("references") != source.name:
        return spec
    return replace(spec, parameters={**spec.parameters, "references": name})
