"""What became of the rows of a file, in numbers and in examples. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict


class FoundChange(TypedDict):
    """What would become of one record: values by column, as PostgreSQL writes them; ``line`` is that of the file."""

    id: int | None
    line: int | None
    before: dict[str, str | None] | None
    after: dict[str, str | None] | None


@dataclass(slots=True)
class Counts:
    """What became of the data rows.

    Imported, updated, unchanged, skipped and rejected ones are all rows of the file, each counted once.
    """

    rows_read: int = 0
    rows_imported: int = 0
    rows_updated: int = 0
    rows_unchanged: int = 0
    rows_skipped: int = 0
    rows_rejected: int = 0
    rows_removed: int = 0
    """Records that gave way, or were marked: no rows of the file."""

    def left_out(self) -> Counts:
        """The same rows, if nothing of the file goes in: what was not rejected is left out, too."""
        return Counts(
            rows_read=self.rows_read,
            rows_skipped=self.rows_read - self.rows_rejected,
            rows_rejected=self.rows_rejected,
        )
