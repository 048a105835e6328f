"""Tables that are drawn with lines, as database shells and text editors show them. Pure.

``+----+-------+`` and the like are no rows: such lines are made blank, so that all others keep their numbers. What is
left are cells between bars, with spaces around them and a bar at either end.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

_HEAD_LINES = 60
_LONGEST = 1 << 20
"""No drawn line has so many bytes, so a line of that length need not be held to its end."""
_CORNERED = re.compile(r"[ \t]*\+(?:[-=]{2,}\+)+[ \t]*")
_CROSSED = re.compile(r"[ \t]*\|(?:-{2,}\+)*-{2,}\|[ \t]*")
_DASHED = re.compile(r"[ \t]*\|(?:[ \t]*:?-+:?[ \t]*\|)+[ \t]*")
_BOXED = re.compile(
    f"[ \t]*(?:{'|'.join('┌├└╞╘╒╔╠╚╭╰┏┡┣┗┠╟')})(?:{'|'.join('─━═┬┼┴╪╤╧╦╬╩╥╨╫┳╇╋┻┯┷┿╂')})+"
    f"(?:{'|'.join('┐┤┘╡╛╕╗╣╝╮╯┓┩┫┛┨╢')})[ \t]*"
)
_COUNT = r"[ \t]*(?:\(\d+ rows?\)|\d+ rows? in set\b.*)"
_BARS = "|│║┃"
_NO_ROW = re.compile(
    rf"^(?:{_CORNERED.pattern}|{_CROSSED.pattern}|{_BOXED.pattern}|{_COUNT})(?=\r?$)".encode(), re.MULTILINE
)


def bar_of(text: bytes) -> str | None:
    """The bar between the cells, if the text begins with a drawn table, maybe below a title or a shell's command."""
    lines = [line for line in text[: 64 << 10].decode("utf-8", "replace").splitlines()[:_HEAD_LINES] if line.strip()]
    for line, below in itertools.pairwise(lines):
        first, second = line.strip(), below.strip()
        if _CORNERED.fullmatch(line) or _BOXED.fullmatch(line):
            return second[0] if second[0] in _BARS and second[-1] == second[0] else None
        is_closed = len(first) > 1 and first[0] == first[-1] == "|"
        if is_closed and (_DASHED.fullmatch(below) or _CROSSED.fullmatch(below)):
            return "|"
    return None


def without_lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The text with its drawn lines blank, and the count of rows that shells write below a table."""
    held, is_within = b"", False  # a line whose beginning has gone on
    for chunk in chunks:
        text = held + chunk
        held = b""
        if is_within:
            rest = text.find(b"\n") + 1 or len(text)
            is_within = not text.endswith(b"\n", 0, rest)
            yield text[:rest]
            text = text[rest:]
        end = text.rfind(b"\n") + 1
        if end:
            yield _NO_ROW.sub(b"", text[:end])
        held = text[end:]
        if len(held) > _LONGEST:
            yield held
            held, is_within = b"", True
    if held:
        yield _NO_ROW.sub(b"", held)
