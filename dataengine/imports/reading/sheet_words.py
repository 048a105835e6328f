"""What is said of workbooks to people. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from .reader import Caution
from .sheets import PERHAPS, Sheet

_NAMED = 10


def sheet_notes(sheets: Sequence[Sheet]) -> list[str]:
    """Which sheet was taken, where others hold tables too or one before it was passed over."""
    taken = next((sheet for sheet in sheets if sheet.is_taken), None)
    if taken is None or len(sheets) < 2:
        return []
    others = [sheet for sheet in sheets if not sheet.is_taken and sheet.rank >= PERHAPS]
    passed = sheets[0] is not taken
    if not others and not passed:
        return []
    note = f"The sheet “{taken.name}” is imported"
    if others:
        named = ", ".join(f"“{sheet.name}”{' (hidden)' if sheet.is_hidden else ''}" for sheet in others[:_NAMED])
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        note += f", not {named}{more}"
    return [f"{note} (option “sheet”)"]


def long_number_note(number: str) -> str:
    """Of a whole number of more digits than spreadsheets keep."""
    return (
        f"{number[:40]} has more than 15 digits: it is read as the workbook holds it,"
        " but spreadsheets keep 15 digits of a number, so the program that wrote it may have rounded it"
    )


def formulas_warning(count: int) -> Caution:
    """Of cells that are NULL because nothing has calculated them."""
    cells = "1 cell holds a formula" if count == 1 else f"{count:,} cells hold formulas"
    message = (
        f"{cells} that no program has calculated, so there is no value to import: NULL."
        " Open the workbook in a spreadsheet program, save it, and import it again."
    )
    return Caution("formulas_without_values", message)
