"""What reads files that are no text: each hands on CSV made of its rows, one line a row. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from .rejected_lines import RejectedLine
from .sheet_cells import Told
from .sheets import Sheet

NULL = "\\N"
"""NULL, where a row of nothing else would be a line of nothing; texts are in quotes, so none is mistaken for it."""


class ColumnsAppeared(Exception):
    """A row has a column that the beginning of the file had not: who reads surveys the file, and begins anew."""


@dataclass(frozen=True, slots=True)
class Caution:
    """What somebody should look at before relying on what was imported."""

    code: str
    message: str


class Reader:
    """One opened file of a kind that says by itself what its cells are.

    The first line of the CSV is row 1 of the file, or row 0 if ``first_line`` says so, since the names are the format's
    own and stand in no row. What is text is quoted where it might be mistaken.
    """

    first_line: ClassVar[int] = 1

    def csv_chunks(self, read: Callable[[int], None]) -> Iterator[bytes]:
        """All rows as UTF-8 CSV, from the first. ``read`` is told how far into the stored file they come from."""
        raise NotImplementedError

    def survey(self, limit: int | None = None) -> None:
        """Look for all columns, or those of the first ``limit`` characters; formats that name them need not."""

    def keep_json(self, names: Collection[str]) -> None:
        """Columns whose cells are to be JSON, texts too; formats that know no JSON need not mind."""

    def refused(self, line: RejectedLine) -> RejectedLine:
        """A line of the CSV that was rejected, as what it stands for."""
        return line

    @property
    def header_line(self) -> int | None:
        """The line of the names where the format says it; known once the first rows have been read."""
        return None

    @property
    def head_lines(self) -> int:
        """How many lines the names take, the last of them ``header_line``."""
        return 1

    @property
    def sheets(self) -> Sequence[Sheet]:
        """The sheets of a workbook."""
        return ()

    @property
    def types(self) -> Mapping[str, str]:
        """Columns, by their names in the file, whose type the format says: SQL-style types."""
        return {}

    @property
    def told(self) -> Told:
        """What cells are by their type or format, as far as that was counted in the latest pass."""
        return Counter()

    @property
    def notes(self) -> list[str]:
        """What people should know of what has been read so far."""
        return []

    @property
    def warnings(self) -> list[Caution]:
        """What of it they should look at."""
        return []
