"""Source files as streams of UTF-8: text as it is, other kinds as CSV; with limits on what they unpack to.

Pure: knows files, no models. A Source can be read again from its beginning as often as needed; callers that only want
to know what the file is use its head, which is read once.
"""

from __future__ import annotations

import codecs
import gzip
import io
import itertools
import zipfile
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import BinaryIO

from dataengine.exceptions import InvalidInput

from .archives import BROKEN, SourceLimits, check_unpacked, only_member
from .drawings import Drawing, without_lines
from .head import Head
from .json_rows import JsonRows
from .kinds import WORKBOOKS, Recognised, holds_json, recognise, refuse_binary
from .marks import WithoutMarks
from .ods import OpenDocument
from .parquet import ParquetRows
from .reader import NULL, Caution, Reader
from .rejected_lines import RejectedLine
from .sheet_cells import Told
from .sheets import Sheet
from .text_encodings import BOMS, detect_wide
from .xls import OldWorkbook
from .xlsx import Workbook

__all__ = ["Source", "SourceLimits", "open_source"]

CHUNK_BYTES = 1 << 20
SAMPLE_BYTES = 1 << 20
_MARK_BYTES = 8192
HEAD_BYTES = SAMPLE_BYTES + CHUNK_BYTES
"""A sample, and as many bytes again for the records below a header."""


class Source:
    """One opened source file. ``open_source`` makes it.

    ``bytes_total`` is the stored size, ``bytes_read`` how far into the stored (maybe compressed) file the latest
    reading has come: 0 when it begins, then ascending. The text of a file of another ``kind`` than ``text`` is CSV made
    from its rows; there the line number of a row is the number of that row (``lines_are_records``).
    """

    def __init__(
        self,
        file: BinaryIO,
        filename: str,
        *,
        what: Recognised,
        limits: SourceLimits,
        sheet: str | int | None = None,
        encoding: str | None = None,
    ) -> None:
        self.filename = filename
        self.kind = what.kind
        self.packing = what.packing
        self.limits = limits
        self._file = file
        self.bytes_total = file.seek(0, io.SEEK_END)
        self.bytes_read = 0
        self._encoding = encoding
        self._marked: WithoutMarks | None = None
        self.drawing: Drawing | None = None
        """How the table is drawn with lines, if it is: those are taken away."""
        self.lines_of_separators = 0
        """How many lines of separators or spaces only the latest pass has found."""
        self._reader = self._opened_reader(sheet)

    @property
    def lines_are_records(self) -> bool:
        """Whether a row's line number counts rows and not physical lines (text)."""
        return self.kind != "text"

    @property
    def first_line(self) -> int:
        """The number of the first line: 0 where the names of the columns stand in no row of the file."""
        return self._reader.first_line

    @property
    def header_line(self) -> int | None:
        """The line of the names, where the file says it by its form."""
        return self._reader.header_line

    @property
    def head_lines(self) -> int:
        """How many lines the names take there."""
        return self._reader.head_lines

    @property
    def sheets(self) -> Sequence[Sheet]:
        """The sheets of a workbook, one of them taken."""
        return self._reader.sheets

    @property
    def sheet(self) -> Sheet | None:
        """The sheet that is read."""
        return next((sheet for sheet in self.sheets if sheet.is_taken), None)

    @property
    def types(self) -> Mapping[str, str]:
        """SQL-style types of columns, by header, that the file itself says."""
        return self._reader.types

    @property
    def told(self) -> Told:
        """What the file itself says that cells are."""
        return self._reader.told

    @property
    def notes(self) -> list[str]:
        """What people should know of what has been read so far."""
        return self._reader.notes

    @property
    def warnings(self) -> list[Caution]:
        """What of it they should look at before they rely on it."""
        return self._reader.warnings

    @cached_property
    def head(self) -> Head:
        """How the file begins, unpacked but not decoded (of other kinds than text: the CSV made from it)."""
        return Head(self._read, HEAD_BYTES)

    def sample(self, size: int = SAMPLE_BYTES) -> bytes:
        """The first ``size`` bytes of the head."""
        return self.head.sample(size)

    def head_text(self, encoding: str) -> Iterator[bytes]:
        """The same text as that of ``open_text``, for those who will hardly read further than the head."""
        if self.lines_are_records:
            return self.head.chunks()
        return self._undrawn(iter(WithoutMarks(to_utf8(self.head.chunks(), encoding))))

    def open_bytes(self, chunk_bytes: int = CHUNK_BYTES) -> Generator[bytes]:
        """The unpacked bytes from the beginning, in chunks of at most about ``chunk_bytes``.

        Raises InvalidInput (``bomb``, ``too_large``, ``broken_archive``) as soon as that becomes clear.
        """
        self.head.stop()
        yield from self._read(chunk_bytes)

    def open_text(self, encoding: str, chunk_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
        """The text from the beginning as UTF-8 without marks at the starts of lines, in chunks cut at any point.

        A byte that ``encoding`` cannot decode becomes an invalid UTF-8 sequence, which costs the row it stands in
        (``invalid_encoding``) and no other.
        """
        if self.lines_are_records:
            return self.open_bytes(chunk_bytes)
        self._marked = WithoutMarks(to_utf8(self.open_bytes(chunk_bytes), encoding))
        return self._undrawn(iter(self._marked))

    def _undrawn(self, text: Iterator[bytes]) -> Iterator[bytes]:
        return without_lines(text, self.drawing) if self.drawing else text

    def survey(self, limit: int | None = None) -> None:
        """Look for all columns of a file whose rows name them, or for those of its first ``limit`` characters."""
        self.head.stop()
        self.__dict__.pop("head", None)  # its names are not all
        self._reader.survey(limit)

    @property
    def marks_found(self) -> int:
        """How many lines but the first had a byte order mark in the latest pass."""
        return self._marked.found if self._marked else 0

    def _json_text(self) -> Iterator[bytes]:
        start = next(self._unpacked(_MARK_BYTES), b"")
        encoding = self._encoding or next((name for mark, name in BOMS if start.startswith(mark)), None)
        return iter(WithoutMarks(to_utf8(self._unpacked(CHUNK_BYTES), encoding or detect_wide(start) or "utf-8")))

    def _read(self, chunk_bytes: int = CHUNK_BYTES) -> Generator[bytes]:
        self.bytes_read = 0
        if self.kind != "text":
            yield from self._reader.csv_chunks(self._advance)
        else:
            yield from self._unpacked(chunk_bytes)

    def _unpacked(self, chunk_bytes: int) -> Iterator[bytes]:
        unpacked = 0
        for chunk in self._unpack(chunk_bytes):
            unpacked += len(chunk)
            if self.packing != "none":
                check_unpacked(unpacked, self.bytes_read, self.limits)
            yield chunk

    def _opened_reader(self, sheet: str | int | None) -> Reader:
        match self.kind:
            case "text":
                return Reader()  # text says nothing of itself
            case "json":
                return JsonRows(self._json_text)
            case "xls":
                return OldWorkbook(self._file, sheet)
            case "ods":
                return OpenDocument(self._file, self.limits, sheet)
            case "parquet":
                return ParquetRows(self._file, self.limits)
            case "xlsx":
                return Workbook(self._file, self.limits, sheet)

    def keep_json(self, names: Collection[str]) -> None:
        """Hand on cells of these columns as JSON, where the file is: ``"a"`` with its quotes."""
        self._reader.keep_json(names)

    def refusals(self, rejects: list[RejectedLine]) -> list[RejectedLine]:
        """Rejected lines of the text, as what they stand for in the file."""
        return [self._reader.refused(line) for line in rejects]

    @property
    def nulls(self) -> tuple[str, ...]:
        """What an unquoted cell of the text may say for NULL, besides nothing."""
        return (NULL,) if self.first_line == 0 else ()

    def _advance(self, position: int) -> None:
        # A zip's directory is read in between, so positions may jump.
        self.bytes_read = max(self.bytes_read, min(position, self.bytes_total))

    def _unpack(self, chunk_bytes: int) -> Iterator[bytes]:
        self._file.seek(0)
        if self.packing == "none":
            position = 0
            while chunk := self._file.read(chunk_bytes):
                position += len(chunk)
                self._advance(position)
                yield chunk
            return
        try:
            if self.packing == "gzip":
                with gzip.GzipFile(fileobj=self._file, mode="rb") as packed:
                    while chunk := packed.read(chunk_bytes):
                        self._advance(self._file.tell())
                        yield chunk
            else:
                with zipfile.ZipFile(self._file) as archive, archive.open(only_member(archive)) as member:
                    while chunk := member.read(chunk_bytes):
                        self._advance(self._file.tell())
                        yield chunk
        except BROKEN as error:
            raise InvalidInput(f"The archive is damaged: {error}.", code="broken_archive") from error
        self._advance(self.bytes_total)


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", max(error.end, error.start + 1)


codecs.register_error("tablekeep-mark", _mark)


def to_utf8(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Transcode chunks to UTF-8; undecodable bytes become a lone surrogate in (invalid) UTF-8.

    Raises InvalidInput if the text as a whole is not in ``encoding``.
    """
    name = codecs.lookup(encoding).name
    if name in ("utf-8", "utf-8-sig"):
        yield from _without_mark(chunks)
        return
    if name == "ascii":
        chunks = _without_mark(chunks)
    if name in ("utf-16", "utf-32"):
        chunks, name = _with_byte_order(chunks, name)
    decoder = codecs.getincrementaldecoder(name)("tablekeep-mark")
    first = True
    try:
        for chunk in chunks:
            text = decoder.decode(chunk)
            if first and text:
                text = text.removeprefix("\ufeff")
                first = False
            if text:
                yield text.encode("utf-8", "surrogatepass")
        if text := decoder.decode(b"", True):
            yield text.encode("utf-8", "surrogatepass")
    except UnicodeError as error:
        reason = f"The file is not in {encoding}: {error}."
        raise InvalidInput(reason, code="invalid_encoding", fields={"encoding": reason}) from error


def _without_mark(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks without the mark of UTF-8 at the beginning of the first."""
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= len(codecs.BOM_UTF8):
            break
    yield head.removeprefix(codecs.BOM_UTF8)
    yield from chunks


def _with_byte_order(chunks: Iterator[bytes], name: str) -> tuple[Iterator[bytes], str]:
    """Add the byte order to the encoding if there is no mark: judged by the NULs, else LE. Returns the chunks again."""
    head = b""
    while len(head) < 64 and (chunk := next(chunks, None)) is not None:
        head += chunk
    if not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
        found = detect_wide(head) or ""
        name = found if found.startswith(name) else f"{name}-le"
    return itertools.chain([head], chunks), name


def open_source(
    file: BinaryIO,
    filename: str,
    *,
    limits: SourceLimits | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | int | None = None,
) -> Source:
    """Recognise a source file by its name and its first bytes.

    ``encoding``, ``delimiter`` and ``sheet`` are what a person said of it: without them such bytes may be no text.
    ``file`` has to be seekable and stays the caller's to close. Raises InvalidInput with the code ``empty_file``,
    ``not_csv``, ``multiple_members``, ``broken_archive``, ``bomb``, ``too_large``, ``too_many_columns``,
    ``unknown_sheet`` or ``invalid_option``.
    """
    limits = limits or SourceLimits()
    what = recognise(file, filename)
    if sheet is not None and what.kind not in WORKBOOKS:
        reason = "The file is no workbook, so it has no sheets (options.sheet)."
        raise InvalidInput(reason, code="invalid_option", fields={"sheet": reason})
    source = Source(file, filename, what=what, limits=limits, sheet=sheet, encoding=encoding)
    start = source.sample(64 << 10)
    if what.kind == "text" and delimiter is None and holds_json(start):
        what = replace(what, kind="json")
        source = Source(file, filename, what=what, limits=limits, sheet=sheet, encoding=encoding)
        start = source.sample(64 << 10)
    if not start:
        raise InvalidInput("The file is empty.", code="empty_file")
    if what.kind == "text":
        refuse_binary(start, encoding=encoding, delimiter=delimiter)
    source.bytes_read = 0
    return source
