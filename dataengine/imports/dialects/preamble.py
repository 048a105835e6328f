"""Finds what precedes a table: titles, notes, lines of keys and values, padded to the table's width or not. Pure.

The table is the widest block of records of one shape; whatever precedes it is preamble.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from .head_lines import are_units
from .sample import ParsedSample, plainly_a_header, votes_for_header

MAX_LINES = 50
"""How many records before the table are considered."""
_FEW = 3
_DIGIT = re.compile("[0-9]")


def preamble(parsed: ParsedSample, delimiter: str) -> int:
    """How many lines precede the header (or the first row) of ``parsed``.

    A block begins with a record that fills all its cells; of the records that follow nine in ten, or all but one, have
    no more filled cells and are not shorter. Its first record is the header if it plainly names what follows; or if the
    records before it all have fewer filled cells and are no damaged header: two or more, or separated from it by a
    blank line, or at most half as wide. Of several such blocks the widest is the table. Faulty lines before the first
    record are preamble if that record plainly is the header, or if they have few delimiters.
    """
    records, width = parsed.records, parsed.width
    if parsed.head and not plainly_a_header(records, width):
        cells = max(line.count(delimiter.encode()) + 1 for line in parsed.head)
        return parsed.lines[0] if cells * 2 <= width else 0
    filled = [_filled(record) for record in records]
    begins = _begins(parsed, filled)
    if (
        begins
        and are_units(records[begins])
        and filled[begins - 1] >= filled[begins]
        and not are_units(records[begins - 1])
    ):
        begins -= 1  # units stand below the names
    return parsed.lines[begins] if begins or parsed.head else 0


def is_at_the_end(parsed: ParsedSample, usual: ParsedSample, *, usual_is_weak: bool) -> bool:
    """Whether the last lines are a table, by its header and shape, behind lines with fewer of its delimiters.

    ``usual`` is the same text with the delimiter that most lines agree on; that one must not explain the table, which a
    weak one (as in keys and times) does not.
    """
    records, lines = parsed.records, parsed.lines
    if parsed.faults or len(records) < _FEW:
        return False
    width = len(records[-1])
    rows = sum(1 for _ in itertools.takewhile(lambda record: len(record) == width, reversed(records)))
    begins = len(records) - rows
    if width < 2 or rows < 2 or not 0 < begins <= MAX_LINES or not any(cell.strip() for cell in records[begins]):
        return False
    before = max(map(len, records[:begins]))
    if before >= width or (usual_is_weak and width < usual.width):
        return False
    if usual.width > 1 and not usual_is_weak:
        table = [record for record, line in zip(usual.records, usual.lines, strict=True) if line >= lines[begins]]
        if sum(len(record) == usual.width for record in table) * 2 > len(table):
            return False
    if plainly_a_header(records[begins:], width):
        return True
    return before == 1 and width >= _FEW <= rows and _gap_before(parsed, begins)


def _begins(parsed: ParsedSample, filled: Sequence[int]) -> int:
    """The index of the record with which the table begins."""
    for may_have_gaps in (False, True):  # a header may lack a name, but so may lines of keys and values
        best, widest = 0, 0
        for index in range(min(len(parsed.records), MAX_LINES)):
            cells = filled[index]
            has_gaps = any(not cell.strip() for cell in parsed.records[index][:cells])
            if cells < 2 or cells < widest or (has_gaps and not may_have_gaps):
                continue
            if cells == widest and not _begins_anew(parsed, index, cells):
                continue
            if not _agree(parsed.records[index:], filled[index:], cells):
                continue
            if index == 0 or _is_preamble(parsed, filled, index, cells):
                best, widest = index, cells
        if widest:
            return best
    return 0


def _begins_anew(parsed: ParsedSample, index: int, width: int) -> bool:
    """Whether a header follows a blank line, below lines of the same width that are no table with a header."""
    records = parsed.records
    if index < 1 or not _gap_before(parsed, index) or len(records) - index < max(index + 1, _FEW):
        return False
    if _is_like_a_row(records[index], records[index + 1 :]):
        return False
    return plainly_a_header(records[index:], width) and votes_for_header(records[0], records[1:index], width) <= 0


def _is_like_a_row(record: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether it holds a digit in a column in which all others do: K1 above K2 and K3 is no name."""
    return any(
        _DIGIT.search(cell) and all(_DIGIT.search(row[place]) for row in rows if place < len(row))
        for place, cell in enumerate(record)
    )


def _agree(block: Sequence[Sequence[str]], filled: Sequence[int], width: int) -> bool:
    """Whether the records are rows of a table of ``width`` columns: a header and at least one row."""
    rows = len(block) - 1
    fitting = sum(count <= width <= len(record) for record, count in zip(block[1:], filled[1:], strict=True))
    full = sum(count == width for count in filled[1:])
    if not full and len(block[0]) == width:  # a column with a name may be empty
        full = sum(len(record) == width for record in block[1:])
    others = rows - fitting
    return full > 0 and (others * 10 <= rows or (others == 1 and fitting > 1))


def _is_preamble(parsed: ParsedSample, filled: Sequence[int], index: int, width: int) -> bool:
    """Whether the records before ``index`` are not part of the table that begins there."""
    before, block = filled[:index], parsed.records[index:]
    cut = [record[:width] for record in block if len(record) >= width]
    votes = votes_for_header(cut[0], cut[1:], width)
    if votes > 0:
        return True
    if max(before) >= width or len(block) < _FEW:
        return False
    if any(_is_sparse_row(record, cut, width) for record in parsed.records[:index]):
        return False
    if max(before) * 2 <= width:
        return True
    return votes == 0 and (_gap_before(parsed, index) or (index > 1 and _are_usual(block, filled[index:], width)))


def _is_sparse_row(record: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> bool:
    """Whether it holds values as the rows have them in these columns, and only lacks others."""
    return len(record) == width and votes_for_header(record, rows, width) < 0


def _gap_before(parsed: ParsedSample, index: int) -> bool:
    """Whether a blank line, or a record of empty cells, precedes the record."""
    return parsed.lines[index] > parsed.ends[index - 1] or not any(cell.strip() for cell in parsed.records[index - 1])


def _are_usual(block: Sequence[Sequence[str]], filled: Sequence[int], width: int) -> bool:
    """Whether most rows fill the block's width: then lines before it that do not are not part of it."""
    return sum(count == width for count in filled) * 2 > len(block)


def _filled(record: Sequence[str]) -> int:
    """The number of cells up to the last one that is not empty."""
    return len(record) - sum(1 for _ in itertools.takewhile(lambda cell: not cell.strip(), reversed(record)))
