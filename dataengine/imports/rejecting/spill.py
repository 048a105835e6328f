"""What grows with the file and must not grow in memory: line numbers of rows, and rejected rows. On disk, unnamed.

The files have no name, so nothing is left of them whatever kills the process.
"""

from __future__ import annotations

import json
import os
import tempfile
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np
import numpy.typing as npt
from django.conf import settings


def _scratch() -> IO[bytes]:
    return tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR, prefix="import-")


class LineIndex:
    """The line on which each row begins, by the row's number in the file (0 for the first)."""

    def __init__(self) -> None:
        self._file = _scratch()
        self.count = 0

    def append(self, lines: npt.NDArray[np.int64]) -> None:
        self._file.write(lines.tobytes())
        self.count += len(lines)

    def one(self, row: int) -> int:
        """The line of one row. Rows are asked for in no order; the page cache has them."""
        self._file.flush()
        return int(np.frombuffer(os.pread(self._file.fileno(), 8, 8 * row), dtype=np.int64)[0])

    def close(self) -> None:
        self._file.close()


class IdMap:
    """Which ids the rows of the file have: ranges, ascending in the file's order. They are few, so in memory."""

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
        """The number of the row that has an id of this import."""
        place = bisect_right(self._ids, record_id) - 1
        return self._rows[place] + record_id - self._ids[place]

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
    """A rejected row. ``row`` is its number in the file, -1 for what is no row (a damaged line)."""

    line: int
    row: int
    raw: str
    errors: list[dict[str, str]]


class RejectSpill:
    """Rejected rows in the order of the file."""

    def __init__(self) -> None:
        self._file = _scratch()
        self.count = 0

    def extend(self, rejected: Iterable[Rejected]) -> None:
        for item in rejected:
            self._file.write(json.dumps([item.line, item.row, item.raw, item.errors]).encode() + b"\n")
            self.count += 1

    def __iter__(self) -> Iterator[Rejected]:
        self._file.seek(0)
        for line in self._file:
            yield Rejected(*json.loads(line))

    def close(self) -> None:
        self._file.close()


@dataclass(frozen=True, slots=True)
class LateError:
    """An error found in SQL. ``first`` is the id of the row that a duplicate repeats."""

    id: int
    column: str
    code: str
    first: int | None


class LateSpill:
    """Late errors, by id."""

    def __init__(self) -> None:
        self._file = _scratch()

    def append(self, error: LateError) -> None:
        self._file.write(json.dumps([error.id, error.column, error.code, error.first]).encode() + b"\n")

    def __iter__(self) -> Iterator[LateError]:
        self._file.seek(0)
        for line in self._file:
            yield LateError(*json.loads(line))

    def close(self) -> None:
        self._file.close()


class ByteSpill:
    """Bytes that are written once and read once."""

    def __init__(self) -> None:
        self._file = _scratch()
        self.size = 0

    def write(self, data: bytes | memoryview) -> None:
        self._file.write(data)
        self.size += len(data)

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(0)
        while chunk := self._file.read(1 << 20):
            yield chunk

    def close(self) -> None:
        self._file.close()
