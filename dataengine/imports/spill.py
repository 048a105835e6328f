"""What grows with the file and must not grow in memory: line numbers of rows, and rejected rows. On disk, unnamed.

The files have no name, so nothing is left of them whatever kills the process.
"""

from __future__ import annotations

import json
import os
import tempfile
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


class ByteSpill:
    """Bytes that are written once and read once."""

    def __init__(self) -> None:
        self._file = _scratch()
        self.size = 0

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self.size += len(data)

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(0)
        while chunk := self._file.read(1 << 20):
            yield chunk

    def close(self) -> None:
        self._file.close()
