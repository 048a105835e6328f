"""Reads the parts of workbooks, which are zip archives of XML files, as streams of events. Pure."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from typing import BinaryIO
from xml.parsers import expat

from dataengine.exceptions import InvalidInput

from .archives import BROKEN, SourceLimits, check_unpacked
from .sheet_cells import column_index

CHUNK_BYTES = 256 << 10
MAX_TAG_BYTES = 1 << 20
"""What a tag, a comment or the like may take: the parser holds it whole, and begins it anew with every chunk."""
MAX_ELEMENTS = 20_000
"""Of what is kept by name: sheets, relations, kinds of cells."""

MERGES_WITHIN = 128 << 20
"""How much of a sheet is unpacked to find its merged cells."""
_MERGE = re.compile(
    rb"""<(?:\w+:)?mergeCell\b[^<>]*?\sref=["']\$?([A-Z]{1,3})\$?(\d{1,7}):\$?([A-Z]{1,3})\$?(\d{1,7})["']"""
)
_LONGEST_MERGE = 1000

type Attributes = dict[str, str]


class Elements:
    """Collects the attributes of elements by name."""

    def __init__(self, *names: str) -> None:
        self.found: dict[str, list[Attributes]] = {name: [] for name in names}

    def start(self, name: str, attributes: Attributes) -> None:
        if name in self.found:
            found = self.found[name]
            if len(found) >= MAX_ELEMENTS:
                raise InvalidInput(f"The workbook has more than {MAX_ELEMENTS:,} “{name}”.", code="too_large")
            found.append(attributes)

    def end(self, name: str) -> None:
        pass

    def text(self, data: str) -> None:
        pass


def open_archive(file: BinaryIO) -> zipfile.ZipFile:
    """The archive in ``file``. Raises InvalidInput ``broken_archive``."""
    try:
        return zipfile.ZipFile(file)
    except zipfile.BadZipFile as error:
        raise InvalidInput(f"The workbook is damaged: {error}.", code="broken_archive") from error


def parse_part(archive: zipfile.ZipFile, name: str, handler: Elements, limits: SourceLimits) -> None:
    """Give all events of a part to ``handler``. Raises InvalidInput ``broken_archive`` or ``bomb``."""
    for _ in stream_part(archive, name, handler, limits):
        pass


def stream_part(archive: zipfile.ZipFile, name: str, handler: Elements, limits: SourceLimits) -> Iterator[int]:
    """Parse a part of the workbook, pausing after each chunk with the position in the packed file.

    Document types (and so entities) are refused.
    """

    def refuse(*_: object) -> None:
        raise InvalidInput("The workbook declares document types, which no honest one does.", code="bomb")

    parser = expat.ParserCreate()
    parser.buffer_text = True

    def begin(root: str, attributes: Attributes) -> None:
        # Some programs write every name with a prefix; the usual ones are spared the work of taking it off.
        if ":" in root:
            parser.StartElementHandler = lambda name, found: handler.start(name.rpartition(":")[2], found)
            parser.EndElementHandler = lambda name: handler.end(name.rpartition(":")[2])
        else:
            parser.StartElementHandler, parser.EndElementHandler = handler.start, handler.end
        handler.start(root.rpartition(":")[2], attributes)

    parser.StartElementHandler = begin
    parser.CharacterDataHandler = handler.text
    parser.StartDoctypeDeclHandler = refuse
    unpacked = position = 0
    try:
        info = archive.getinfo(name)
        with archive.open(info) as part:
            while chunk := part.read(CHUNK_BYTES):
                position = archive.fp.tell() if archive.fp else 0  # before the handler reads elsewhere
                unpacked += len(chunk)
                check_unpacked(unpacked, info.compress_size, limits)
                parser.Parse(chunk)
                if unpacked - parser.CurrentByteIndex > MAX_TAG_BYTES + CHUNK_BYTES:
                    raise InvalidInput("A tag of the workbook is too long, as in no honest one.", code="bomb")
                yield position
            parser.Parse(b"", True)
    except (*BROKEN, KeyError, ValueError, expat.ExpatError) as error:
        raise InvalidInput(f"The workbook is damaged: {error}.", code="broken_archive") from error
    yield position


def read_merges(archive: zipfile.ZipFile, name: str, last_row: int) -> list[tuple[int, int, int, int]]:
    """The merged cells of a sheet that begin up to a row: row, column, last row, last column.

    They stand behind all rows, so this runs through the whole part without parsing it; of a very large one it gives up.
    """
    found: list[tuple[int, int, int, int]] = []
    rest, unpacked = b"", 0
    try:
        with archive.open(name) as part:
            while (chunk := part.read(CHUNK_BYTES)) and unpacked < MERGES_WITHIN:
                unpacked += len(chunk)
                text = rest + chunk
                if b"mergeCell" in text:
                    for column, row, last_column, below in _MERGE.findall(text):
                        if int(row) <= last_row and len(found) < MAX_ELEMENTS:
                            place = (int(row), column_index(column.decode()), int(below))
                            found.append((*place, column_index(last_column.decode())))
                rest = text[max(text.rfind(b"<"), len(text) - _LONGEST_MERGE) :]
    except (*BROKEN, KeyError, ValueError) as error:
        raise InvalidInput(f"The workbook is damaged: {error}.", code="broken_archive") from error
    return found
