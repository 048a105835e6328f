"""``="00123"`` without quotes around it, which spreadsheets' users write to keep zeros, as the grammar reads it. Pure.

By the grammar a quote within an unquoted cell is damage. Such a cell is put into quotes before anything is read: it is
then what a spreadsheet would have written, and conversion knows what that means. Nothing that the grammar reads is
touched: a quote behind ``=`` that stands before text neither opens a cell nor ends one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_BEGINNING = b'="'
_MOST_HELD = 1 << 20
"""Of a line that does not end; cells in what is longer stay as they are."""


@lru_cache
def _pattern(delimiter: bytes) -> re.Pattern[bytes]:
    ends = re.escape(delimiter) + rb"|[\r\n]|\Z"
    inside = rb"(?:(?!" + re.escape(delimiter) + rb')[^"\r\n])+'
    return re.compile(rb'="(' + inside + rb')"(?=' + ends + rb")")


def _may_begin(text: bytes) -> bool:
    # One byte is looked for several times as fast as two.
    return b"=" in text and _BEGINNING in text


def in_quotes(text: bytes, delimiter: bytes, quote: bytes | None, *, before: bytes = b"\n") -> bytes:
    """The text with every such cell in quotes. ``before`` is what stands before it."""
    if quote != b'"' or not _may_begin(text):
        return text

    def put(found: re.Match[bytes]) -> bytes:
        start = found.start()
        left = before + text[max(0, start - len(delimiter)) : start]
        begins = left.endswith((b"\n", b"\r", delimiter))
        return b'"=""' + found[1] + b'"""' if begins else found[0]

    return _pattern(delimiter).sub(put, text)


def chunks_in_quotes(chunks: Iterator[bytes], delimiter: bytes, quote: bytes | None) -> Iterator[bytes]:
    """The same for a text in chunks that are cut anywhere."""
    if quote != b'"':
        yield from chunks
        return
    held, before = b"", b"\n"
    for chunk in chunks:
        text = held + chunk
        held = b""
        if _may_begin(text):
            end = max(text.rfind(b"\n"), text.rfind(b"\r")) + 1
            if len(text) - end < _MOST_HELD:
                text, held = text[:end], text[end:]
            text = in_quotes(text, delimiter, quote, before=before)
        elif text.endswith(b"="):
            text, held = text[:-1], b"="
        if text:
            before = text[-max(1, len(delimiter)) :]
            yield text
    if held:
        yield in_quotes(held, delimiter, quote, before=before)
