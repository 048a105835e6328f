"""The rejected rows of an import on its page: a grid to mend them in, fixes for many alike, the last retry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.http import QueryDict

from dataengine.columns.types.aspects import NUMBER_KERNELS
from dataengine.imports.rejecting.mended_cells import WHOLE_ROW, RowReader, Slot
from dataengine.imports.rejecting.whole_rows import KINDS
from dataengine.models import ChangeJob, Column, ImportJob, RejectedRow
from dataengine.models.shapes import Cause
from dataengine.services import rejected_rows as services
from webui.words import plural

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

PER_PAGE = 50
_CELLS = 1_000
_SEEN_AT_ONCE = 7
"""Columns that nobody has to scroll to on a common screen."""
_LONG = 60
_LOOKED_AT = 1_000
_OFFERED = 8
_WHOLE = {
    "pad": "Leave the missing cells empty",
    "drop_empty": "Drop surplus cells that are empty",
    "join": "Join surplus cells to the last one",
}
_DATED = ("date", "time", "timestamp")


class MendCell(NamedTuple):
    """One cell of a row: what it says, and why that is not accepted."""

    slot: Slot
    title: str
    text: str
    reason: str
    yours: str | None = None
    """What the user wrote, where somebody else was quicker."""

    @property
    def is_long(self) -> bool:
        """Whether a line is too short for it."""
        return len(self.text) > _LONG or "\n" in self.text


class MendRow(NamedTuple):
    """A row of the grid; ``reasons`` concern it as a whole, and show its text."""

    line: int
    version: int
    cells: list[MendCell]
    reasons: list[str]
    raw: str
    is_good: bool

    @property
    def clashes(self) -> list[MendCell]:
        """The cells that somebody else has changed meanwhile."""
        return [cell for cell in self.cells if cell.yours is not None]


class Grid:
    """Makes rows of the grid.

    Of many columns those that have errors come next to the first, which tells what row it is: where they are in the
    file nobody would see what is wrong without scrolling. ``chosen`` names the one that matters most.
    """

    def __init__(self, reader: RowReader, columns: list[Column], job: ImportJob, chosen: str = "") -> None:
        self.reader = reader
        self._columns = {column.name: column for column in columns}
        self._order = list(range(len(reader.slots)))
        self.has_wrong_first = len(self._order) > _SEEN_AT_ONCE
        if self.has_wrong_first:
            found = (reader.slot(name) for name in (chosen, *(one["column"] for one in job.errors)))
            first = [reader.slots.index(slot) for slot in found if slot is not None]
            self._order = list(dict.fromkeys([0, *first, *self._order]))
        self.titles = [self.title(reader.slots[place]) for place in self._order]

    def title(self, slot: Slot) -> str:
        column = self._columns.get(slot.name)
        return column.title if column is not None else slot.name

    def column(self, name: str) -> Column | None:
        return self._columns.get(name)

    def row(self, row: RejectedRow, yours: Mapping[str, str | None] | None = None) -> MendRow:
        """A row as it is; ``yours``: by column, what a user wrote into it while somebody else did."""
        said = self.reader.cells(row)
        reasons: dict[str, list[str]] = {}
        for error in row.errors:
            slot = self.reader.slot(error["column"])
            reasons.setdefault(slot.key if slot is not None else WHOLE_ROW, []).append(error["message"])
        cells = [
            MendCell(
                slot,
                title,
                cell.text or "",
                "; ".join(reasons.get(slot.key, ())),
                (yours[slot.name] or "") if yours and slot.name in yours else None,
            )
            for slot, title, cell in (
                (self.reader.slots[place], title, said.cells[place])
                for place, title in zip(self._order, self.titles, strict=True)
            )
        ]
        return MendRow(row.line, row.version, cells, reasons.get(WHOLE_ROW, []), row.raw, not row.errors)


class Queue:
    """What the page shows of an import's rejected rows. ``params`` choose a page, and one cause."""

    def __init__(self, user: User | AnonymousUser, job: ImportJob, params: QueryDict) -> None:
        self.job = job
        self.column, self.code = params.get("column", ""), params.get("code", "")
        self.last = services.retries_of(job).first()
        self.is_retried = self.last is not None and not self.last.is_over
        self.may_mend = bool(job.rows_rejected) and not self.is_retried and services.can_be_mended(user, job)
        columns = list(job.table.columns.all()) if job.table is not None else []
        self.grid = Grid(RowReader(job, columns), columns, job, self.column)
        rows = services.rows_with(job, column=self.column, code=self.code)
        size = min(PER_PAGE, max(5, _CELLS // max(1, len(self.grid.titles))))
        self.page: Page[RejectedRow] = Paginator(rows, size).get_page(params.get("page"))

    @property
    def is_grid(self) -> bool:
        """Whether the rows are shown cell by cell, to be mended."""
        return self.may_mend and bool(self.grid.titles)

    @cached_property
    def rows(self) -> list[MendRow]:
        return [self.grid.row(row) for row in self.page.object_list]

    @property
    def ready(self) -> int:
        """How many rows are good now."""
        return int(services.rows_with(self.job, ready=True).count())

    @property
    def query(self) -> str:
        """The query string that keeps the cause; empty for all rows."""
        return f"?{urlencode({'column': self.column, 'code': self.code})}" if self.column or self.code else ""

    @property
    def rest(self) -> str:
        """What stands behind the number of a page in the query string."""
        return self.query.replace("?", "&", 1)

    @property
    def cause(self) -> Cause | None:
        """The cause that was chosen, as long as there are such rows."""
        causes: list[Cause] = self.job.errors
        return next((one for one in causes if (one["column"], one["code"]) == (self.column, self.code)), None)

    @property
    def causes(self) -> list[tuple[Cause, str, bool]]:
        """All causes, each with its query string and whether it is the chosen one."""
        return [
            (one, f"?{urlencode({'column': one['column'], 'code': one['code']})}", one == self.cause)
            for one in self.job.errors
        ]

    @cached_property
    def fixes(self) -> dict[str, Any] | None:
        """What can be done to all rows with the chosen cause; None where it has to be done row by row."""
        slot = self.grid.reader.slot(self.column) if self.cause is not None else None
        if slot is None:
            return None
        column = self.grid.column(slot.name)
        kernel = column.kind.kernel if column is not None else "integer"
        place = self.grid.reader.slots.index(slot)
        found = self.page.paginator.object_list[:_LOOKED_AT]
        cells = Counter(self.grid.reader.cells(row).cells[place].text for row in found)
        return {
            "title": self.grid.title(slot),
            "has_default": column is not None and column.default is not None,
            "is_number": kernel in NUMBER_KERNELS,
            "is_dated": kernel in _DATED,
            "values": [text for text, _ in cells.most_common(_OFFERED) if text is not None and len(text) <= _LONG],
        }

    @property
    def whole_fixes(self) -> list[tuple[str, str]]:
        """What can be done to all rows with the chosen cause as a whole: the kinds of fix, in words."""
        if self.cause is None or self.column != WHOLE_ROW:
            return []
        return [(kind, _WHOLE[kind]) for kind in KINDS.get(self.code, ())]

    @property
    def told(self) -> str:
        """How the last retry ended, in plain words."""
        last = self.last
        if last is None or not last.is_over:
            return ""
        if last.state == ChangeJob.State.CANCELLED:
            return "The last try was cancelled; nothing was changed."
        if last.state == ChangeJob.State.FAILED:
            return f"The last try came to nothing: {last.error}"
        tried = last.parameters.get("rows", last.count)
        left = tried - last.count
        if not last.count and tried == 1:
            return "Tried again: the row could not be taken in; the reasons are below."
        if not last.count:
            return f"Tried again: none of the {plural(tried, 'row,rows')} could be taken in; the reasons are below."
        came = f"{plural(last.count, 'row is,rows are')} in the table now"
        return f"Tried again: {came}{f', {left:,} still rejected' if left else ''}."
