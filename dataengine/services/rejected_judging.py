"""Has rejected rows judged by what imports convert with. Loaded only where rows are judged: it takes half a second."""

from __future__ import annotations

from dataengine.columns.types import ColumnSpec
from dataengine.imports.converting.number_styles import NumberStyle
from dataengine.imports.loading.judging import judge
from dataengine.imports.planning.plan import RECORD_KEY
from dataengine.imports.rejecting.fed_rows import FedRows
from dataengine.imports.rejecting.mended_cells import Mended, RowReader, Slot
from dataengine.models import ImportJob, RejectedRow, Table
from dataengine.services.rejected_plans import planned


class Judging:
    """Rows to be judged together, in the caller's transaction."""

    def __init__(self, job: ImportJob, table: Table, reader: RowReader) -> None:
        self._job = job
        self._table = table
        self._reader = reader
        self._columns = list(table.columns.all())
        self._planned = planned(job, table, reader)
        self._fed = FedRows(len(reader.slots))

    @property
    def count(self) -> int:
        return self._fed.count

    def spec_of(self, slot: Slot) -> ColumnSpec:
        """The column of a slot."""
        return next((column.to_spec() for column in self._columns if column.name == slot.name), RECORD_KEY)

    def style_of(self, slot: Slot) -> NumberStyle | None:
        """How the numbers of a column are written; None: plainly."""
        return self._planned[0].styles.get(slot.name)

    def add(self, row: RejectedRow, said: Mended | None = None) -> None:
        """Take a row in as it is, be it stored like this or not; in the order of the file. ``said``: what it says."""
        self._fed.add(row, said or self._reader.cells(row))

    def judge(self) -> int:
        """Store the rows, each with what is wrong with it. Returns how many are good."""
        return judge(self._job, self._table, self._columns, self._fed, self._planned) if self.count else 0

    def close(self) -> None:
        self._fed.close()
