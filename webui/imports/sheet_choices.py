"""The sheets of a workbook on the preview page: how large each is, and which of them become tables, or go to some."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from dataengine import access
from dataengine.columns.identifiers import derive_identifier
from dataengine.exceptions import InvalidInput
from dataengine.imports.dialects.dialect import DialectOptions
from dataengine.imports.dialects.opening import examine
from dataengine.models import Table
from dataengine.services.workbook_imports import MOST, TakenSheet
from webui.words import plural

if TYPE_CHECKING:
    from typing import BinaryIO

    from django.contrib.auth.models import User

    from dataengine.imports.reading.sheets import Sheet
    from webui.imports.drafts import Draft

_TAKE, _NAME, _INTO = "take", "table-of", "into"

_MOST_TABLES = 1_000
"""So many stand in a list to choose from."""


@dataclass(frozen=True, slots=True)
class SheetChoice:
    """A sheet as it stands on the page: its size in words, and the table that it becomes, or (``into``) goes to."""

    number: int
    name: str
    size: str
    is_hidden: bool
    table_name: str = ""
    is_ticked: bool = False
    into: str = ""

    @property
    def label(self) -> str:
        """For a list: its name, its size, and whether it is hidden."""
        return f"{self.name} ({', '.join(filter(None, ('hidden' if self.is_hidden else '', self.size)))})"


def sheets_of(draft: Draft, dialect: DialectOptions) -> list[SheetChoice]:
    """All sheets; none where the file is no workbook. Their sizes are found only where none is asked for."""
    with suppress(InvalidInput):
        asked_for_none = replace(dialect, sheet=None)
        sheets = examine(cast("BinaryIO", draft), draft.filename, asked_for_none).source.sheets
        return [SheetChoice(number, sheet.name, _size(sheet), sheet.is_hidden) for number, sheet in enumerate(sheets)]
    return []


def as_tables(sheets: Sequence[SheetChoice], form: Mapping[str, str]) -> list[SheetChoice]:
    """The same with what the page said of each so far: the name of its table, and whether it is ticked."""
    taken = list(Table.objects.values_list("name", flat=True))
    choices = []
    for sheet in sheets[:MOST]:
        name = form.get(f"{_NAME}-{sheet.number}") or derive_identifier(sheet.name, what="table", taken=taken)
        taken.append(name)
        is_ticked, into = form.get(f"{_TAKE}-{sheet.number}") == sheet.name, form.get(f"{_INTO}-{sheet.number}", "")
        choices.append(replace(sheet, table_name=name, is_ticked=is_ticked, into=into))
    return choices


def ticked(form: Mapping[str, str]) -> list[TakenSheet]:
    """The sheets that are ticked, in their order."""
    return list(_ticked(form))


def _ticked(form: Mapping[str, str]) -> Iterator[TakenSheet]:
    for number in range(MOST):
        if sheet := form.get(f"{_TAKE}-{number}"):
            into = form.get(f"{_INTO}-{number}", "")
            yield TakenSheet(sheet, into or form.get(f"{_NAME}-{number}", "").strip(), is_new=not into)


def tables_to_add_to(user: User) -> list[str]:
    """The names of the tables that a sheet's rows can go to."""
    return list(access.tables_for(user, "edit").order_by("name").values_list("name", flat=True)[:_MOST_TABLES])


def _size(sheet: Sheet) -> str:
    if sheet.rank == 0:
        return "empty"
    return "size not known" if sheet.rows is None else plural(sheet.rows, "row,rows")
