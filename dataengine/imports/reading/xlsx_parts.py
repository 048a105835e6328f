"""Reads the parts of an .xlsx, which is a zip archive of XML files, as streams of events. Pure."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import BinaryIO
from xml.parsers import expat

from dataengine.exceptions import InvalidInput

from .archives import BROKEN, SourceLimits, check_unpacked

CHUNK_BYTES = 256 << 10

type Attributes = dict[str, str]


class Elements:
    """Collects the attributes of elements by name."""

    def __init__(self, *names: str) -> None:
        self.found: dict[str, list[Attributes]] = {name: [] for name in names}

    def start(self, name: str, attributes: Attributes) -> None:
        if name in self.found:
            self.found[name].append(attributes)

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
                yield position
            parser.Parse(b"", True)
    except (*BROKEN, KeyError, ValueError, expat.ExpatError) as error:
        raise InvalidInput(f"The workbook is damaged: {error}.", code="broken_archive") from error
    yield position
