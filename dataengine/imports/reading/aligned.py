"""Tables whose cells stand below one another, told apart by spaces alone, as programs print them. Pure.

A line of dashes below the names (sqlite, sqlcmd, SQL*Plus, reStructuredText) says where each column begins and ends.
Without one (pandas, R, ``kubectl``), columns are told by the places that are blank in all lines. Cells are divided by
``DIVIDER`` then, line by line, so lines keep their numbers; a line that does not fit stays as it is: it is rejected.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

DIVIDER = "\t"
RULE = re.compile(r" *(?:-+|=+)(?: +(?:-+|=+))+ *")
_COUNT = re.compile(
    r" *(?:\(\d+ rows?(?:\(s\))?(?: affected)?\)|\d+ (?:rows?|record\(s\)) selected\.|no rows selected"
    r"|\[\d+ rows x \d+ columns\])[ \r]*"
)
MARKS = re.compile(r'[,;|\t"]')
"""What divides names, so that nothing else does."""
_FEWEST = 3
"""Lines, the names among them, in which blank places tell something."""
_FITTING = 0.9

type Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where the columns stand, in characters from the beginning of a line; the last reaches to the line's end.

    ``rule`` is the line of dashes, which is no row wherever it is.
    """

    spans: tuple[Span, ...]
    rule: str = ""

    def divided(self, line: str) -> str:
        """A line with its cells divided, or as it is if it is none of the table's."""
        text = line.rstrip()
        if not text or text == self.rule or _COUNT.fullmatch(text):
            return ""
        cells = self._cells(text)
        return line if cells is None else DIVIDER.join(cells)

    def fits(self, line: str) -> bool:
        text = line.rstrip()
        return text == self.rule or self._cells(text) is not None

    def _cells(self, text: str) -> list[str] | None:
        if DIVIDER in text:
            return None
        at, cells = 0, []
        for begin, end in self.spans[:-1]:
            if text[at:begin].strip(" "):
                return None
            cells.append(text[begin:end].strip(" "))
            at = end
        last = self.spans[-1][0]
        return None if text[at:last].strip(" ") else [*cells, text[last:].strip(" ")]


def alignment_of(lines: Sequence[str], *, ruled: bool = False) -> Alignment | None:
    """How the table is aligned with which the lines begin, maybe below a title; with ``ruled``, by dashes alone."""
    for at in range(1, min(len(lines), 60)):
        if RULE.fullmatch(lines[at]) and (found := _by_rule(lines, at)):
            return found
    return None if ruled else _by_blanks(lines)


def _by_rule(lines: Sequence[str], at: int) -> Alignment | None:
    rule, names = lines[at].rstrip(), lines[at - 1]
    spans = tuple(group.span() for group in re.finditer(r"[-=]+", rule))
    found = Alignment(spans, rule)
    if not any(end - begin > 1 for begin, end in spans) or not names.strip() or RULE.fullmatch(names):
        return None
    block = [names, *_block(lines[at + 1 :])]
    fitting = sum(map(found.fits, block[1:]))
    named = all(found.divided(names).split(DIVIDER))
    return found if named and found.fits(names) and fitting >= max(1, _FITTING * (len(block) - 1)) else None


def _by_blanks(lines: Sequence[str]) -> Alignment | None:
    """The names have to stand above the columns, of which the first may lack one, and half of the gaps be filled."""
    begin = next((at for at, line in enumerate(lines) if line.strip() and not line.startswith("#")), len(lines))
    block = [line.rstrip() for line in _block(lines[begin:])]
    if len(block) < _FEWEST or MARKS.search(block[0]) or any(DIVIDER in line for line in block):
        return None
    if re.match(r"\s*[-+]?\d", block[0]):
        return None  # a row
    if len(_spans(block[:100])) < 2:
        return None  # told without looking at all of a long text
    spans = _joined(_spans(block), block)
    if len(spans) < 2 or any(not block[0][begin:end].strip() for begin, end in spans[1:]):
        return None
    gaps = [(left[1], right[0]) for left, right in itertools.pairwise(spans)]
    filled = [gap for gap in gaps if any(_is_filled(line, *gap) for line in block)]
    if len(filled) * 2 < len(gaps):
        return None
    if all(end - begin > 1 for begin, end in filled):  # no column begins after a single space
        begins, ends = [spans[0][0], *(end for _, end in filled)], [*(begin for begin, _ in filled), spans[-1][1]]
        spans = list(zip(begins, ends, strict=True))
    return Alignment(tuple(spans))


def _is_filled(line: str, begin: int, end: int) -> bool:
    """Whether more than one space stands between the cells on either side of a gap."""
    left, right = line[:begin].rstrip(), line[end:].lstrip()
    return bool(right) and len(line) - len(right) - len(left) > 1


def _block(lines: Sequence[str]) -> list[str]:
    """The lines up to the first blank one."""
    end = next((at for at, line in enumerate(lines) if not line.strip()), len(lines))
    return [line for line in lines[:end] if not _COUNT.fullmatch(line)]


def _spans(block: Sequence[str]) -> list[Span]:
    """Where any line has something."""
    width = max(map(len, block))
    taken = [False] * (width + 1)
    for line in block:
        for at, char in enumerate(line):
            if char != " ":
                taken[at] = True
    spans, begin = [], -1
    for at, is_taken in enumerate(taken):
        if is_taken and begin < 0:
            begin = at
        elif not is_taken and begin >= 0:
            spans.append((begin, at))
            begin = -1
    return spans


def _joined(spans: list[Span], block: Sequence[str]) -> list[Span]:
    """Words that happen to stand below one another are no columns: they lack a name, or have nothing but one."""
    made: list[Span] = []
    names, *rows = block
    is_open = False
    for begin, end in spans:
        is_named = bool(names[begin:end].strip())
        is_near = bool(made) and begin - made[-1][1] == 1
        if is_near and (is_open or not is_named or not any(line[begin:end].strip() for line in rows)):
            made[-1] = (made[-1][0], end)
            is_open = is_open and not is_named
        else:
            made.append((begin, end))
            is_open = not is_named and len(made) > 1
    return made
