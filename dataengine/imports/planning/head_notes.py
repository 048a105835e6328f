"""What people are told of the lines around a table that are no rows of it. Pure."""

from __future__ import annotations

from dataengine.imports.dialects.opening import Opening

from .options import ImportOptions

_TWO_LINES = "two lines, the first of which has groups"
_MOST_SHOWN = 6
_LONGEST = 40


def notes_on_head(opening: Opening, options: ImportOptions, tail: int) -> list[str]:
    """What of the file's head and of its lines' ends was passed over; ``tail`` columns are ignored."""
    notes: list[str] = []
    dialect, head_lines = opening.dialect, opening.source.head_lines
    if head_lines > 1 and dialect.has_header and options.dialect.skip_rows is None:
        notes.append(f"The names of the columns come from {head_lines} lines with merged cells.")
    if dialect.grouped:
        which = "three lines, the first two of which have groups" if dialect.grouped_twice else _TWO_LINES
        notes.append(f"The names of the columns come from {which}.")
    if dialect.skip_rows >= head_lines and options.dialect.skip_rows is None:
        lines = counted(dialect.skip_rows - head_lines + 1, "line")
        notes.append(f"{lines} before the table ignored (to change that, set “skip_rows”).")
    notes += [_on_units(opening)] * dialect.has_units
    notes += ["The line of dashes below the header is no row."] * dialect.ruled
    if drawing := opening.source.drawing:
        if drawing.is_wrapped:
            notes.append(
                "Lines that are in quotes as a whole were taken out of them (to change that, set “delimiter”)."
            )
        elif drawing.alignment:
            notes.append("The cells of a line are told apart by their places, as spaces align them.")
        else:
            notes.append("The lines that the table is drawn with are no rows.")
        if drawing.is_cut:
            notes.append(
                "The table was cut when it was printed: lines of … or · stand for rows that are not in the file."
            )
    if options.skip_last:
        notes.append(f"The last {counted(options.skip_last, 'row')} left out (“skip_last”).")
    if tail and not dialect.drawn:
        notes.append(f"{counted(tail, 'separator')} too many at the end of each line ignored.")
    if opening.is_indexed:
        notes.append(f"The header has no name for the first column; it is called “{opening.headers[0]}”.")
    return notes


def units_below(opening: Opening) -> str:
    """The units of a line below the header, with the columns that they are of."""
    told = [
        f"{name}: {cell.strip()[:_LONGEST]}"
        for name, cell in zip(opening.headers, opening.below_the_header, strict=False)
        if cell.strip()
    ]
    return ", ".join(told[:_MOST_SHOWN]) + (", …" if len(told) > _MOST_SHOWN else "")


def _on_units(opening: Opening) -> str:
    said = f"has units ({units_below(opening)}): it is no row"
    return f"The line below the header {said} (to change that, set “has_units” to false)."


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
