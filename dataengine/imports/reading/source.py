"""Source files as streams of UTF-8: plain, gzip, zip with one member, and xlsx; with limits on what they unpack to.

Pure: knows files, no models. A Source can be read again from its beginning as often as needed; callers that only want
to know what the file is use its head, which is read once.
"""

from __future__ import annotations

import codecs
import gzip
import io
import itertools
import re
import zipfile
from collections.abc import Generator, Iterator
from functools import cached_property
from pathlib import PurePath
from typing import BinaryIO, Literal

from dataengine.exceptions import InvalidInput

from .archives import BROKEN, SourceLimits, check_unpacked, only_member
from .head import Head
from .marks import WithoutMarks
from .text_encodings import detect_wide
from .xlsx import Workbook

__all__ = ["Source", "SourceLimits", "open_source"]

CHUNK_BYTES = 1 << 20
SAMPLE_BYTES = 1 << 20
HEAD_BYTES = SAMPLE_BYTES + CHUNK_BYTES
"""A sample, and as much again for the records below a header."""
type Kind = Literal["text", "xlsx"]
type Packing = Literal["none", "gzip", "zip"]

SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")
MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"RIFF", "a media file"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a Linux program"),
    (b"\xcf\xfa\xed\xfe", "a macOS program"),
    (b"\xca\xfe\xba\xbe", "a Java class or macOS program"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document (.xls, .doc); save it as .xlsx or CSV"),
    (b"PAR1", "a Parquet file"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
)


class Source:
    """One opened source file. ``open_source`` makes it.

    ``bytes_total`` is the stored size, ``bytes_read`` the position in the stored (maybe compressed) file that the
    latest pass has reached, beginning at 0. ``kind`` is ``xlsx`` for spreadsheets, whose text is CSV made from the
    first sheet; there a row's line number is its number in the sheet (``lines_are_records``).
    """

    def __init__(self, file: BinaryIO, filename: str, *, kind: Kind, packing: Packing, limits: SourceLimits) -> None:
        self.filename = filename
        self.kind = kind
        self.packing = packing
        self.limits = limits
        self._file = file
        self.bytes_total = file.seek(0, io.SEEK_END)
        self.bytes_read = 0
        self._workbook: Workbook | None = None
        self._marked: WithoutMarks | None = None
        self.lines_of_separators = 0
        """How many lines of separators only the latest pass has found."""

    @property
    def lines_are_records(self) -> bool:
        """Whether a row's line number counts rows (sheets) and not physical lines (text)."""
        return self.kind == "xlsx"

    @property
    def notes(self) -> list[str]:
        """What users should know about what has been read so far."""
        number = self._workbook.long_number if self._workbook is not None else ""
        if not number:
            return []
        note = (
            f"{number[:40]} has more than 15 digits: it is read as the workbook holds it,"
            " but spreadsheets keep 15 digits of a number, so the program that wrote it may have rounded it"
        )
        return [note]

    @cached_property
    def head(self) -> Head:
        """How the file begins, unpacked but not decoded (for xlsx: as the CSV made from it)."""
        return Head(self._read, HEAD_BYTES)

    def sample(self, size: int = SAMPLE_BYTES) -> bytes:
        """The first ``size`` bytes of the head."""
        return self.head.sample(size)

    def head_text(self, encoding: str) -> Iterator[bytes]:
        """The same text as from ``open_text``, for callers that will hardly read beyond the head."""
        return iter(self._text(self.head.chunks(), encoding))

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
        self._marked = self._text(self.open_bytes(chunk_bytes), encoding)
        return iter(self._marked)

    @property
    def marks_found(self) -> int:
        """How many lines but the first had a byte order mark in the latest pass."""
        return self._marked.found if self._marked else 0

    @staticmethod
    def _text(chunks: Iterator[bytes], encoding: str) -> WithoutMarks:
        return WithoutMarks(to_utf8(chunks, encoding))

    def _read(self, chunk_bytes: int = CHUNK_BYTES) -> Generator[bytes]:
        self.bytes_read = 0
        if self.kind == "xlsx":
            if self._workbook is None:
                self._workbook = Workbook(self._file, self.limits)
            yield from self._workbook.csv_chunks(self._advance)
            return
        unpacked = 0
        for chunk in self._unpack(chunk_bytes):
            unpacked += len(chunk)
            if self.packing != "none":
                check_unpacked(unpacked, self.bytes_read, self.limits)
            yield chunk

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
    if name in ("utf-8", "utf-8-sig", "ascii"):
        head = b""
        for chunk in chunks:
            head += chunk
            if len(head) >= len(codecs.BOM_UTF8):
                break
        yield head.removeprefix(codecs.BOM_UTF8)
        yield from chunks
        return
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


def _with_byte_order(chunks: Iterator[bytes], name: str) -> tuple[Iterator[bytes], str]:
    """Add the byte order to the encoding if there is no mark: judged by the NULs, else LE. Returns the chunks again."""
    head = b""
    while len(head) < 64 and (chunk := next(chunks, None)) is not None:
        head += chunk
    if not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
        found = detect_wide(head) or ""
        name = found if found.startswith(name) else f"{name}-le"
    return itertools.chain([head], chunks), name


def check_name(filename: str) -> None:
    """Raise InvalidInput ``not_csv`` if the name already shows that the file cannot be imported."""
    name = filename.lower()
    packed = name.endswith(".gz") and name.removesuffix(".gz").endswith(SUFFIXES) and not name.endswith(".xlsx.gz")
    if not (packed or name.endswith((*SUFFIXES, ".zip"))):
        raise _unknown_kind()


def _unknown_kind() -> InvalidInput:
    return InvalidInput(
        "Only .csv, .tsv and .txt (also as .gz, or .zip with one file) and .xlsx can be imported.", code="not_csv"
    )


def open_source(
    file: BinaryIO,
    filename: str,
    *,
    limits: SourceLimits | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> Source:
    """Recognise a source file by its name and its first bytes.

    ``encoding`` and ``delimiter`` are the options: without them some bytes would not be text. ``file`` has to be
    seekable, and the caller closes it. Raises InvalidInput with the code ``empty_file``, ``not_csv``,
    ``multiple_members``, ``broken_archive``, ``bomb`` or ``too_large``.
    """
    limits = limits or SourceLimits()
    file.seek(0, io.SEEK_END)
    if not file.tell():
        raise InvalidInput("The file is empty.", code="empty_file")
    name = PurePath(filename.replace("\\", "/")).name.lower()
    packing: Packing = "none"
    inner = name
    if name.endswith(".gz"):
        if not _begins_with(file, b"\x1f\x8b"):
            raise InvalidInput("The file is named .gz but is not gzip.", code="not_csv")
        packing, inner = "gzip", name.removesuffix(".gz")
    elif name.endswith(".zip"):
        packing, inner = "zip", ""
    if packing == "zip" or name.endswith(".xlsx"):
        if not _begins_with(file, b"PK"):
            raise InvalidInput(f"The file is named {PurePath(name).suffix} but has another format.", code="not_csv")
        try:
            with zipfile.ZipFile(file) as archive:
                if packing == "zip":
                    inner = PurePath(only_member(archive).filename).name.lower()
                elif "xl/workbook.xml" not in archive.namelist():
                    raise InvalidInput("The file is named .xlsx but contains no workbook.", code="not_csv")
        except zipfile.BadZipFile as error:
            raise InvalidInput(f"The archive is damaged: {error}.", code="broken_archive") from error
    if not inner.endswith(SUFFIXES) or (packing != "none" and inner.endswith(".xlsx")):
        raise _unknown_kind()
    kind: Kind = "xlsx" if inner.endswith(".xlsx") else "text"
    source = Source(file, filename, kind=kind, packing=packing, limits=limits)
    start = source.sample(64 << 10)
    if not start:
        raise InvalidInput("The file is empty.", code="empty_file")
    if kind == "text":
        refuse_binary(start, encoding=encoding, delimiter=delimiter)
    source.bytes_read = 0
    return source


def _begins_with(file: BinaryIO, magic: bytes) -> bool:
    file.seek(0)
    return file.read(len(magic)) == magic


def refuse_binary(start: bytes, *, encoding: str | None = None, delimiter: str | None = None) -> None:
    """Raise InvalidInput ``not_csv`` if the first bytes are those of another kind of file."""
    for magic, what in MAGIC:
        if start.startswith(magic) and (not magic.isalnum() or b"\0" in start[:512] or not _textual(start)):
            raise InvalidInput(f"This is {what}, not CSV.", code="not_csv")
    if start.startswith(b"PK\x03\x04"):
        raise InvalidInput("This is a zip archive or Office document named like a text file.", code="not_csv")
    if start.startswith(b"\x1f\x8b"):
        raise InvalidInput("This is gzip; name it .csv.gz.", code="not_csv")
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) or start[:4] == codecs.BOM_UTF32_BE:
        return
    if re.match(rb"\s*(?:<!doctype html|<html|<\?xml)", start[:256], re.IGNORECASE):
        raise InvalidInput("This is an HTML or XML page, not CSV.", code="not_csv")
    if encoding is not None and codecs.lookup(encoding).name.startswith(("utf-16", "utf-32")):
        return
    if delimiter is not None and not delimiter.isprintable():
        start = start.replace(delimiter.encode(), b",")
    if not _textual(start):
        raise InvalidInput("The file contains binary data, not text.", code="not_csv")


def _textual(start: bytes) -> bool:
    """Whether bytes look like text of some encoding: few control characters, or NULs in the pattern of UTF-16.

    A handful of them is always allowed: they damage a few rows.
    """
    head = start[:8192]
    controls = sum(head.count(bytes([code])) for code in (*range(1, 9), *range(14, 27), *range(28, 32), 127))
    if controls > max(4, len(head) // 20):
        return False
    nuls = head.count(0)
    if nuls <= max(4, len(head) // 20) or detect_wide(head):
        return True
    even, odd = head[0::2].count(0), head[1::2].count(0)
    return max(even, odd) > 9 * min(even, odd) and max(even, odd) * 5 > len(head) // 2
