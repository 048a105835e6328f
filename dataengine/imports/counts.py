"""What became of the rows of a file, in numbers. Pure."""

from __future__ import annotations

from dataclasses import dataclass


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
