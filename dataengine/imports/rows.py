"""What parsing hands on: blocks of accepted rows in columns, and the lines that were rejected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

RAW_LIMIT = 64 << 10
"""How much of a line that is too long to be a row is kept."""

type RejectCode = Literal["too_few_fields", "too_many_fields", "malformed_quotes", "invalid_encoding", "value_too_long"]
type Int64Array = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A row (or a line of a damaged one) that is no row of the right width.

    ``line`` is the physical line on which it begins (the file's first is 1), ``raw`` its text without the last line
    break, fit for PostgreSQL: what is not text (NUL, undecodable bytes) stands in it as U+FFFD.
    """

    line: int
    raw: str
    code: RejectCode
    message: str


@dataclass(slots=True)
class Block:
    """A stretch of accepted rows, column by column, and the rejected lines among and after them.

    ``columns``: one ``pa.string()`` array per column, all of the same length. Null is an unquoted cell that equals one
    of the null values; a quoted cell is never null.
    ``lines``: for each row the physical line on which it begins. Ascending, also from block to block.
    ``rejects``: ascending by line; they belong between the rows by their line numbers.
    ``bytes_read``: position in the stored (maybe compressed) file when the block was made.
    """

    columns: list[pa.Array]
    lines: Int64Array
    rejects: list[RejectedLine]
    bytes_read: int
    _text: bytes = field(default=b"", repr=False)
    _starts: Int64Array = field(default_factory=lambda: np.empty(0, np.int64), repr=False)
    _ends: Int64Array = field(default_factory=lambda: np.empty(0, np.int64), repr=False)

    def __len__(self) -> int:
        return len(self.lines)

    def raw(self, index: int) -> str:
        """The text of an accepted row as it stands in the file (decoded), without its line break. Cheap."""
        return self._text[int(self._starts[index]) : int(self._ends[index])].decode()


@dataclass(slots=True)
class Piece:
    """What an engine made of the beginning of a buffer: rows, rejects, and how far it came.

    ``starts`` and ``ends`` are byte offsets of the rows into the buffer; ``consumed`` bytes and ``lines_done`` lines
    of it are dealt with.
    """

    columns: list[pa.Array]
    lines: Int64Array
    rejects: list[RejectedLine]
    starts: Int64Array
    ends: Int64Array
    consumed: int
    lines_done: int

    @classmethod
    def nothing(cls, width: int, rejects: list[RejectedLine], consumed: int, lines: int) -> Piece:
        """No row in what was consumed."""
        none = np.empty(0, np.int64)
        columns = [pa.array([], pa.string()) for _ in range(width)]
        return cls(columns, none, rejects, none, none, consumed, lines)


def readable(raw: bytes) -> str:
    """Decode a piece of a file for showing and storing: NUL and undecodable bytes become U+FFFD."""
    return raw.decode("utf-8", "replace").replace("\0", "\ufffd")


def undecodable(raw: bytes) -> bool:
    """Whether bytes hold what PostgreSQL cannot store as text: invalid UTF-8 (lone surrogates too) or NUL."""
    if b"\0" in raw:
        return True
    if raw.isascii():
        return False
    try:
        raw.decode()
    except UnicodeDecodeError:
        return True
    return False


def reject(line: int, raw: bytes, code: RejectCode, message: str) -> RejectedLine:
    """A rejected line; bytes that are not text outweigh whatever else is wrong with it."""
    if undecodable(raw):
        what = "a NUL byte" if b"\0" in raw else "bytes that are no text in the file's encoding"
        return RejectedLine(line, readable(raw), "invalid_encoding", f"the row holds {what}")
    return RejectedLine(line, raw.decode(), code, message)


def reject_long(line: int, start: bytes, limit: int) -> RejectedLine:
    """A line longer than a row may be; only its start is kept."""
    message = f"the line is longer than {limit:,} bytes"
    return RejectedLine(line, readable(start[: min(RAW_LIMIT, limit)]), "value_too_long", message)
