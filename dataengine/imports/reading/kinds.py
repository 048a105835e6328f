"""What kinds of files there are, and how a file's name and first bytes tell which it is. Pure."""

from __future__ import annotations

import codecs
import io
import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import PurePath
from typing import BinaryIO, Literal

from dataengine.exceptions import InvalidInput

from .archives import only_member
from .text_encodings import detect_wide

type Kind = Literal["text", "json", "xlsx", "xls", "ods", "parquet"]
type Packing = Literal["none", "gzip", "zip"]

KINDS: dict[str, Kind] = {
    ".csv": "text",
    ".tsv": "text",
    ".txt": "text",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".xlsx": "xlsx",
    ".xls": "xls",
    ".ods": "ods",
    ".parquet": "parquet",
}
"""By the ends of names."""
PACKABLE = frozenset({"text", "json"})
"""What is read from .gz and .zip as well."""
WORKBOOKS = frozenset({"xlsx", "xls", "ods"})
ZIPPED: dict[Kind, str] = {"xlsx": "xl/workbook.xml", "ods": "content.xml"}
"""Workbooks that are zip archives, with what such an archive has to hold."""
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
SUFFIXES = (*KINDS, ".gz", ".zip")
ACCEPTED = ",".join(SUFFIXES)
"""For the files that a page lets people choose from."""
FORMATS = (
    ".csv, .tsv, .txt, .jsonl, .ndjson and .json (also as .gz, or .zip with one file), .xlsx, .xls, .ods and .parquet"
)
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
    (_OLE, "an old Office document, not named .xls"),
    (b"PAR1", "a Parquet file, not named .parquet"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
)
WORDED: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (
        re.compile("\\s*(?:\\+?-|(?:┌)?─)\\[ RECORD 1 \\]".encode()),
        "psql's expanded output. Ask for rows instead: psql --csv, or \\pset format csv.",
    ),
    (re.compile(rb"\s*\*{10,} 1\. row \*{10,}"), "mysql's vertical output. Ask for rows instead: without -E and \\G."),
    (
        re.compile(
            rb"(?:\s|--.*|/\*(?s:.){0,400}?\*/;?|(?i:set|begin|start transaction|use|lock tables|drop table)\b[^;]*;)*+"
            rb"(?i:insert\s+into|create\s+table|copy)\s+[^\s,;|]+\s*(?:\(|(?i:values|select|from)\b)"
        ),
        "SQL, not CSV. Export the table's rows as CSV; a CREATE TABLE alone makes a table where tables are made.",
    ),
)
"""Text that begins so is no table of rows."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a file is: its kind, what it is packed in, and its bare name without that."""

    kind: Kind
    packing: Packing
    inner: str


PLAIN_TEXT = Recognised("text", "none", "")


def kind_of(name: str) -> Kind | None:
    """The kind of a file by its name, which is in lower case."""
    return KINDS.get(PurePath(name).suffix)


def check_name(filename: str) -> None:
    """Raise InvalidInput ``not_csv`` if the name already shows that the file cannot be imported."""
    name = filename.lower()
    if name.endswith(".zip") or kind_of(name) is not None:
        return
    if not name.endswith(".gz") or kind_of(name.removesuffix(".gz")) not in PACKABLE:
        raise _unknown_kind()


def recognise(file: BinaryIO, filename: str) -> Recognised:
    """What ``file`` is by its name and, where it says so, by how it begins.

    Raises InvalidInput ``empty_file``, ``not_csv``, ``multiple_members`` or ``broken_archive``.
    """
    file.seek(0, io.SEEK_END)
    if not file.tell():
        raise InvalidInput("The file is empty.", code="empty_file")
    name = PurePath(filename.replace("\\", "/")).name.lower()
    packing: Packing = "none"
    inner = name
    if name.endswith(".gz"):
        _check_beginning(file, name, b"\x1f\x8b")
        packing, inner = "gzip", name.removesuffix(".gz")
    elif name.endswith(".zip"):
        packing = "zip"
        inner = PurePath(_look_into(file, name).filename).name.lower()
    kind = kind_of(inner)
    if kind is None or (packing != "none" and kind not in PACKABLE):
        raise _unknown_kind()
    if kind == "xls" and _begins_with(file, b"PK"):
        kind, name = "xlsx", f"{name}x"  # programs that took the old name for the new format
    if kind == "xls" and not _begins_with(file, _OLE):
        raise InvalidInput("The file is named .xls but is no workbook.", code="not_csv")
    if kind == "parquet":
        _check_beginning(file, name, b"PAR1")
    if kind in ZIPPED:
        _look_into(file, name)
    return Recognised(kind, packing, inner)


def _look_into(file: BinaryIO, name: str) -> zipfile.ZipInfo:
    """The only member of a zip archive, or what says what a workbook is."""
    _check_beginning(file, name, b"PK")
    try:
        with zipfile.ZipFile(file) as archive:
            if name.endswith(".zip"):
                return only_member(archive)
            suffix = PurePath(name).suffix
            if ZIPPED[KINDS[suffix]] not in archive.namelist():
                raise InvalidInput(f"The file is named {suffix} but contains no workbook.", code="not_csv")
            return archive.getinfo(ZIPPED[KINDS[suffix]])
    except zipfile.BadZipFile as error:
        raise InvalidInput(f"The archive is damaged: {error}.", code="broken_archive") from error


def _begins_with(file: BinaryIO, magic: bytes) -> bool:
    file.seek(0)
    return file.read(len(magic)) == magic


def _check_beginning(file: BinaryIO, name: str, magic: bytes) -> None:
    if not _begins_with(file, magic):
        raise InvalidInput(f"The file is named {PurePath(name).suffix} but has another format.", code="not_csv")


def _unknown_kind() -> InvalidInput:
    return InvalidInput(f"Only {FORMATS} can be imported.", code="not_csv")


def holds_json(start: bytes) -> bool:
    """Whether a text begins with an object, or an array of such: as a header its quotes could not be read."""
    head = start.removeprefix(codecs.BOM_UTF8).lstrip()
    if not re.match(rb'(?:\[\s*)?\{\s*"(?:[^"\\]|\\.)*"\s*:', head):
        return False
    if head.startswith(b"["):
        return True
    try:
        return isinstance(json.loads(head.split(b"\n", 1)[0]), dict)
    except ValueError:
        return False


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
    if re.match(rb"\s*<(?:!doctype html|html|head|body|meta|table|\?xml)\b", start[:256], re.IGNORECASE):
        raise InvalidInput("This is an HTML or XML page, not CSV.", code="not_csv")
    for pattern, what in WORDED:
        if delimiter is None and pattern.match(start.removeprefix(codecs.BOM_UTF8)):
            raise InvalidInput(f"This is {what}", code="not_csv")
    if encoding is not None and codecs.lookup(encoding).name.startswith(("utf-16", "utf-32")):
        return
    if delimiter is not None and not delimiter.isprintable():
        start = start.replace(delimiter.encode(), b",")
    if not _textual(start.rstrip(b"\x1a")):  # old programs fill a file's last block with end marks
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
