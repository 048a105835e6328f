"""Lines of a file that are not rows, and what can be shown of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RAW_LIMIT = 64 << 10
"""How much of a line that is too long to be a row is kept."""

_MARK = "\udcff".encode("utf-8", "surrogatepass")
"""Put by ``source.to_utf8`` in place of undecodable bytes."""

type RejectCode = Literal["too_few_fields", "too_many_fields", "malformed_quotes", "invalid_encoding", "value_too_long"]


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A row (or a line of a damaged one) that is not a row of the right width.

    ``line`` is the physical line on which it begins (the first is 1), ``raw`` its text without the last line break, fit
    for
    PostgreSQL: NUL and undecodable bytes are replaced by U+FFFD.
    """

    line: int
    raw: str
    code: RejectCode
    message: str


def readable(raw: bytes) -> str:
    """Decode a piece of a file for display and storage; NUL and undecodable bytes become U+FFFD."""
    return raw.replace(_MARK, b"\xef\xbf\xbd").decode("utf-8", "replace").replace("\0", "\ufffd")


def undecodable(raw: bytes) -> bool:
    """Whether bytes contain what PostgreSQL cannot store as text: invalid UTF-8 (lone surrogates too) or NUL."""
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
    """A rejected line; if it has bytes that are not text, that is the error, whatever else is wrong."""
    if undecodable(raw):
        what = "a NUL byte" if b"\0" in raw else "bytes that are not text in the file's encoding"
        return RejectedLine(line, readable(raw), "invalid_encoding", f"the row holds {what}")
    return RejectedLine(line, raw.decode(), code, message)


def reject_long(line: int, start: bytes, limit: int) -> RejectedLine:
    """A line longer than a row may be; only its start is kept."""
    message = f"the line is longer than {limit:,} bytes"
    return RejectedLine(line, readable(start[: min(RAW_LIMIT, limit)]), "value_too_long", message)
