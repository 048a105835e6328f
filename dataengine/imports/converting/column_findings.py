"""From a decision and its evidence to what people are told of it (``found.py``). Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .candidates import Decision
from .cell_tests import Words
from .conversion import brief
from .evidence import ColumnEvidence
from .found import ColumnFinding
from .number_styles import Tally, display_of, read_one
from .recognising import are_mixed

_MOST_WORDS = 10


def finding_on(column: ColumnEvidence, decision: Decision) -> ColumnFinding:
    """The decision on a column, with the evidence for and against it."""
    found: ColumnFinding = {
        "column": column.name,
        "type": decision.kind.name,
        "values": filled(column),
        "message": _message(column, decision),
    }
    if decision.failures:
        found["failing"] = decision.failures
        found["line"], found["cell"] = decision.broken_line, brief(decision.broken_cell)
    if column.null_words and (decision.is_typed or decision.proposed):
        found["null_words"] = dict(column.null_words.most_common(_MOST_WORDS))
        found["without"] = (decision.proposed or decision.kind).name
    if column.marked:
        found["marked"] = column.marked
    if decision.form is not None and (rivals := column.rivals(decision.form)):
        found["date_formats"] = [decision.form.name, *rivals]
    if decision.marks:
        found["decimals"] = list(decision.marks)
    tally = next((tally for tally in column.numbers.tallies if tally.style is decision.style), None)
    if tally is not None and (display := display_of(tally)):
        found["display"] = display
    return found


def _message(column: ColumnEvidence, decision: Decision) -> str:
    """``a whole number; 1 of 20,000 cells is not (line 6,226: twelve)``."""
    if decision.proposed:
        count = column.null_words.total()
        return f"text, since {count:,} {'cells say' if count > 1 else 'cell says'} {', '.join(column.null_words)}"
    if not decision.is_typed:
        return why_text(column)
    total = filled(column)
    words, more = decision.words, decision.note
    if decision.note_tells_type:
        words, more = more, ""
    if decision.failures:
        words = f"{words}; {misfits(column, decision)}"
    elif more or not decision.note:
        words = f"{words}: {'all ' if total > 1 else ''}{total:,} {'cells' if total > 1 else 'cell'}"
    return "; ".join(filter(None, (words, more)))


def misfits(column: ColumnEvidence, decision: Decision) -> str:
    """``1 of 20,000 cells is not (line 6,226: twelve)``."""
    are = "are" if decision.failures > 1 else "is"
    return (
        f"{decision.failures:,} of {filled(column):,} cells {are} not"
        f" (line {decision.broken_line:,}: {brief(decision.broken_cell)})"
    )


def filled(column: ColumnEvidence) -> int:
    """How many cells hold anything that is no null marker."""
    return column.values + column.infinite + column.null_words.total() + column.errors


def why_text(column: ColumnEvidence) -> str:
    """Why a column is text although it nearly had another type; '' if there is nothing to say."""
    if not column.values:
        return "it holds no values"
    if column.has_codes and all(c.by not in {"dates", "times"} or not c.cells for c in column.candidates):
        whole = next(c for c in column.candidates if c.by == "integers")
        if re.match(r"-?0[0-9]|\+", whole.broken_cell):
            return f"“{brief(whole.broken_cell)}” in line {whole.broken_line:,} has leading zeros or a plus sign"
    if told := _mixed_words(column) or _contradiction(column.numbers.tallies):
        return told
    best = min(column.numbers.tallies, key=lambda tally: tally.failures)
    if best.cells and not best.failures:
        if best.percents and best.bare:
            return f"some of its numbers ({best.percents:,}) are percentages and others are not"
        if len(best.currencies) > 1:
            return f"its amounts are in {', '.join(sorted(best.currencies))}"
        if all(tally.thrice for tally in column.numbers.tallies):
            return "with cells like 1.000 and cells like 1,000, either mark may be the decimal mark"
    nearly = max(column.candidates, key=lambda c: (c.before or c.cells * (not c.failures), c.alike))
    before = nearly.before
    if not nearly.failures or not (before or nearly.alike):
        return ""
    count = "the cell before it is" if before == 1 else f"{before:,} cells before it are"
    others = count if before else "most cells after it are"
    return f"“{brief(nearly.broken_cell)}” in line {nearly.broken_line:,} is not {nearly.words}, but {others}"


def _mixed_words(column: ColumnEvidence) -> str:
    """That all its words are for yes and no, but not of one language."""
    for candidate in column.candidates:
        words = candidate.test.words if isinstance(candidate.test, Words) else {}
        if words and not candidate.failures and are_mixed(words, candidate.kinds[0]):
            told = ", ".join(f"“{word}”" for word in sorted(words))
            return f"its words for yes and no are of several languages ({told}); the type BOOLEAN takes them all"
    return ""


def _contradiction(tallies: Sequence[Tally]) -> str:
    """That some cells have a decimal comma and others a decimal point, where all are numbers in one of the two."""
    if len(tallies) < 2 or not all(tally.failures for tally in tallies):
        return ""
    counted = min(tally.cells + tally.failures for tally in tallies)
    point, comma = tallies
    if point.failures + comma.failures > counted:
        return ""
    if read_one(point.broken_cell, comma.style) is None or read_one(comma.broken_cell, point.style) is None:
        return ""
    return (
        f"“{brief(point.broken_cell)}” in line {point.broken_line:,} has a decimal comma,"
        f" “{brief(comma.broken_cell)}” in line {comma.broken_line:,} a decimal point"
    )
