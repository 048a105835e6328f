"""Tables that are drawn with lines, as database shells and text editors show them. Pure.

``+----+-------+`` and the like are no rows: such lines are made blank, so that all others keep their numbers. What is
left are cells between bars, with spaces around them and a bar at either end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_HEAD_LINES = 60
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
    """The bar between the cells, if the text begins with a drawn table, maybe below what was asked of the shell."""
    lines = [line for line in text[: 64 << 10].decode("utf-8", "replace").splitlines()[:_HEAD_LINES] if line.strip()]
    for place, line in enumerate(lines[:-2]):
        below = lines[place + 1].strip()
        if _CORNERED.fullmatch(line) or _BOXED.fullmatch(line):
            return below[0] if below[0] in _BARS and below[-1] == below[0] else None
    first = lines[0].strip() if lines else ""
    is_closed = len(lines) > 1 and len(first) > 1 and first[0] == first[-1] == "|"
    if is_closed and (_DASHED.fullmatch(lines[1]) or _CROSSED.fullmatch(lines[1])):
        return "|"
    return None


def without_lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The text with its drawn lines blank, and the count of rows that shells write below a table."""
    held = b""
    for chunk in chunks:
        text = held + chunk
        end = text.rfind(b"\n") + 1
        held = text[end:]
        if end:
            yield _NO_ROW.sub(b"", text[:end])
    if held:
        yield _NO_ROW.sub(b"", held)
