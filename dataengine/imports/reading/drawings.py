"""Tables that are drawn with lines, as database shells and text editors show them. Pure.

``+----+-------+`` and the like are no rows: such lines are made blank, so that all others keep their numbers. What is
left are cells between bars, with spaces around them and, but in psql's usual output, a bar at either end.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .aligned import DIVIDER, MARKS, RULE, Alignment, alignment_of

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
_OPEN = {"|": re.compile(r"[ \t]*-+(?:\+-+)+[ \t]*"), "│": re.compile("[ \t]*(?:─)+(?:┼(?:─)+)+[ \t]*")}
"""Below the header of a table without bars at its sides, by what its cells are separated by."""
_BARS = "|│║┃"
_BAR = rf"(?:{'|'.join(map(re.escape, _BARS))})"
_COUNT = (
    r"[ \t]*(?:\(\d+ rows?(?: affected)?\)|\d+ rows? in set\b.*)"
    rf"|{_BAR} *\d+ rows?(?: \(\d+ shown\))? +\d+ columns?(?: \(\d+ shown\))? *{_BAR}"
)
_NO_ROW = re.compile(
    rf"^(?:{_CORNERED.pattern}|{_CROSSED.pattern}|{_BOXED.pattern}|{_OPEN['|'].pattern}|{_OPEN['│'].pattern}|{_COUNT})"
    r"(?=\r?$)".encode(),
    re.MULTILINE,
)
_WRAPPED = re.compile(rb'^"((?:[^"\r\n]|"")*)"[ \t]*(?=\r?$)', re.MULTILINE)
_RULE = re.compile(rb"^" + RULE.pattern.encode() + rb"\r?$", re.MULTILINE)
_TYPE = re.compile(
    r"(?:u?(?:tiny|small|big|huge)?int(?:eger|\d+)?|varchar|double|float|boolean|date|interval|uuid|blob|bit|json|varint"
    r"|bignum|time(?: with time zone)?|timestamp(?:_s|_ms|_ns| with time zone)?|decimal\(\d+,\d+\)"
    r"|(?:enum|struct|map|union)\(.*\))(?:\[\d*\])*"
)


_TYPE_OF_POLARS = re.compile(r"[a-z]+\d*(?:\[.*\])?")
_CUT = re.compile(rf"[ \t]*{_BAR} *(?:·|…) *(?:(?:│|┆|\|) *(?:·|…) *)+{_BAR}[ \t]*")
_CUTS = re.compile(rf"^{_CUT.pattern}(?=\r?$)".encode(), re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Drawing:
    """How a table is drawn. ``types``: the lines below the header that name DuckDB's or polars' types, as they are in
    the file. ``is_cut``: a line of nothing but ``…`` or ``·`` says that rows were left out when it was printed.

    A table without lines and bars has an ``alignment``, and its cells a bar between them when that has been applied.
    ``is_wrapped``: nothing is drawn, but each line is in quotes as a whole, which are taken off.
    """

    bar: str
    types: tuple[bytes, ...] = ()
    is_cut: bool = False
    alignment: Alignment | None = None
    is_wrapped: bool = False


def drawing_of(text: bytes, *, has_names: bool = True) -> Drawing | None:
    """How the table is drawn that the text begins with, maybe below a title or a shell's command, if it is one."""
    return _with_lines(text) or _aligned(text, has_names=has_names)


def _aligned(text: bytes, *, has_names: bool) -> Drawing | None:
    start = text.lstrip()
    first = start[: start.find(b"\n") + 1]
    if b"  " not in text or not (
        _RULE.search(text, 0, 64 << 10) or (has_names and MARKS.search(first.decode("utf-8", "replace")) is None)
    ):
        return None
    lines = text.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    found = alignment_of(lines, ruled=not has_names)
    return Drawing(DIVIDER, alignment=found) if found else None


def _with_lines(text: bytes) -> Drawing | None:
    lines = [line for line in text[: 64 << 10].decode("utf-8", "replace").splitlines()[:_HEAD_LINES] if line.strip()]
    for at, (line, below) in enumerate(itertools.pairwise(lines)):
        first, second = line.strip(), below.strip()
        if _CORNERED.fullmatch(line) or _BOXED.fullmatch(line):
            is_closed = second[0] in _BARS and second[-1] == second[0]
            if not is_closed:
                return None
            is_cut = any(map(_CUT.fullmatch, lines))
            return Drawing(second[0], _types(lines[at + 1 : at + 5], second[0]), is_cut)
        is_closed = len(first) > 1 and first[0] == first[-1] == "|"
        if is_closed and (_DASHED.fullmatch(below) or _CROSSED.fullmatch(below)):
            return Drawing("|")
        for bar, rule in _OPEN.items():
            if rule.fullmatch(below) and len(re.findall(r"[+┼]", below)) == line.count(bar):
                return Drawing(bar)
    return None


def _types(lines: Sequence[str], bar: str) -> tuple[bytes, ...]:
    """What stands between the names, the first of the lines, and the rule below, if it says the columns' types."""
    end = next((at for at, line in enumerate(lines) if _BOXED.fullmatch(line)), 0)
    cells = [[cell.strip() for cell in re.split(f"[{bar}┆]", line.strip().strip(bar))] for line in lines[1:end]]
    match cells:
        case [types] if all(map(_TYPE.fullmatch, types)):
            return (lines[1].encode(),)
        case [dashes, types] if set(dashes) == {"---"} and all(map(_TYPE_OF_POLARS.fullmatch, types)):
            return lines[1].encode(), lines[2].encode()
    return ()


def without_lines(chunks: Iterator[bytes], drawing: Drawing) -> Iterator[bytes]:
    """The text with its drawn lines blank, and the count of rows that shells write below a table."""
    if drawing.alignment:
        alignment = drawing.alignment
        return _by_lines(chunks, lambda text: _divided(text, alignment))
    if drawing.is_wrapped:
        return _by_lines(chunks, unwrapped)
    for line in drawing.types:
        chunks = _without_first(chunks, line)
    if len(drawing.types) > 1:
        return _by_lines(chunks, lambda text: _without_rules(_undotted(text), drawing))
    return _by_lines(chunks, lambda text: _without_rules(text, drawing))


def _without_rules(text: bytes, drawing: Drawing) -> bytes:
    text = _NO_ROW.sub(b"", text)
    return _CUTS.sub(b"", text) if drawing.is_cut else text


def _undotted(text: bytes) -> bytes:
    """The bars between polars' columns, which are others than at the sides, as those."""
    return text.replace("┆".encode(), "│".encode())


def unwrapped(text: bytes) -> bytes:
    """Lines without the quotes that enclose them as a whole; others stay as they are."""
    return _WRAPPED.sub(lambda found: found[1].replace(b'""', b'"'), text)


def _divided(text: bytes, alignment: Alignment) -> bytes:
    lines = text.decode("utf-8", "surrogateescape").split("\n")
    made = [alignment.divided(line) + "\r" * line.endswith("\r") if line else line for line in lines]
    return "\n".join(made).encode("utf-8", "surrogateescape")


def _by_lines(chunks: Iterator[bytes], change: Callable[[bytes], bytes]) -> Iterator[bytes]:
    """The text with whole lines changed; those that are too long stay as they are."""
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
            yield change(text[:end])
        held = text[end:]
        if len(held) > _LONGEST:
            yield held
            held, is_within = b"", True
    if held:
        yield change(held)


def _without_first(chunks: Iterator[bytes], line: bytes) -> Iterator[bytes]:
    """The text without the first occurrence of a line that stands near its beginning."""
    held = b""
    for chunk in chunks:
        held += chunk
        at = held.find(line)
        if at >= 0:
            yield held[:at]
            yield held[at + len(line) :]
            break
        if len(held) > _LONGEST:
            yield held
            break
    else:
        yield held
        return
    yield from chunks
