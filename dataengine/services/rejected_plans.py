"""How the rejected rows of an import are read once more: by which cells, which plan, and with whose rights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataengine.exceptions import Conflict, InvalidInput
from dataengine.imports.planning.options import ImportOptions
from dataengine.imports.planning.plan import Plan
from dataengine.imports.rejecting.mended_cells import RowReader
from dataengine.imports.rejecting.plan_again import plan_again
from dataengine.models import ImportJob, Table
from dataengine.services import import_references

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def reader_of(job: ImportJob) -> RowReader:
    """Reads the cells of an import's rejected rows, by the columns of its table as they are now."""
    return RowReader(job, list(job.table.columns.all()) if job.table is not None else [])


def planned(job: ImportJob, table: Table, reader: RowReader) -> tuple[Plan, ImportOptions]:
    """How rows are read once more, with what their references mean now. Raises Conflict."""
    columns = list(table.columns.all())
    plan, options = plan_again(job, reader, columns)
    try:
        plan.references = import_references.rules(import_references.targets_of(columns), options, table)
    except InvalidInput as error:
        raise Conflict(f"These rows have no place in the table any more: {error.message}", code="no_place") from error
    return plan, options


def check_rights(user: User, job: ImportJob, table: Table) -> None:
    """Raise AccessDenied where the import looks into tables that this user may not use so, Conflict where it cannot."""
    _, options = planned(job, table, reader_of(job))
    import_references.check_rights(user, import_references.targets_of(list(table.columns.all())), options)
