"""One fix for many rejected rows that have too few or too many cells: how the text of such a row is read after all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dataengine.exceptions import InvalidInput

TOO_FEW, TOO_MANY = "too_few_fields", "too_many_fields"
DROPPED, JOINED = "surplus_dropped", "surplus_joined"
"""What stands in place of a row's damage once it is read so."""

KINDS: dict[str, dict[str, str]] = {
    TOO_FEW: {"pad": TOO_FEW},
    TOO_MANY: {"drop_empty": DROPPED, "join": JOINED},
}
"""By error: the fixes that make sense, and as what the rows are read by them."""

type Cells = list[tuple[str, bool]]


def read_whole_fix(given: Mapping[str, Any], code: str) -> str:
    """As what rows are to be read. Raises InvalidInput for a fix that does not mend this error."""
    kinds = KINDS.get(code)
    if kinds is None:
        reason = "Rows with this error have to be mended row by row."
        raise InvalidInput(f"code: {reason}", fields={"code": reason})
    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise _fault("kind", f"For rows with this error, give {' or '.join(f'“{name}”' for name in kinds)}.")
    if strangers := [str(name)[:60] for name in given if name != "kind"]:
        raise _fault(strangers[0], f"“{kind}” takes nothing else.")
    return kinds[kind]


def fitted(cells: Cells, width: int, damage: str, delimiter: str) -> Cells | None:
    """The cells of a row as ``width`` ones; None where they are more and may not be dropped or joined.

    A cell's text, and whether it is quoted. What is joined is text, never a word for NULL.
    """
    surplus = cells[width:]
    if not surplus or width == 0:
        return [*cells, *((("", False),) * (width - len(cells)))] if len(cells) <= width else None
    while surplus and not surplus[-1][0].strip():
        surplus.pop()
    if not surplus and damage in (DROPPED, JOINED):
        return cells[:width]
    if damage != JOINED:
        return None
    last = delimiter.join(text for text, _ in [cells[width - 1], *surplus])
    return [*cells[: width - 1], (last, True)]


def _fault(name: str, reason: str) -> InvalidInput:
    return InvalidInput(f"fix.{name}: {reason}", fields={f"fix.{name}": reason}, pointers=[(("fix", name), reason)])
