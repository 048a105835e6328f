"""Rejected rows as a queue of work: one is mended, many are fixed alike, all are tried again.

What is written into a row is checked anew at once, by the import's own conversion against the table as it is then; the
row stays rejected until it is tried again. Whoever changes rows of an import holds its job's row meanwhile. While a
worker tries them again, nobody does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from itertools import batched
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from django.db import transaction
from django.db.models import Q

from dataengine import access
from dataengine.exceptions import Conflict, InvalidInput, NotFound, some_of, together
from dataengine.imports.rejecting.mended_cells import WHOLE_ROW, RowReader, Slot, unstorable
from dataengine.imports.rejecting.rejected_rows import causes_now, rows_of
from dataengine.imports.rejecting.whole_rows import read_whole_fix
from dataengine.jobs.doorbell import RUN_CHANGE, ring
from dataengine.models import ChangeJob, ImportJob, RejectedRow, Table
from dataengine.models.shapes import RetryParameters, RowError
from dataengine.postgres.statements import limit_statements
from dataengine.services.rejected_plans import check_rights, reader_of

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

MOST_FIXED = 50_000
"""So many rows are fixed at a time; who wants more asks again."""
_PORTION = 2_000
_LIMIT_MS = 120_000


class RowData(TypedDict):
    """A rejected row as the API shows it."""

    line: int
    raw: str
    cells: dict[str, str | None]
    mended: bool
    errors: list[RowError]
    version: int


class Fixed(NamedTuple):
    """What a fix did: how many rows it changed, how many of them are good now, how many are left to be fixed."""

    changed: int
    now_good: int
    left: int


def row_data(row: RejectedRow, reader: RowReader) -> RowData:
    """The row with what its cells say now."""
    cells = {slot.name: cell.text for slot, cell in zip(reader.slots, reader.cells(row).cells, strict=True)}
    return {
        "line": row.line, "raw": row.raw, "cells": cells, "mended": row.cells is not None, "errors": row.errors,
        "version": row.version,
    }  # fmt: skip


def rows_with(job: ImportJob, *, column: str = "", code: str = "", ready: bool | None = None) -> Any:
    """The rejected rows with such an error, or (``ready``) those without any; in the order of the file."""
    rows = job.rejected_rows.order_by("line", "pk")
    if column or code:
        rows = rows.filter(_has_error(column, code))
    if ready is not None:
        rows = rows.filter(errors=[]) if ready else rows.exclude(errors=[])
    return rows


def get_row(job: ImportJob, line: int) -> RejectedRow:
    """The rejected row of that line. Raises NotFound."""
    return _found(job.rejected_rows.filter(line=line).order_by("pk").first(), line)


def _found(row: RejectedRow | None, line: int) -> RejectedRow:
    if row is None:
        reason = f"There is no rejected row of line {line}; it may have been accepted meanwhile."
        raise NotFound(reason, code="row_not_found")
    return row


def mend_row(
    *,
    user: User,
    job: ImportJob,
    line: int,
    cells: Mapping[str, object],
    version: int | None = None,
    is_as_seen: Callable[[RowData], bool] = lambda row: False,
) -> tuple[RejectedRow, RowReader]:
    """Write texts into cells of a row, by column, and find out what is wrong with it now.

    With ``version`` only if nobody has changed it since, or ``is_as_seen`` says of the row as it is now that what is to
    be changed still is what the user saw. Raises NotFound, InvalidInput, or Conflict (with ``theirs`` and ``yours``).
    """
    with transaction.atomic():
        job = _held(user, job)
        reader = reader_of(job)
        row = _found(job.rejected_rows.select_for_update().filter(line=line).order_by("pk").first(), line)
        if version is not None and version != row.version:
            theirs = row_data(row, reader)
            if not is_as_seen(theirs):
                details = {"theirs": theirs, "yours": dict(cells), "version": row.version}
                raise Conflict("Somebody else changed this row meanwhile.", code="changed_meanwhile", details=details)
        written = _texts(cells, reader)
        said = row_data(row, reader)["cells"]
        _cells(row).update({slot.key: text for slot, text in written.items() if text != said[slot.name]})
        _judge(job, reader, [row])
        _tell_causes(job)
    row.refresh_from_db()
    return row, reader


def _tell_causes(job: ImportJob) -> None:
    """Write to the job what is wrong with its rows now."""
    ImportJob.objects.filter(pk=job.pk).update(errors=causes_now(job))


def _texts(cells: Mapping[str, object], reader: RowReader) -> dict[Slot, str | None]:
    """What is to be written; an empty text is no value, as in a file. Raises InvalidInput."""
    faults: list[InvalidInput] = []
    found: dict[Slot, str | None] = {}

    def blame(name: str, reason: str) -> None:
        faults.append(
            InvalidInput(reason, fields={f"cells.{name[:120]}": reason}, pointers=[(("cells", name), reason)])
        )

    for name, text in cells.items():
        slot = reader.slot(str(name))
        if slot is None:
            blame(str(name), "The rows of this import have no cell for such a column.")
        elif text is not None and not isinstance(text, str):
            blame(str(name), "Give a text, or null.")
        elif text is not None and (reason := unstorable(text)) is not None:
            blame(str(name), reason)
        else:
            found[slot] = text or None
    if faults:
        raise together(faults, "Some of the cells are not valid.")
    if not found:
        raise InvalidInput("cells: Give at least one cell.", fields={"cells": "Give at least one cell."})
    return found


def _cells(row: RejectedRow) -> dict[str, str | None]:
    """What people have written into a row. From now on it is what its cells say, not what its text says."""
    if row.cells is None:
        row.cells = {}
        row.damage = next((error["code"] for error in row.errors if error["column"] == WHOLE_ROW), "")
    cells: dict[str, str | None] = row.cells
    return cells


def fix_rows(*, user: User, job: ImportJob, column: str, code: str, fix: Mapping[str, Any]) -> Fixed:
    """Do the same to a column's cell in every row that has this error there, and check these rows anew.

    With the column ``*`` to the row as a whole, which has too few or too many cells. Raises InvalidInput, or Conflict.
    """
    with transaction.atomic():
        job = _held(user, job)
        limit_statements(_LIMIT_MS)
        reader = reader_of(job)
        slot = reader.slot(column)
        if column == WHOLE_ROW:
            found = _read_otherwise(job, reader, code, fix)
        elif slot is not None:
            found = _fixed(job, reader, slot, _has_error(column, code), fix)
        else:
            reason = "The rows of this import have no cell for such a column."
            raise InvalidInput(f"column: {reason}", fields={"column": reason})
        _tell_causes(job)
    return found


def _fixed(job: ImportJob, reader: RowReader, slot: Slot, among: Q, fix: Mapping[str, Any]) -> Fixed:
    from dataengine.imports.rejecting.fixes import read_fix
    from dataengine.services.rejected_judging import Judging

    assert job.table is not None
    place = reader.slots.index(slot)
    with closing(Judging(job, job.table, reader)) as judging:
        change = read_fix(fix, judging.spec_of(slot), judging.style_of(slot))
        rows = rows_of(job, among)
        looked = 0
        for portion in batched(rows, _PORTION):
            said = [reader.cells(row) for row in portion]
            before = [one.cells[place].text for one in said]
            for row, one, old, new in zip(portion, said, before, change(before), strict=True):
                if old != new:
                    _cells(row)[slot.key] = new
                    judging.add(row, reader.cells(row) if row.damage else one.with_cell(place, new))
            looked += len(portion)
            if judging.count >= MOST_FIXED:
                break
        left = job.rejected_rows.filter(among).count() - looked
        return Fixed(judging.count, judging.judge(), max(0, left))


def _read_otherwise(job: ImportJob, reader: RowReader, code: str, fix: Mapping[str, Any]) -> Fixed:
    """Read the rows with such an error otherwise: what they are read as takes the place of their damage."""
    from dataengine.services.rejected_judging import Judging

    assert job.table is not None
    damage, among = read_whole_fix(fix, code), _has_error(WHOLE_ROW, code)
    with closing(Judging(job, job.table, reader)) as judging:
        looked = 0
        for row in rows_of(job, among):
            if reader.can_read(row, damage):
                row.cells, row.damage = {}, damage
                judging.add(row)
            looked += 1
            if judging.count >= MOST_FIXED:
                break
        left = job.rejected_rows.filter(among).count() - looked
        return Fixed(judging.count, judging.judge(), max(0, left))


def _judge(job: ImportJob, reader: RowReader, rows: list[RejectedRow]) -> None:
    """Find out what is wrong with rows, and write them. A web process loads what converts when it first has to."""
    from dataengine.services.rejected_judging import Judging

    assert job.table is not None
    with closing(Judging(job, job.table, reader)) as judging:
        for row in rows:
            judging.add(row)
        judging.judge()


def retry(*, user: User, job: ImportJob, lines: Collection[int] | None = None) -> ChangeJob:
    """Have a worker try the rejected rows of an import again: all, or only those of some ``lines``.

    Raises Conflict, or InvalidInput for lines of which none is rejected.
    """
    with transaction.atomic():
        job = _held(user, job)
        assert job.table is not None
        if not job.rows_rejected:
            raise Conflict("No row of this import is rejected.", code="nothing_to_retry")
        parameters: RetryParameters = {"retries": job.pk, "rows": job.rows_rejected}
        if lines is not None:
            found = list(job.rejected_rows.filter(line__in=lines).values_list("line", flat=True))
            if unknown := sorted(set(lines) - set(found)):
                reason = f"No row is rejected of {some_of(unknown)}; some may have been accepted meanwhile."
                raise InvalidInput(f"lines: {reason}", fields={"lines": reason})
            if not found:
                raise InvalidInput("lines: Choose at least one row.", fields={"lines": "Choose at least one row."})
            parameters |= {"rows": len(found), "lines": sorted(set(found))}
        change = ChangeJob.objects.create(
            table=job.table, user=user, action=ChangeJob.Action.RETRY, parameters=parameters,
            count=parameters["rows"], count_exact=True, told=True,
        )  # fmt: skip
        transaction.on_commit(lambda: ring(RUN_CHANGE, change.pk))
    return change


def retries_of(job: ImportJob) -> Any:
    """The import's retries, the last first."""
    return ChangeJob.objects.filter(action=ChangeJob.Action.RETRY, parameters__retries=job.pk).order_by("-pk")


def _held(user: User, job: ImportJob) -> ImportJob:
    """The import, its row locked until the end of the transaction.

    Raises Conflict where its rows are not mended, AccessDenied where they look into tables that are not for this user.
    """
    held = locked(job.pk)
    if retries_of(held).filter(state__in=ChangeJob.ACTIVE).exists():
        reason = "These rows are being tried again; wait until that has ended."
        raise Conflict(reason, code="retry_running")
    if held.table is not None:
        check_rights(user, held, held.table)
    return held


def locked(pk: int) -> ImportJob:
    """The import, locked. Raises Conflict unless it is one whose rejected rows can still become records."""
    job = ImportJob.objects.select_for_update(of=("self",)).select_related("table").get(pk=pk)
    _check(job)
    return job


def can_be_mended(user: User | AnonymousUser, job: ImportJob) -> bool:
    """Whether this user may mend the rejected rows of an import, and that would be of use."""
    try:
        _check(job)
    except Conflict:
        return False
    return job.table is not None and "edit" in access.rights_of(user, job.table)


def _check(job: ImportJob) -> None:
    table: Table | None = job.table
    if job.state != ImportJob.State.COMPLETED or job.options.get("dry_run"):
        raise Conflict("Only rows of an import that is in its table can be mended.", code="not_mendable")
    if table is None or table.trashed_at is not None:
        raise Conflict(f"There is no table “{job.table_name}” any more.", code="table_gone")
    if job.done_over_by.filter(state=ImportJob.State.COMPLETED).exists():
        raise Conflict("The file was imported anew since; mend the rows of that import.", code="done_over")


def _has_error(column: str, code: str) -> Q:
    if "\0" in column + code:  # no error has that, and PostgreSQL would not accept the question
        return Q(pk__in=())
    said = {name: text for name, text in (("column", column), ("code", code)) if text}
    return Q(errors__contains=[said])
