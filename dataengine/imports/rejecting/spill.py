"""Keeps on disk what grows with the file: line numbers of rows, and rejected rows.

The files have no name, so nothing is left of them however the process ends.
"""

from __future__ import annotations

import json
import os
import tempfile
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import IO

import numpy as np
import numpy.typing as npt
from django.conf import settings

from dataengine.models.shapes import RowError


def _unnamed() -> IO[bytes]:
    return tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR, prefix="import-")


class _Scratch:
    """An unnamed file."""

    def __init__(self) -> None:
        self._file = _unnamed()

    def close(self) -> None:
        self._file.close()


class LineIndex(_Scratch):
    """The line on which each row begins, by the row's number in the file (0 for the first)."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def append(self, lines: npt.NDArray[np.int64]) -> None:
        self._file.write(lines.tobytes())
        self.count += len(lines)

    def one(self, row: int) -> int:
        """The line of one row. Rows may be asked for in any order; the page cache has them."""
        self._file.flush()
        return int(np.frombuffer(os.pread(self._file.fileno(), 8, 8 * row), dtype=np.int64)[0])

    def some(self, first_row: int, count: int) -> npt.NDArray[np.int64]:
        """The lines of consecutive rows."""
        self._file.flush()
        return np.frombuffer(os.pread(self._file.fileno(), 8 * count, 8 * first_row), dtype=np.int64)


class IdMap:
    """The ids of the file's rows as ranges, ascending in the order of the file. They are few, so kept in memory."""

    def __init__(self) -> None:
        self._ids: list[int] = []
        self._rows: list[int] = []
        self._ends: list[int] = []

    def add(self, first_id: int, first_row: int, count: int) -> None:
        if self._ids and self._ends[-1] == first_id:
            self._ends[-1] += count
            return
        self._ids.append(first_id)
        self._rows.append(first_row)
        self._ends.append(first_id + count)

    def row_of(self, record_id: int) -> int:
        """The number of the row that got an id of this import."""
        place = bisect_right(self._ids, record_id) - 1
        return self._rows[place] + record_id - self._ids[place]

    def ranges(self) -> Iterator[tuple[int, int, int]]:
        """First id, first row and length of each range."""
        for first_id, first_row, end in zip(self._ids, self._rows, self._ends, strict=True):
            yield first_id, first_row, end - first_id

    def between(self, first_row: int, end_row: int) -> Iterator[tuple[int, int]]:
        """The ids of some rows, as ranges from the first to the last."""
        place = max(bisect_right(self._rows, first_row) - 1, 0)
        while place < len(self._ids) and self._rows[place] < end_row:
            shift = self._ids[place] - self._rows[place]
            low, high = max(self._ids[place], first_row + shift), min(self._ends[place], end_row + shift)
            if low < high:
                yield low, high - 1
            place += 1

    def multirange(self) -> str:
        """All ids as PostgreSQL's ``int8multirange``."""
        return "{" + ",".join(f"[{low},{end})" for low, end in zip(self._ids, self._ends, strict=True)) + "}"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A rejected row. ``row`` is its number in the file, -1 for a damaged line, which is no row."""

    line: int
    row: int
    raw: str
    errors: list[RowError]


@dataclass(frozen=True, slots=True)
class LateError:
    """An error found in SQL. ``first`` is the id of the row that a duplicate repeats."""

    id: int
    column: str
    code: str
    first: int | None


@dataclass(frozen=True, slots=True)
class FedRow:
    """A rejected row that is tried again: its key, line and text, its cells (each with whether it was quoted), what is
    wrong however they are read, and what people wrote into it.
    """

    id: int
    line: int
    raw: str
    cells: list[tuple[str | None, bool]]
    errors: list[RowError]
    written: dict[str, str | None] | None
    damage: str


class _Spill[Item: Rejected | LateError | FedRow](_Scratch):
    """Items in the order in which they were added, as JSON."""

    def __init__(self, kind: type[Item]) -> None:
        super().__init__()
        self._kind = kind
        self._values = attrgetter(*(field.name for field in fields(kind)))
        self.count = 0

    def append(self, item: Item) -> None:
        self._file.write(json.dumps(self._values(item)).encode() + b"\n")
        self.count += 1

    def extend(self, items: Iterable[Item]) -> None:
        for item in items:
            self.append(item)

    def __iter__(self) -> Iterator[Item]:
        self._file.seek(0)
        for line in self._file:
            yield self._kind(*json.loads(line))


class RejectSpill(_Spill[Rejected]):
    """Rejected rows in the order of the file."""

    def __init__(self) -> None:
        super().__init__(Rejected)


class LateSpill(_Spill[LateError]):
    """Late errors, by id."""

    def __init__(self) -> None:
        super().__init__(LateError)


class FedSpill(_Spill[FedRow]):
    """Rejected rows that are tried again, in the order of the file."""

    def __init__(self) -> None:
        super().__init__(FedRow)


class ByteSpill(_Scratch):
    """Bytes that are written once and read once."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 0

    def write(self, data: bytes | memoryview) -> None:
        self._file.write(data)
        self.size += len(data)

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(0)
        while chunk := self._file.read(1 << 20):
            yield chunk
