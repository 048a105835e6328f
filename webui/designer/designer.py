"""The form of a new table: its names and any number of column rows, which the server adds, moves and removes.

Each of these buttons posts the whole form with ``do`` = ``add``, ``remove:2``, ``up:2`` or ``down:2``; what was
typed comes back without validation. Only ``do=create`` (and Enter in a field) validates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict

from dataengine.columns.types import ColumnSpec
from dataengine.exceptions import DataEngineError
from webui.designer.forms import ColumnForm, TableForm
from webui.errors import add_errors

MAX_ROWS = 400
_PREFIX = "columns"


class Designer:
    """``form`` holds the names, ``rows`` one ColumnForm per column."""

    form: TableForm
    rows: list[ColumnForm]

    def __init__(self, posted: QueryDict | None = None) -> None:
        do, _, place = (posted.get("do", "create") if posted is not None else "").partition(":")
        self.is_judged = do == "create"
        if posted is None:
            self.form, self.rows = TableForm(), [_unjudged_row(0, {})]
        elif self.is_judged:
            self.form = TableForm(posted)
            self.rows = [ColumnForm(posted, prefix=f"{_PREFIX}-{number}") for number in range(_count(posted))]
        else:
            self.form = TableForm(initial={name: posted.get(name, "") for name in TableForm.base_fields})
            typed = [_typed(posted, number) for number in range(_count(posted))]
            _carry_out(typed, do, int(place) if place.isdecimal() else -1)
            self.rows = [_unjudged_row(number, values) for number, values in enumerate(typed)]

    def is_valid(self) -> bool:
        """Validate names and all rows, so that every error shows at once."""
        return self.is_judged and all([self.form.is_valid(), *(row.is_valid() for row in self.rows)])

    def specs(self) -> list[ColumnSpec]:
        """The columns, once valid."""
        return [row.cleaned_data["spec"] for row in self.rows]

    def add_errors(self, error: DataEngineError) -> None:
        """Add the errors of ``create_table`` to the rows and fields that they name."""
        rows = {row.cleaned_data["name"]: row for row in self.rows}
        elsewhere = dict(error.fields)
        for name in [name for name in elsewhere if name in rows]:
            field = "default" if error.error_code == "invalid_default" else "name"
            for text in elsewhere.pop(name):
                rows[name].add_error(field, text)
        if elsewhere or not error.fields:
            add_errors(self.form, error)

    @property
    def has_errors(self) -> bool:
        return self.is_judged and bool(self.form.errors or any(row.errors for row in self.rows))


def _count(posted: QueryDict) -> int:
    text = posted.get("rows", "0")
    return min(int(text), MAX_ROWS) if text.isdecimal() else 0


def _typed(posted: QueryDict, number: int) -> dict[str, str]:
    prefix = f"{_PREFIX}-{number}-"
    return {key.removeprefix(prefix): posted.get(key, "") for key in posted if key.startswith(prefix)}


def _unjudged_row(number: int, values: Mapping[str, Any]) -> ColumnForm:
    return ColumnForm(initial=values, prefix=f"{_PREFIX}-{number}")


def _carry_out(rows: list[dict[str, str]], do: str, at: int) -> None:
    if do == "add" and len(rows) < MAX_ROWS:
        rows.append({})
    elif not 0 <= at < len(rows):
        return
    elif do == "remove":
        del rows[at]
    elif do in {"up", "down"}:
        to = max(0, min(len(rows) - 1, at + (1 if do == "down" else -1)))
        rows.insert(to, rows.pop(at))
