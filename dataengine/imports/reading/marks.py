"""Removes marks that are not text from the starts of lines: byte order marks, and the end mark of DOS. Pure.

Programs that join files leave the byte order mark of each at the start of a line; old ones end a file with 0x1A.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

_BOM = codecs.BOM_UTF8
_AT_LINE_START = re.compile(rb"(?<![^\r\n])(?:" + _BOM + rb")+")
_END_MARK = re.compile(rb"(?<![^\r\n])\x1a[\r\n\x1a]*\Z|\x1a+\Z")
# This may be half of a mark: wait for the bytes that follow.
_UNDECIDED = re.compile(rb"(?<![^\r\n])(?:" + _BOM + rb")*(?:\xef\xbb?|\x1a[\r\n\x1a]*)\Z|\x1a+\Z")
_REACH = 256
"""Bytes from a chunk's end within which it may begin: old programs filled blocks of 128 bytes with end marks."""


class WithoutMarks:
    """The chunks of a text in UTF-8 without such marks. ``found`` counts the byte order marks that were removed."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.found = 0
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        held, last = b"", b""  # undecided bytes, and the byte before them, if any
        for chunk in self._chunks:
            text = held + chunk
            held = b""
            if b"\xef" in text or b"\x1a" in text:
                # Include the byte before, so that the patterns can tell whether a line begins here.
                text = last + text
                if undecided := _UNDECIDED.search(text, max(0, len(text) - _REACH)):
                    text, held = text[: undecided.start()], text[undecided.start() :]
                if _BOM in text:
                    text, count = _AT_LINE_START.subn(b"", text)
                    self.found += count
                text = text[len(last) :]
            if text:
                last = text[-1:] if text.endswith((b"\n", b"\r")) else b"x"
                yield text
        if held and not _END_MARK.search(last + held):
            yield held
