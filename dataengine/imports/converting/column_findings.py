"""What a column was found to be, in words and figures that a page can show and a person can turn. Pure."""

from __future__ import annotations

from dataengine.columns.types.text import Text
from dataengine.models.shapes import ColumnFinding

from .candidates import Decision
from .conversion import brief
from .evidence import ColumnEvidence
from .number_styles import display_of

_MOST_WORDS = 10


def finding_on(column: ColumnEvidence, decision: Decision) -> ColumnFinding:
    """The decision on a column, with the evidence for and against it."""
    found: ColumnFinding = {
        "column": column.name,
        "type": decision.kind.name,
        "values": column.values + column.infinite + column.null_words.total() + column.errors,
        "message": _message(column, decision),
    }
    if decision.failures:
        found["failing"] = decision.failures
        found["line"], found["cell"] = decision.broken_line, brief(decision.broken_cell)
    is_typed = decision.kind.name != Text.name
    if column.null_words and (is_typed or decision.proposed):
        found["null_words"] = dict(column.null_words.most_common(_MOST_WORDS))
        found["without"] = (decision.proposed or decision.kind).name
    if column.marked:
        found["marked"] = column.marked
    if decision.form is not None and (rivals := column.rivals(decision.form)):
        found["date_formats"] = [decision.form.name, *rivals]
    if decision.other:
        found["decimals"] = ["," if decision.other == "." else ".", decision.other]
    tally = next((tally for tally in column.numbers.tallies if tally.style is decision.style), None)
    if tally is not None and (display := display_of(tally)):
        found["display"] = display
    return found


def _message(column: ColumnEvidence, decision: Decision) -> str:
    """``a whole number; 1 of 20,000 cells is not (line 6,226: twelve)``."""
    if decision.proposed:
        count = column.null_words.total()
        return f"text, since {count:,} {'cells say' if count > 1 else 'cell says'} {', '.join(column.null_words)}"
    if decision.kind.name == Text.name:
        return "; ".join(filter(None, ("text", column.why_text())))
    said = (
        decision.note
        if decision.note.startswith("number, ")
        else "; ".join(filter(None, (_words(decision), decision.note)))
    )
    total = column.values + column.null_words.total()
    if not decision.failures:
        return f"{said}: {'all ' if total > 1 else ''}{total:,} {'cells' if total > 1 else 'cell'}"
    are = "are" if decision.failures > 1 else "is"
    return (
        f"{said}; {decision.failures:,} of {total:,} cells {are} not"
        f" (line {decision.broken_line:,}: {brief(decision.broken_cell)})"
    )


def _words(decision: Decision) -> str:
    return decision.words or decision.kind.label
