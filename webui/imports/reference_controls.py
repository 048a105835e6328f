"""How the cells of a reference column are looked up, as choices beside it on the page before an import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataengine.imports.planning.references import ID, ReferenceOption
from dataengine.models import Table
from dataengine.services import import_references

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MATCH, MISSING = "match", "missing"
"""Beginnings of the names of the form's fields; the column's number follows."""
_MISSING = {"reject": "reject the row", "null": "leave the cell empty", "create": "make a record"}


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice that turns what was decided of a column: the form's field, what it says, what there is, what holds."""

    name: str
    label: str
    choices: Sequence[tuple[str, str]]
    chosen: str


def reference_choices(user: User, target: Table, number: int, option: ReferenceOption | None) -> list[Choice]:
    """The choices for the column with that number in the file; none where the user may not see the other table."""
    columns = import_references.choices(user, target)
    if not columns:
        return []
    said = option or ReferenceOption(ID)
    by = [(ID, "id"), *((column.name, column.title) for column in columns)]
    chosen = said.match or by[1][0]
    if chosen not in dict(by):
        by.append((chosen, chosen))
    able = [missing for missing in _MISSING if missing != "create" or (chosen != ID and _may_create(user, target))]
    return [
        Choice(f"{MATCH}-{number}", f"Found in {target.title} by", by, chosen),
        Choice(f"{MISSING}-{number}", "Where there is none", [(one, _MISSING[one]) for one in able], said.missing),
    ]


def without_contradictions(references: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """What was chosen, as an option. Of ids no records are made, whatever was chosen before the match was."""
    return {
        name: {MATCH: said[MATCH]} if said.get(MATCH) == ID and said.get(MISSING) == "create" else dict(said)
        for name, said in references.items()
    }


def _may_create(user: User, target: Table) -> bool:
    return import_references.may_create(user, target)
